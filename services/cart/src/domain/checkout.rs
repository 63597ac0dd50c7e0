//! The way of a checkout: RESERVING → COMMITTING → ORDERING → DONE, or RELEASING → REFUSED.
//!
//! The stock is sold before the order is made, not after: a reservation that the catalog has let go in the meantime then refuses
//! the checkout while there is no order yet. From there on the order only has to be asked for until it is there.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shop_types::{Currency, Money, OrderId, OrderLine, OrderStatus, ProductId, UserId};
use utoipa::ToSchema;

use super::cart::{Item, PriceError};

/// What the customer sends along with a checkout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckoutRequest {
    /// The version of the cart that the customer saw; if the cart has changed since, nothing is ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cart_version: Option<i64>,
}

/// What a request asks for, in few bytes: two requests under one key must not differ in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of this request, however it was spelled.
    pub fn of(request: CheckoutRequest) -> Self {
        let version = request.cart_version.map_or_else(|| "any".to_owned(), |version| version.to_string());
        Self(Sha256::digest(format!("checkout v1, cart version {version}")).into())
    }

    /// The bytes to keep.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The name that a client gives to one wish, so that asking twice is not ordering twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// The text cannot be an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key has from 1 to {} visible ASCII characters", IdempotencyKey::MAX_LENGTH)]
pub struct IdempotencyKeyError;

impl IdempotencyKey {
    /// The longest key.
    pub const MAX_LENGTH: usize = 255;

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = IdempotencyKeyError;

    /// Reads the header's value, in quotes (as the draft of the standard has it) or without.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let key = text.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(text);
        let fits = (1..=Self::MAX_LENGTH).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(key.to_owned())) } else { Err(IdempotencyKeyError) }
    }
}

/// The steps of a checkout and its two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "UPPERCASE")]
pub enum State {
    /// Asks the catalog to set the stock aside.
    Reserving,
    /// Tells the catalog that it is sold.
    Committing,
    /// Asks the order service to make the order.
    Ordering,
    /// Was refused; gives back whatever may have been set aside.
    Releasing,
    /// The order is made.
    Done,
    /// There is no order and there will be none.
    Refused,
}

impl State {
    /// Whether nothing follows.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Refused)
    }

    /// Whether a checkout may go from here to there.
    pub const fn leads_to(self, then: Self) -> bool {
        matches!(
            (self, then),
            (Self::Reserving, Self::Committing | Self::Releasing)
                | (Self::Committing, Self::Ordering | Self::Releasing)
                | (Self::Ordering, Self::Done | Self::Releasing)
                | (Self::Releasing, Self::Refused)
        )
    }

    /// The name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reserving => "RESERVING",
            Self::Committing => "COMMITTING",
            Self::Ordering => "ORDERING",
            Self::Releasing => "RELEASING",
            Self::Done => "DONE",
            Self::Refused => "REFUSED",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The answer to a checkout, kept byte for byte so that a retry gets the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// A checkout as far as it has come.
#[derive(Clone, Debug)]
pub struct Checkout {
    /// The order that it makes.
    pub order_id: OrderId,
    /// Whose cart it is.
    pub user_id: UserId,
    /// The version of the cart that is ordered.
    pub cart_version: i64,
    /// What the cart held at that version.
    pub items: Vec<Item>,
    /// The next step, or the end.
    pub state: State,
    /// The lines with names and prices, once they are reserved.
    pub priced: Option<Vec<OrderLine>>,
    /// What the client is told, once that is certain.
    pub answer: Option<Answer>,
    /// Tries of this step that had no outcome.
    pub attempts: i32,
}

impl Checkout {
    /// The answer, once nothing follows any more.
    pub fn final_answer(&self) -> Option<&Answer> {
        self.answer.as_ref().filter(|_| self.state.is_final())
    }
}

/// A product of which the catalog has less than is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    /// Which product.
    pub product_id: ProductId,
    /// Pieces wanted.
    pub requested: i64,
    /// Pieces there are.
    pub available: i64,
}

/// Why a checkout ends without an order. Only what a sibling has said for certain: no answer is not a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The catalog has too little of something.
    OutOfStock(Vec<Shortage>),
    /// The catalog does not sell something any more.
    NotSold(Vec<ProductId>),
    /// The reservation was given back before it was sold: the checkout was held up for too long.
    ReservationLost,
    /// The lines do not add up.
    Price(PriceError),
    /// The catalog or the order service does not take such an order at all; it says why.
    NotAccepted(String),
}

/// What the customer is told of an order that was made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Receipt {
    /// The order.
    pub order_id: OrderId,
    /// The state that it began in; ask the order service for the present one.
    pub status: OrderStatus,
    /// The version of the cart that was ordered; what was put in later is still there.
    pub cart_version: i64,
    /// What was bought, at which prices.
    pub lines: Vec<OrderLine>,
    /// What it costs.
    pub total: Money,
}

/// The sum of the lines.
pub fn total(lines: &[OrderLine]) -> Result<Money, PriceError> {
    let currency = lines.first().map_or_else(Currency::default, |line| line.unit_price.currency);
    let amounts: Option<Vec<Money>> = lines.iter().map(OrderLine::total).collect();
    amounts.and_then(|amounts| Money::checked_sum(currency, amounts)).ok_or(PriceError)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [State; 6] =
        [State::Reserving, State::Committing, State::Ordering, State::Releasing, State::Done, State::Refused];

    #[test]
    fn every_checkout_can_end_and_no_end_leads_on() {
        for state in ALL {
            assert_eq!(state.is_final(), ALL.into_iter().all(|then| !state.leads_to(then)), "{state}");
        }
    }

    #[test]
    fn an_order_is_made_only_after_its_stock_is_sold_and_a_refusal_only_after_it_is_released() {
        let before = |end| ALL.into_iter().filter(|state| state.leads_to(end)).collect::<Vec<_>>();
        assert_eq!(before(State::Done), [State::Ordering]);
        assert_eq!(before(State::Ordering), [State::Committing]);
        assert_eq!(before(State::Refused), [State::Releasing]);
    }

    #[test]
    fn a_key_is_the_same_with_and_without_quotes() {
        assert_eq!("\"abc-1\"".parse::<IdempotencyKey>(), "abc-1".parse());
        for bad in ["", "\"\"", "a b", "ключ", &"x".repeat(256)] {
            assert_eq!(bad.parse::<IdempotencyKey>(), Err(IdempotencyKeyError), "{bad}");
        }
    }

    #[test]
    fn requests_for_other_versions_have_other_fingerprints() {
        let of = |cart_version| Fingerprint::of(CheckoutRequest { cart_version });
        assert_eq!(of(Some(7)), of(Some(7)));
        assert_ne!(of(Some(7)), of(Some(8)));
        assert_ne!(of(None), of(Some(0)));
    }
}
