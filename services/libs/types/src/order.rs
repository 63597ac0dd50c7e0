//! What services say to each other about orders.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{LocalizedText, Money, ProductId, Quantity};

/// Where an order is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(type_name = "text", rename_all = "UPPERCASE")]
pub enum OrderStatus {
    /// Placed; its stock is reserved.
    Created,
    /// Being packed.
    Processing,
    /// On its way.
    Shipping,
    /// Arrived; nothing follows.
    Delivered,
    /// Given up; nothing follows.
    Cancelled,
}

/// The text is not a state of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an order's status is one of CREATED, PROCESSING, SHIPPING, DELIVERED, CANCELLED")]
pub struct UnknownOrderStatus;

impl OrderStatus {
    /// Every status, in the order of an order's life.
    pub const ALL: [Self; 5] = [Self::Created, Self::Processing, Self::Shipping, Self::Delivered, Self::Cancelled];

    /// The name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Processing => "PROCESSING",
            Self::Shipping => "SHIPPING",
            Self::Delivered => "DELIVERED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for OrderStatus {
    type Err = UnknownOrderStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(UnknownOrderStatus)
    }
}

/// One product of an order, with the price and the name that it was bought at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderLine {
    /// What was bought.
    pub product_id: ProductId,
    /// How many pieces.
    pub quantity: Quantity,
    /// The price of one piece at that moment.
    pub unit_price: Money,
    /// The product's name at that moment.
    pub name: LocalizedText,
}

impl OrderLine {
    /// The price of all pieces; none if it overflows.
    pub fn total(&self) -> Option<Money> {
        self.unit_price.checked_mul(self.quantity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_reads_back_from_its_name_and_from_json() {
        for status in OrderStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(serde_json::to_value(status).expect("is JSON"), status.as_str());
        }
        assert_eq!("created".parse::<OrderStatus>(), Err(UnknownOrderStatus));
    }
}
