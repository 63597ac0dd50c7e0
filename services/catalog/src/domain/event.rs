//! What everyone in the shop hears of as it happens.

use serde::{Deserialize, Serialize};
use shop_types::{OrderId, OrderStatus, UserId};
use time::OffsetDateTime;

use super::flash_sale::FlashSale;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewEvent {
    /// What kind of thing.
    pub kind: EventKind,
    /// The sale as it is now.
    pub sale: FlashSale,
}

/// Kinds of things that happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A sale was planned for later.
    FlashSalePlanned,
    /// A lower price holds.
    FlashSaleStarted,
    /// An administrator stopped a sale, or called it off.
    FlashSaleStopped,
    /// A sale's time is over.
    FlashSaleEnded,
}

impl EventKind {
    /// The name in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FlashSalePlanned => "flash_sale_planned",
            Self::FlashSaleStarted => "flash_sale_started",
            Self::FlashSaleStopped => "flash_sale_stopped",
            Self::FlashSaleEnded => "flash_sale_ended",
        }
    }
}

/// The kind of what tells a customer of an order.
pub const ORDER_STATUS: &str = "order_status";

/// What has become of an order, for its owner only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderNews {
    /// The owner.
    pub user_id: UserId,
    /// The order.
    pub order_id: OrderId,
    /// What it is now.
    pub status: OrderStatus,
    /// Grows with every change of the order.
    pub version: Option<i64>,
    /// When.
    pub occurred_at: OffsetDateTime,
}

/// Who is told of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everyone.
    Everyone,
    /// Everyone; of the events of this kind and product only the last matters.
    EveryoneOnce(i64),
    /// Only this customer.
    User(UserId),
}

/// Something that happened, with its place among everything else that did. Kinds that this version does not know are passed on.
#[derive(Debug, Serialize)]
pub struct Event {
    /// Its number; the next one is greater by one.
    pub seq: i64,
    /// What kind of thing.
    pub kind: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Who is told.
    #[serde(skip)]
    pub audience: Audience,
    /// What else there is to say.
    #[serde(flatten)]
    pub payload: serde_json::Map<String, serde_json::Value>,
}
