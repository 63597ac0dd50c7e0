//! What the order service tells others.

use serde::{Deserialize, Serialize};
use shop_types::{OrderId, OrderStatus, ProductId, Quantity, UserId};
use time::OffsetDateTime;

use crate::domain::order::Order;

/// The topic of notices that a customer's order has moved, for the user service.
pub const ORDER_STATUS: &str = "order_status";

/// The topic of the same news for the catalog, which tells the customer's open sockets.
pub const ORDER_NEWS: &str = "order_news";

/// The topic of orders that were called off, for the catalog: their stock goes back and they count as sold no more.
pub const ORDER_CANCELLED: &str = "order_cancelled";

/// An order was called off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancelled {
    /// The order.
    pub order_id: OrderId,
}

/// A customer's order has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderMoved {
    /// Whose order.
    pub user_id: UserId,
    /// The order.
    pub order_id: OrderId,
    /// The state that it is in now.
    pub status: OrderStatus,
    /// The order's version in that state: of two notices that overtook each other, the one with the higher version is the truth. Events
    /// that were written before there was one have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// When it moved.
    #[serde(with = "time::serde::rfc3339")]
    pub occurred_at: OffsetDateTime,
}

/// The topic of what was sold, for the catalog's bestsellers and recommendations.
pub const ORDER_PLACED: &str = "order_placed";

/// An order was placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// The order.
    pub order_id: OrderId,
    /// Who bought.
    pub user_id: UserId,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub occurred_at: OffsetDateTime,
    /// What was bought, each product once.
    pub lines: Vec<PlacedLine>,
}

/// What was bought of one product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedLine {
    /// The product.
    pub product_id: ProductId,
    /// How many pieces.
    pub quantity: Quantity,
}

impl From<&Order> for OrderPlaced {
    fn from(order: &Order) -> Self {
        let lines = order.lines.iter().map(|line| PlacedLine { product_id: line.product_id, quantity: line.quantity });
        Self { order_id: order.id, user_id: order.user_id, occurred_at: order.created_at, lines: lines.collect() }
    }
}
