//! Tells the user service of every move of an order.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use shop_outbox::{DeliveryError, Event};
use shop_runtime::client::Sibling;
use shop_types::EventId;

use crate::events::{ORDER_STATUS, OrderMoved};

/// A notice as the user service takes it; the same one twice is taken once there.
#[derive(Debug, Serialize)]
struct Notice {
    event_id: EventId,
    kind: &'static str,
    #[serde(flatten)]
    moved: OrderMoved,
}

/// Delivers one event.
pub async fn deliver(users: Sibling, event: Event) -> Result<(), DeliveryError> {
    if event.topic != ORDER_STATUS {
        return Err(format!("nobody is known who wants events of topic {}", event.topic).into());
    }
    let moved = OrderMoved::deserialize(&event.payload)?;
    let notice = Notice { event_id: event.event_id, kind: ORDER_STATUS, moved };
    users.post_idempotent::<IgnoredAny>("/internal/notifications", &notice).await?;
    Ok(())
}
