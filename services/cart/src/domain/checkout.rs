//! The way of a checkout: RESERVING → ORDERING → DONE, or RELEASING → REFUSED. (COMMITTING, between the first two, was written down by earlier
//! versions, and is what a checkout is in memory while its stock is being sold.)
//!
//! The stock is sold before the order is made, not after: a reservation that the catalog has let go in the meantime then refuses
//! the checkout while there is no order yet. From there on the order only has to be asked for until it is there.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shop_types::{Currency, Money, OrderId, OrderLine, OrderStatus, ProductId, UserId};
use utoipa::ToSchema;

use super::cart::{Item, PriceError};
use super::expectation::{Expectation, ExpectedPrice, RefusedLine};

/// What the customer sends along with a checkout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckoutRequest {
    /// The version of the cart that the customer saw; if the cart has changed since, nothing is ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cart_version: Option<i64>,
    /// What the customer expects to pay; if it comes to another total, nothing is ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_total: Option<Money>,
    /// The prices that the customer saw; if a product that is ordered has another one, nothing is ordered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected_prices: Vec<ExpectedPrice>,
}

/// A product has two prices in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("product {0} is expected at more than one price")]
pub struct TwoPrices(pub ProductId);

impl CheckoutRequest {
    /// Whether the request can be met at all.
    pub fn check(&self) -> Result<(), TwoPrices> {
        let mut products: Vec<_> = self.expected_prices.iter().map(|price| price.product_id).collect();
        products.sort_unstable();
        products.windows(2).find(|pair| pair[0] == pair[1]).map_or(Ok(()), |pair| Err(TwoPrices(pair[0])))
    }
}

/// The steps of a checkout and its two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "UPPERCASE")]
pub enum State {
    /// Asks the catalog to set the stock aside, and then tells it that it is sold.
    Reserving,
    /// Only tells the catalog that it is sold.
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
            (Self::Reserving, Self::Committing | Self::Ordering | Self::Releasing)
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
    /// What the customer expects to pay.
    pub expectation: Expectation,
    /// The next step, or the end.
    pub state: State,
    /// The lines with names and prices, once they are reserved.
    pub priced: Option<Vec<OrderLine>>,
    /// What the client is told, once that is certain.
    pub answer: Option<Answer>,
    /// Tries of this step that had no outcome.
    pub attempts: i32,
    /// How long ago it was begun, when it was read.
    pub age: Duration,
}

impl Checkout {
    /// The answer, once nothing follows any more.
    pub fn final_answer(&self) -> Option<&Answer> {
        self.answer.as_ref().filter(|_| self.state.is_final())
    }

    /// Whether it has taken longer than a customer waits, and can still be given up: no order was asked for yet. Once one was, it may be
    /// there, and only forward leads to an end.
    pub fn is_to_be_given_up(&self, deadline: Duration) -> bool {
        self.age > deadline && matches!(self.state, State::Reserving | State::Committing)
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
    /// Lines can't be ordered as they are.
    Lines(Vec<RefusedLine>),
    /// It would come to another total than the customer expects; these lines cost something else.
    PriceChanged {
        /// The lines that cost something else than was expected, as far as it is known what was.
        lines: Vec<RefusedLine>,
        /// What the customer expects to pay, if that was said.
        expected_total: Option<Money>,
        /// What it would cost.
        total: Money,
    },
    /// The reservation was given back before it was sold: the checkout was held up for too long.
    ReservationLost,
    /// The checkout could not be done for so long that nobody waits for it any more.
    GivenUp,
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
        assert_eq!(before(State::Ordering), [State::Reserving, State::Committing]);
        assert_eq!(before(State::Refused), [State::Releasing]);
    }

    #[test]
    fn a_product_has_one_price_in_a_request() {
        let price = |product, amount| ExpectedPrice {
            product_id: ProductId::new(product).expect("positive"),
            unit_price: Money::rub(amount),
        };
        let with = |expected_prices| CheckoutRequest { expected_prices, ..CheckoutRequest::default() }.check();
        assert_eq!(with(vec![price(2, 5), price(1, 5)]), Ok(()));
        let twice = ProductId::new(2).expect("positive");
        assert_eq!(with(vec![price(2, 5), price(1, 5), price(2, 6)]), Err(TwoPrices(twice)));
    }
}
