//! What a user was told.

use serde::{Deserialize, Serialize};
use shop_types::{EventId, OrderId};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// A notice about an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Notification {
    /// The event that it comes from.
    pub(crate) id: EventId,
    /// What kind of notice, such as `order_status`.
    pub(crate) kind: String,
    /// The order that it is about.
    pub(crate) order_id: OrderId,
    /// The order's status after the event.
    pub(crate) status: String,
    /// When it happened.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) occurred_at: OffsetDateTime,
    /// Whether the user took note of it.
    pub(crate) read: bool,
}

/// Where a notice stands among its user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NotificationPosition {
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) occurred_at: OffsetDateTime,
    pub(crate) id: EventId,
}

impl Notification {
    pub(crate) const fn position(&self) -> NotificationPosition {
        NotificationPosition { occurred_at: self.occurred_at, id: self.id }
    }
}
