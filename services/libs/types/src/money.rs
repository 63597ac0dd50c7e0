//! Money: whole minor units, never a float.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Quantity;

/// The currencies that the shop sells in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum Currency {
    /// Russian rouble; its minor unit is the kopek.
    #[default]
    #[serde(rename = "RUB")]
    Rub,
}

impl Currency {
    /// The code by ISO 4217.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Rub => "RUB",
        }
    }
}

/// An amount of money in minor units (kopeks) of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units.
    #[schema(example = 12900)]
    pub amount: i64,
    /// What the minor units are units of.
    pub currency: Currency,
}

impl Money {
    /// So many minor units of a currency.
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// So many kopeks.
    pub const fn rub(amount: i64) -> Self {
        Self::new(amount, Currency::Rub)
    }

    /// The sum; none if it overflows or the currencies differ.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        (self.currency == other.currency)
            .then(|| self.amount.checked_add(other.amount))
            .flatten()
            .map(|amount| Self::new(amount, self.currency))
    }

    /// The price of so many pieces; none if it overflows.
    pub fn checked_mul(self, quantity: Quantity) -> Option<Self> {
        self.amount.checked_mul(quantity.into()).map(|amount| Self::new(amount, self.currency))
    }

    /// The sum of many amounts; zero of `currency` for none of them.
    pub fn checked_sum(currency: Currency, amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::new(0, currency), Self::checked_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_that_does_not_fit_is_none_and_never_wraps() {
        let two = Quantity::new(2).expect("in range");
        assert_eq!(Money::rub(150).checked_mul(two), Some(Money::rub(300)));
        assert_eq!(Money::rub(i64::MAX).checked_mul(two), None);
        assert_eq!(Money::rub(i64::MAX).checked_add(Money::rub(1)), None);
        assert_eq!(Money::checked_sum(Currency::Rub, []), Some(Money::rub(0)));
    }

    #[test]
    fn money_is_an_amount_and_a_code_on_the_wire() {
        assert_eq!(serde_json::to_string(&Money::rub(5)).expect("is JSON"), r#"{"amount":5,"currency":"RUB"}"#);
        assert!(serde_json::from_str::<Money>(r#"{"amount":1.5,"currency":"RUB"}"#).is_err());
        assert!(serde_json::from_str::<Money>(r#"{"amount":1,"currency":"XXX"}"#).is_err());
    }
}
