//! Tells the user service of every move of an order, and the catalog too, of what was sold, and of what was called off.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use shop_outbox::{DeliveryError, Event};
use shop_runtime::client::Sibling;
use shop_types::EventId;

use crate::events::{ORDER_CANCELLED, ORDER_NEWS, ORDER_PLACED, ORDER_STATUS, OrderCancelled, OrderMoved, OrderPlaced};

/// Those who are told of orders.
#[derive(Clone, Debug)]
pub struct Listeners {
    /// The user service: every move.
    pub users: Sibling,
    /// The catalog: every move, what was sold, what was called off.
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

/// News as the catalog takes them; the same ones twice are taken once there.
#[derive(Debug, Serialize)]
struct News {
    event_id: EventId,
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
        ORDER_NEWS => {
            let news = News { event_id, moved: OrderMoved::deserialize(&event.payload)? };
            to.catalog.post_idempotent::<IgnoredAny>("/internal/order-events", &news).await?;
        }
        ORDER_CANCELLED => {
            let OrderCancelled { order_id } = OrderCancelled::deserialize(&event.payload)?;
            // Both may be done again, so should the second fail, both are. Whether the sale was told of yet makes no difference there.
            to.catalog.delete::<IgnoredAny>(&format!("/internal/reservations/{order_id}")).await?;
            to.catalog.delete::<IgnoredAny>(&format!("/internal/sales/{order_id}")).await?;
        }
        ORDER_PLACED => {
            let sale = Sale { event_id, placed: OrderPlaced::deserialize(&event.payload)? };
            to.catalog.post_idempotent::<IgnoredAny>("/internal/sales", &sale).await?;
        }
        unknown => return Err(format!("nobody is known who wants events of topic {unknown}").into()),
    }
    Ok(())
}
