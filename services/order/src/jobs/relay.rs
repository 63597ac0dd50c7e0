//! Tells the user service of every move of an order, and the catalog of what was sold.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use shop_outbox::{DeliveryError, Event};
use shop_runtime::client::Sibling;
use shop_types::EventId;

use crate::events::{ORDER_PLACED, ORDER_STATUS, OrderMoved, OrderPlaced};

/// Those who are told of orders.
#[derive(Clone, Debug)]
pub struct Listeners {
    /// The user service: every move.
    pub users: Sibling,
    /// The catalog: what was sold.
    pub catalog: Sibling,
}

/// A notice as the user service takes it; the same one twice is taken once there.
#[derive(Debug, Serialize)]
struct Notice {
    event_id: EventId,
    kind: &'static str,
    #[serde(flatten)]
    moved: OrderMoved,
}

/// A sale as the catalog takes it; the same one twice is taken once there.
#[derive(Debug, Serialize)]
struct Sale {
    event_id: EventId,
    #[serde(flatten)]
    placed: OrderPlaced,
}

/// Delivers one event.
pub async fn deliver(to: Listeners, event: Event) -> Result<(), DeliveryError> {
    let event_id = event.event_id;
    match &*event.topic {
        ORDER_STATUS => {
            let notice = Notice { event_id, kind: ORDER_STATUS, moved: OrderMoved::deserialize(&event.payload)? };
            to.users.post_idempotent::<IgnoredAny>("/internal/notifications", &notice).await?;
        }
        ORDER_PLACED => {
            let sale = Sale { event_id, placed: OrderPlaced::deserialize(&event.payload)? };
            to.catalog.post_idempotent::<IgnoredAny>("/internal/sales", &sale).await?;
        }
        unknown => return Err(format!("nobody is known who wants events of topic {unknown}").into()),
    }
    Ok(())
}
