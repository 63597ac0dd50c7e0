//! Lower prices for some hours.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shop_types::{FlashSaleId, LocalizedText, Money, ProductId};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// How long a sale may last, and how far ahead it may be planned.
pub const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// A sale as everyone may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlashSale {
    /// Its identifier.
    pub id: FlashSaleId,
    /// Which product.
    pub product_id: ProductId,
    /// What the product is called.
    pub name: LocalizedText,
    /// What one piece costs while the sale runs.
    pub price: Money,
    /// What one piece costs otherwise.
    pub regular_price: Money,
    /// When it begins.
    #[serde(with = "time::serde::rfc3339")]
    pub starts_at: OffsetDateTime,
    /// When it ends.
    #[serde(with = "time::serde::rfc3339")]
    pub ends_at: OffsetDateTime,
    /// How far it is.
    pub state: SaleState,
}

/// How far a sale is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum SaleState {
    /// It has not begun.
    Planned,
    /// The lower price holds.
    Running,
    /// It has ended, was stopped or was called off.
    Over,
}

/// A sale before it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewSale {
    /// Of which product.
    pub product: ProductId,
    /// What one piece will cost.
    pub price: Money,
    /// When it begins; none: at once.
    pub starts_at: Option<OffsetDateTime>,
    /// When it ends.
    pub ends_at: OffsetDateTime,
}

/// The times of a sale make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaleTimeError {
    /// It would have begun before anybody knew of it.
    #[error("it has passed; leave it out to start at once")]
    Past,
    /// It would be over before it begins.
    #[error("it must lie after the start and in the future")]
    Ended,
    /// It would be planned for too long ahead, or last too long.
    #[error("it must lie within 30 days of the start, which must lie within 30 days from now")]
    TooFar,
}

impl SaleTimeError {
    /// The field that is wrong, as a JSON pointer.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Past => "/starts_at",
            Self::Ended | Self::TooFar => "/ends_at",
        }
    }
}

impl NewSale {
    /// Whether the times make sense at this moment. A start that has passed is not moved to now: whoever wrote it meant something else.
    pub fn check(&self, now: OffsetDateTime) -> Result<(), SaleTimeError> {
        let starts_at = self.starts_at.unwrap_or(now);
        if starts_at < now {
            return Err(SaleTimeError::Past);
        }
        if self.ends_at <= starts_at {
            return Err(SaleTimeError::Ended);
        }
        let far = |from: OffsetDateTime, to: OffsetDateTime| to - from > LONGEST;
        if far(now, starts_at) || far(starts_at, self.ends_at) {
            return Err(SaleTimeError::TooFar);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sale_ends_after_it_begins_and_not_in_a_year() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let check = |starts_in: Option<i64>, ends_in: i64| {
            let at = |days| now + time::Duration::days(days);
            let product = ProductId::new(1).expect("positive");
            NewSale { product, price: Money::rub(1), starts_at: starts_in.map(at), ends_at: at(ends_in) }.check(now)
        };
        assert_eq!(check(None, 1), Ok(()));
        assert_eq!(check(None, 30), Ok(()));
        assert_eq!(check(Some(-9), 30), Err(SaleTimeError::Past));
        assert_eq!(check(Some(-9), -8), Err(SaleTimeError::Past));
        assert_eq!(check(Some(30), 60), Ok(()));
        assert_eq!(check(None, 0), Err(SaleTimeError::Ended));
        assert_eq!(check(Some(2), 1), Err(SaleTimeError::Ended));
        assert_eq!(check(Some(31), 32), Err(SaleTimeError::TooFar));
        assert_eq!(check(Some(1), 32), Err(SaleTimeError::TooFar));
    }
}
