//! What sells best.

use std::fmt;

use serde::Deserialize;
use utoipa::ToSchema;

/// How many bestsellers to show: 1 to 50, 10 unless asked otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(try_from = "u32")]
#[schema(value_type = u32, example = 10)]
pub struct BestsellersLimit(u32);

/// The number of bestsellers is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a list of bestsellers has from 1 to {} items", BestsellersLimit::MAX)]
pub struct BestsellersLimitError;

impl BestsellersLimit {
    /// The most that are shown.
    pub const MAX: u32 = 50;

    /// The number as the database counts it.
    pub const fn get(self) -> i64 {
        self.0 as i64
    }
}

impl Default for BestsellersLimit {
    fn default() -> Self {
        Self(10)
    }
}

impl TryFrom<u32> for BestsellersLimit {
    type Error = BestsellersLimitError;

    fn try_from(items: u32) -> Result<Self, Self::Error> {
        if (1..=Self::MAX).contains(&items) { Ok(Self(items)) } else { Err(BestsellersLimitError) }
    }
}

impl From<BestsellersLimit> for u32 {
    fn from(limit: BestsellersLimit) -> Self {
        limit.0
    }
}

impl fmt::Display for BestsellersLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_bestsellers_has_one_item_at_least_and_fifty_at_most() {
        for good in [1, 10, 50] {
            assert_eq!(BestsellersLimit::try_from(good).map(u32::from), Ok(good));
        }
        for bad in [0, 51, u32::MAX] {
            assert_eq!(BestsellersLimit::try_from(bad), Err(BestsellersLimitError));
        }
        assert_eq!(BestsellersLimit::default().to_string(), "10");
    }
}
