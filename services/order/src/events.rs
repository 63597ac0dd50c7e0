//! What the order service tells others.

use serde::{Deserialize, Serialize};
use shop_types::{OrderId, OrderStatus, UserId};
use time::OffsetDateTime;

/// The topic of notices that a customer's order has moved.
pub const ORDER_STATUS: &str = "order_status";

/// A customer's order has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderMoved {
    /// Whose order.
    pub user_id: UserId,
    /// The order.
    pub order_id: OrderId,
    /// The state that it is in now.
    pub status: OrderStatus,
    /// When it moved.
    #[serde(with = "time::serde::rfc3339")]
    pub occurred_at: OffsetDateTime,
}
