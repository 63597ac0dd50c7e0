//! Tells the user service of every move of an order, and the catalog too, of what was sold, and of what was called off.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use shop_outbox::{Courier, DeliveryError, Event};
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

impl Courier for Listeners {
    async fn deliver(&self, event: Event) -> Result<(), DeliveryError> {
        deliver(self.clone(), event).await
    }

    fn takes_together(&self, topic: &str) -> bool {
        matches!(topic, ORDER_STATUS | ORDER_NEWS | ORDER_PLACED)
    }

    async fn deliver_together(&self, topic: &str, events: &[Event]) -> Result<(), DeliveryError> {
        match topic {
            ORDER_STATUS => {
                let notices = events.iter().map(Notice::of).collect::<Result<Vec<_>, _>>()?;
                self.users.post_idempotent::<IgnoredAny>("/internal/notifications/batch", &notices).await?;
            }
            ORDER_NEWS => {
                let news = events.iter().map(News::of).collect::<Result<Vec<_>, _>>()?;
                self.catalog.post_idempotent::<IgnoredAny>("/internal/order-events/batch", &news).await?;
            }
            ORDER_PLACED => {
                let sales = events.iter().map(Sale::of).collect::<Result<Vec<_>, _>>()?;
                self.catalog.post_idempotent::<IgnoredAny>("/internal/sales/batch", &sales).await?;
            }
            other => return Err(format!("events of topic {other} are delivered one by one").into()),
        }
        Ok(())
    }
}

impl Notice {
    fn of(event: &Event) -> Result<Self, DeliveryError> {
        let moved = OrderMoved::deserialize(&event.payload)?;
        Ok(Self { event_id: event.event_id, kind: ORDER_STATUS, moved })
    }
}

impl News {
    fn of(event: &Event) -> Result<Self, DeliveryError> {
        Ok(Self { event_id: event.event_id, moved: OrderMoved::deserialize(&event.payload)? })
    }
}

impl Sale {
    fn of(event: &Event) -> Result<Self, DeliveryError> {
        Ok(Self { event_id: event.event_id, placed: OrderPlaced::deserialize(&event.payload)? })
    }
}

/// Delivers one event.
pub async fn deliver(to: Listeners, event: Event) -> Result<(), DeliveryError> {
    match &*event.topic {
        ORDER_STATUS => {
            to.users.post_idempotent::<IgnoredAny>("/internal/notifications", &Notice::of(&event)?).await?;
        }
        ORDER_NEWS => {
            to.catalog.post_idempotent::<IgnoredAny>("/internal/order-events", &News::of(&event)?).await?;
        }
        ORDER_CANCELLED => {
            let OrderCancelled { order_id } = OrderCancelled::deserialize(&event.payload)?;
            // Both may be done again, so should the second fail, both are. Whether the sale was told of yet makes no difference there.
            to.catalog.delete::<IgnoredAny>(&format!("/internal/reservations/{order_id}")).await?;
            to.catalog.delete::<IgnoredAny>(&format!("/internal/sales/{order_id}")).await?;
        }
        ORDER_PLACED => {
            to.catalog.post_idempotent::<IgnoredAny>("/internal/sales", &Sale::of(&event)?).await?;
        }
        unknown => return Err(format!("nobody is known who wants events of topic {unknown}").into()),
    }
    Ok(())
}
