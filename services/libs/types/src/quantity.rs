//! How many pieces of one product.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Pieces of one product in a line: at least one, at most 999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(try_from = "i64", into = "i32")]
#[sqlx(transparent)]
#[schema(value_type = i32, example = 2)]
pub struct Quantity(i32);

/// The number is not a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a quantity is a whole number from 1 to 999")]
pub struct QuantityError;

impl Quantity {
    /// The most pieces of one product that a line can have.
    pub const MAX: i32 = 999;

    /// Checks that the number is in range.
    pub const fn new(pieces: i32) -> Result<Self, QuantityError> {
        if pieces >= 1 && pieces <= Self::MAX { Ok(Self(pieces)) } else { Err(QuantityError) }
    }

    /// The number itself.
    pub const fn get(self) -> i32 {
        self.0
    }

    /// Both together, if a line may have that many.
    pub const fn checked_add(self, more: Self) -> Option<Self> {
        match Self::new(self.0 + more.0) {
            Ok(sum) => Some(sum),
            Err(QuantityError) => None,
        }
    }
}

impl TryFrom<i64> for Quantity {
    type Error = QuantityError;

    fn try_from(pieces: i64) -> Result<Self, Self::Error> {
        i32::try_from(pieces).map_err(|_| QuantityError).and_then(Self::new)
    }
}

impl TryFrom<i32> for Quantity {
    type Error = QuantityError;

    fn try_from(pieces: i32) -> Result<Self, Self::Error> {
        Self::new(pieces)
    }
}

impl From<Quantity> for i32 {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> Self {
        quantity.0.into()
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_out_of_range_is_refused_wherever_it_comes_from() {
        for bad in [i64::MIN, -1, 0, 1000, i64::MAX] {
            assert_eq!(Quantity::try_from(bad), Err(QuantityError), "{bad}");
            assert!(serde_json::from_str::<Quantity>(&bad.to_string()).is_err());
        }
        let most = Quantity::new(Quantity::MAX).expect("in range");
        assert_eq!(most.checked_add(Quantity::new(1).expect("in range")), None);
    }
}
