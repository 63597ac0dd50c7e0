//! Promising stock to an order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shop_types::{OrderLine, ProductId, Quantity};
use utoipa::ToSchema;

/// So many pieces of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedLine {
    /// Which product.
    pub product_id: ProductId,
    /// How many pieces.
    pub quantity: Quantity,
}

/// Everything that an order wants: at least one line, one line for a product, sorted by product. Summing is what keeps two lines of
/// one cart from each fitting into the same stock; sorting is what keeps two orders from waiting for each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basket(Vec<WantedLine>);

/// The lines are no basket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BasketError {
    /// There is nothing in it.
    #[error("an order has at least one line")]
    Empty,
    /// Its lines for one product add up to more than a line can have.
    #[error("the lines for product {0} add up to more than {max} pieces", max = Quantity::MAX)]
    TooMany(ProductId),
}

impl Basket {
    /// Sums and sorts the lines.
    pub fn of(lines: impl IntoIterator<Item = WantedLine>) -> Result<Self, BasketError> {
        let mut summed = BTreeMap::<ProductId, Quantity>::new();
        for WantedLine { product_id, quantity } in lines {
            let sum = match summed.get(&product_id) {
                Some(sum) => sum.checked_add(quantity).ok_or(BasketError::TooMany(product_id))?,
                None => quantity,
            };
            summed.insert(product_id, sum);
        }
        if summed.is_empty() {
            return Err(BasketError::Empty);
        }
        Ok(Self(summed.into_iter().map(|(product_id, quantity)| WantedLine { product_id, quantity }).collect()))
    }

    /// The lines, sorted by product.
    pub fn lines(&self) -> &[WantedLine] {
        &self.0
    }

    /// Whether these lines, sorted by product, are what the basket asks for.
    pub fn is_met_by(&self, taken: &[OrderLine]) -> bool {
        self.0.len() == taken.len()
            && self
                .0
                .iter()
                .zip(taken)
                .all(|(wanted, got)| (wanted.product_id, wanted.quantity) == (got.product_id, got.quantity))
    }

    /// The products that have no stock because they are not sold.
    pub fn not_among(&self, stock: &BTreeMap<ProductId, i32>) -> Vec<ProductId> {
        self.0.iter().map(|line| line.product_id).filter(|product| !stock.contains_key(product)).collect()
    }

    /// The lines of sold products that can't be met from their stock.
    pub fn shortages(&self, stock: &BTreeMap<ProductId, i32>) -> Vec<Shortage> {
        self.0
            .iter()
            .filter_map(|line| {
                let WantedLine { product_id, quantity: requested } = *line;
                let available = *stock.get(&product_id)?;
                (requested.get() > available).then_some(Shortage { product_id, requested, available })
            })
            .collect()
    }
}

/// A line that asks for more than there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Shortage {
    /// Which product.
    pub product_id: ProductId,
    /// How many pieces the order wants.
    pub requested: Quantity,
    /// How many there are.
    pub available: i32,
}

/// How far a reservation has come. `held` becomes `committed` or `released`, `committed` may still become `released` (the order was
/// cancelled and its goods are back), and nothing follows `released`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum ReservationState {
    /// The stock is set aside until a deadline.
    Held,
    /// The stock is sold.
    Committed,
    /// The stock was given back, or the order was called off before it came.
    Released,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(product: i64, pieces: i32) -> WantedLine {
        WantedLine {
            product_id: ProductId::new(product).expect("positive"),
            quantity: Quantity::new(pieces).expect("in range"),
        }
    }

    #[test]
    fn lines_of_one_product_are_summed_and_all_are_sorted() {
        let basket = Basket::of([line(9, 1), line(2, 3), line(9, 4)]).expect("is a basket");
        assert_eq!(basket.lines(), [line(2, 3), line(9, 5)]);
    }

    #[test]
    fn a_basket_is_never_empty_and_never_more_than_a_line_can_have() {
        assert_eq!(Basket::of([]), Err(BasketError::Empty));
        let product = ProductId::new(1).expect("positive");
        assert_eq!(Basket::of([line(1, 999), line(1, 1)]), Err(BasketError::TooMany(product)));
    }

    #[test]
    fn a_shortage_tells_what_there_is_and_what_is_not_sold_is_no_shortage() {
        let basket = Basket::of([line(1, 5), line(2, 5), line(3, 5)]).expect("is a basket");
        let stock = [(1, 4), (2, 5)].map(|(id, pieces)| (ProductId::new(id).expect("positive"), pieces)).into();
        let short = |product, available| {
            let WantedLine { product_id, quantity } = line(product, 5);
            Shortage { product_id, requested: quantity, available }
        };
        assert_eq!(basket.shortages(&stock), [short(1, 4)]);
        assert_eq!(basket.not_among(&stock), [line(3, 1).product_id]);
    }

    proptest! {
        #[test]
        fn summing_neither_loses_nor_invents_pieces(lines in prop::collection::vec((1_i64..5, 1_i32..20), 1..20)) {
            let wanted: i32 = lines.iter().map(|(_, pieces)| pieces).sum();
            let basket = Basket::of(lines.into_iter().map(|(product, pieces)| line(product, pieces))).expect("small");
            prop_assert_eq!(basket.lines().iter().map(|line| line.quantity.get()).sum::<i32>(), wanted);
            prop_assert!(basket.lines().is_sorted_by_key(|line| line.product_id));
        }
    }
}
