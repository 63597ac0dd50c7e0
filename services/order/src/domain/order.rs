//! An order as it is placed and as it is told.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use shop_types::{Money, OrderId, OrderLine, OrderStatus, UserId};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// What the cart asks for: an order of these lines, at these prices, with this total.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// Whose order it is.
    pub user_id: UserId,
    /// What was bought, each product once, with the price it was bought at.
    pub lines: Vec<OrderLine>,
    /// The sum of the lines, which is checked again here.
    pub total: Money,
}

/// Why an order cannot be taken as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NewOrderError {
    /// Nothing is ordered.
    #[error("an order has at least one line")]
    Empty,
    /// More lines than an order can have.
    #[error("an order has at most {} lines", NewOrder::MAX_LINES)]
    TooManyLines,
    /// A product is in two lines.
    #[error("a product may be in one line of an order only")]
    RepeatedProduct,
    /// A price below zero.
    #[error("a price is not negative")]
    NegativePrice,
    /// A name that nobody could read or keep.
    #[error("a product's name has from 1 to {} signs, none of them a control sign", NewOrder::LONGEST_NAME)]
    Name,
    /// The sum is not a sum of money.
    #[error("the lines do not add up to an amount of money in one currency")]
    Overflow,
    /// The total is another than the lines say.
    #[error("the total is not the sum of the lines")]
    TotalMismatch,
}

impl NewOrder {
    /// The most lines of one order.
    pub const MAX_LINES: usize = 100;

    /// The longest name of a product.
    pub const LONGEST_NAME: usize = 1000;

    /// Checks everything that can be checked without the database; above all that the total is what the lines add up to.
    pub fn check(&self) -> Result<(), NewOrderError> {
        if self.lines.is_empty() {
            return Err(NewOrderError::Empty);
        }
        if self.lines.len() > Self::MAX_LINES {
            return Err(NewOrderError::TooManyLines);
        }
        let products: BTreeSet<_> = self.lines.iter().map(|line| line.product_id).collect();
        if products.len() != self.lines.len() {
            return Err(NewOrderError::RepeatedProduct);
        }
        if self.lines.iter().any(|line| line.unit_price.amount < 0) {
            return Err(NewOrderError::NegativePrice);
        }
        if self.lines.iter().any(|line| !is_name(&line.name.en) || !is_name(&line.name.ru)) {
            return Err(NewOrderError::Name);
        }
        let amounts: Option<Vec<Money>> = self.lines.iter().map(OrderLine::total).collect();
        let sum = amounts.and_then(|amounts| Money::checked_sum(self.total.currency, amounts));
        match sum.ok_or(NewOrderError::Overflow)? {
            sum if sum == self.total => Ok(()),
            _ => Err(NewOrderError::TotalMismatch),
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= NewOrder::LONGEST_NAME && !text.chars().any(char::is_control)
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Order {
    /// Its identifier, chosen by the cart at checkout.
    pub id: OrderId,
    /// Whose order it is.
    pub user_id: UserId,
    /// Where it is on its way.
    pub status: OrderStatus,
    /// How many states it has been in; grows by one with every move.
    pub version: i32,
    /// What was bought.
    pub lines: Vec<OrderLine>,
    /// What it costs.
    pub total: Money,
    /// When it was placed.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it last moved.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

impl Order {
    /// The order that a request makes at this moment.
    pub fn placed(id: OrderId, request: &NewOrder, at: OffsetDateTime) -> Self {
        Self {
            id,
            user_id: request.user_id,
            status: OrderStatus::Created,
            version: 1,
            lines: request.lines.clone(),
            total: request.total,
            created_at: at,
            updated_at: at,
        }
    }

    /// Whether the request that made this order is the same as that one.
    pub fn is_of(&self, request: &NewOrder) -> bool {
        self.user_id == request.user_id && self.total == request.total && self.lines == request.lines
    }
}

/// One move of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryEntry {
    /// The order's version after it.
    pub version: i32,
    /// The state before; none for the order's creation.
    pub from: Option<OrderStatus>,
    /// The state after.
    pub to: OrderStatus,
    /// When it moved.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// An order and the way that it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderDetails {
    /// The order as it is now.
    #[serde(flatten)]
    pub order: Order,
    /// Its moves, oldest first.
    pub history: Vec<HistoryEntry>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shop_types::{LocalizedText, ProductId, Quantity};

    use super::*;

    fn line(product: i64, quantity: i32, price: i64) -> OrderLine {
        OrderLine {
            product_id: ProductId::new(product).expect("positive"),
            quantity: Quantity::new(quantity).expect("in range"),
            unit_price: Money::rub(price),
            name: LocalizedText { en: "Apples".to_owned(), ru: "Яблоки".to_owned() },
        }
    }

    fn order(lines: Vec<OrderLine>, total: i64) -> NewOrder {
        NewOrder { user_id: UserId::generate(), lines, total: Money::rub(total) }
    }

    #[test]
    fn an_order_that_cannot_be_right_is_refused_by_name() {
        assert_eq!(order(vec![], 0).check(), Err(NewOrderError::Empty));
        assert_eq!(order(vec![line(1, 1, 5), line(1, 1, 5)], 10).check(), Err(NewOrderError::RepeatedProduct));
        assert_eq!(order(vec![line(1, 1, -5)], -5).check(), Err(NewOrderError::NegativePrice));
        assert_eq!(order(vec![line(1, 2, i64::MAX)], 0).check(), Err(NewOrderError::Overflow));
        assert_eq!(order(vec![line(1, 2, 500)], 999).check(), Err(NewOrderError::TotalMismatch));
        for name in ["", "nul\0", "line\nbreak", &"x".repeat(1001)] {
            let mut unnamed = line(1, 1, 5);
            name.clone_into(&mut unnamed.name.ru);
            assert_eq!(order(vec![unnamed], 5).check(), Err(NewOrderError::Name), "{name:?}");
        }
        let many = (1..=101).map(|product| line(product, 1, 1)).collect();
        assert_eq!(order(many, 101).check(), Err(NewOrderError::TooManyLines));
    }

    proptest! {
        #[test]
        fn only_the_sum_of_the_lines_is_taken_as_the_total(
            prices in prop::collection::vec((1..=999_i32, 0..1_000_000_i64), 1..20),
            error in -3..=3_i64,
        ) {
            let lines: Vec<_> = (1..).zip(&prices).map(|(product, (quantity, price))| line(product, *quantity, *price)).collect();
            let sum: i64 = prices.iter().map(|(quantity, price)| i64::from(*quantity) * price).sum();
            let expected = if error == 0 { Ok(()) } else { Err(NewOrderError::TotalMismatch) };
            prop_assert_eq!(order(lines, sum + error).check(), expected);
        }
    }
}
