//! What a customer expects of an order, and everything that stands against it, line by line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shop_types::{Money, OrderLine, ProductId};
use utoipa::ToSchema;

use super::cart::{Contents, Item, Product};
use super::checkout::CheckoutRequest;

/// The price at which a customer wants a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedPrice {
    /// Which product.
    pub product_id: ProductId,
    /// The price of one piece.
    pub unit_price: Money,
}

/// What a customer expects to pay; nothing if nothing was said, and then the prices are those of the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// All together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
    /// For a piece of each product that was said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prices: Vec<ExpectedPrice>,
    /// For a piece of each product when it was put into the cart: only to tell which lines have made the total another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when_added: Vec<ExpectedPrice>,
}

/// Why a line can't be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineReason {
    /// It is not sold any more.
    NotSold,
    /// There are not that many pieces.
    OutOfStock,
    /// It costs something else.
    PriceChanged,
}

/// A line that can't be ordered as it is; one for each reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedLine {
    /// Which product.
    pub product_id: ProductId,
    /// Why.
    pub reason: LineReason,
    /// Pieces wanted, where there are fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<i64>,
    /// Pieces there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<i64>,
    /// The price of a piece that was expected, where it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Money>,
    /// The price of a piece that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Money>,
}

impl RefusedLine {
    const fn of(product_id: ProductId, reason: LineReason) -> Self {
        Self { product_id, reason, requested: None, available: None, expected: None, now: None }
    }

    /// A product that is not sold any more.
    pub const fn not_sold(product: ProductId) -> Self {
        Self::of(product, LineReason::NotSold)
    }

    /// A product of which there is too little.
    pub const fn out_of_stock(product: ProductId, requested: i64, available: i64) -> Self {
        let line = Self::of(product, LineReason::OutOfStock);
        Self { requested: Some(requested), available: Some(available), ..line }
    }

    /// A product that costs something else.
    pub const fn price_changed(product: ProductId, expected: Money, now: Money) -> Self {
        let line = Self::of(product, LineReason::PriceChanged);
        Self { expected: Some(expected), now: Some(now), ..line }
    }
}

impl Expectation {
    /// What the request says, and what the cart knows to explain it with.
    pub fn of(request: &CheckoutRequest, contents: &Contents) -> Self {
        let when_added = match request.expected_total {
            Some(_) => contents.lines.iter().filter_map(|held| {
                Some(ExpectedPrice { product_id: held.item.product_id, unit_price: held.price_when_added? })
            }),
            None => return Self { total: None, prices: request.expected_prices.clone(), when_added: Vec::new() },
        };
        let when_added = when_added.collect();
        Self { total: request.expected_total, prices: request.expected_prices.clone(), when_added }
    }

    /// Whether nothing is expected.
    pub const fn is_none(&self) -> bool {
        self.total.is_none() && self.prices.is_empty()
    }

    fn price(&self, product: ProductId) -> Option<Money> {
        let expected = self.prices.iter().chain(&self.when_added).find(|price| price.product_id == product);
        expected.map(|price| price.unit_price)
    }

    fn changed(&self, product: ProductId, now: Money) -> Option<RefusedLine> {
        let expected = self.price(product).filter(|expected| *expected != now)?;
        Some(RefusedLine::price_changed(product, expected, now))
    }

    /// The lines whose prices are not what was expected, if that refuses the order: each price that was said must be met, and the total.
    pub fn disappointed(&self, lines: &[OrderLine], total: Money) -> Option<Vec<RefusedLine>> {
        let prices: BTreeMap<_, _> = lines.iter().map(|line| (line.product_id, line.unit_price)).collect();
        let met = |expected: &ExpectedPrice| {
            prices.get(&expected.product_id).is_none_or(|price| *price == expected.unit_price)
        };
        if self.prices.iter().all(met) && self.total.is_none_or(|expected| expected == total) {
            return None;
        }
        Some(lines.iter().filter_map(|line| self.changed(line.product_id, line.unit_price)).collect())
    }

    /// Everything that stands against ordering these items: what the catalog has `refused` for certain, and what else its present
    /// `products` show. Sorted by product.
    pub fn all_that_is_wrong(
        &self,
        items: &[Item],
        refused: Vec<RefusedLine>,
        products: &[Product],
    ) -> Vec<RefusedLine> {
        let products: BTreeMap<_, _> = products.iter().map(|product| (product.id, product)).collect();
        let mut wrong = refused;
        for item in items {
            let (id, requested) = (item.product_id, i64::from(item.quantity));
            let told = wrong.iter().any(|line| line.product_id == id);
            match products.get(&id) {
                None if told => {}
                None => wrong.push(RefusedLine::not_sold(id)),
                Some(product) => {
                    if !told && product.stock < requested {
                        wrong.push(RefusedLine::out_of_stock(id, requested, product.stock.max(0)));
                    }
                    wrong.extend(self.changed(id, product.price));
                }
            }
        }
        wrong.sort_by_key(|line| (line.product_id, line.reason));
        wrong
    }
}

#[cfg(test)]
mod tests {
    use shop_types::{LocalizedText, Quantity};

    use super::*;

    fn id(number: i64) -> ProductId {
        ProductId::new(number).expect("positive")
    }

    fn name() -> LocalizedText {
        LocalizedText { en: "Bread".to_owned(), ru: "Хлеб".to_owned() }
    }

    fn product(number: i64, price: i64, stock: i64) -> Product {
        Product { id: id(number), name: name(), price: Money::rub(price), stock }
    }

    fn line(number: i64, price: i64) -> OrderLine {
        let quantity = Quantity::new(2).expect("in range");
        OrderLine { product_id: id(number), quantity, unit_price: Money::rub(price), name: name() }
    }

    fn item(number: i64) -> Item {
        Item { product_id: id(number), quantity: Quantity::new(2).expect("in range") }
    }

    fn expected(number: i64, price: i64) -> ExpectedPrice {
        ExpectedPrice { product_id: id(number), unit_price: Money::rub(price) }
    }

    #[test]
    fn who_expects_nothing_is_never_disappointed() {
        assert!(Expectation::default().is_none());
        assert_eq!(Expectation::default().disappointed(&[line(1, 5)], Money::rub(10)), None);
    }

    #[test]
    fn every_price_that_was_said_must_be_met_and_so_must_the_total() {
        let lines = [line(1, 5), line(2, 7)];
        let prices = |prices: &[ExpectedPrice]| Expectation { prices: prices.to_vec(), ..Expectation::default() };
        let total = Money::rub(24);
        assert_eq!(prices(&[expected(1, 5), expected(9, 1)]).disappointed(&lines, total), None);
        let changed = RefusedLine::price_changed(id(2), Money::rub(8), Money::rub(7));
        assert_eq!(prices(&[expected(1, 5), expected(2, 8)]).disappointed(&lines, total), Some(vec![changed]));

        let when_added = vec![expected(1, 5), expected(2, 8)];
        let of_total =
            |total| Expectation { total: Some(Money::rub(total)), when_added: when_added.clone(), prices: vec![] };
        assert_eq!(of_total(24).disappointed(&lines, total), None, "what it once cost binds nobody");
        assert_eq!(of_total(26).disappointed(&lines, total), Some(vec![changed]));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let expectation = Expectation { prices: vec![expected(3, 5), expected(4, 6)], ..Expectation::default() };
        let products = [product(1, 5, 9), product(2, 5, 9), product(3, 5, 1), product(4, 7, 0), product(6, 5, 2)];
        let refused = vec![RefusedLine::out_of_stock(id(2), 2, 1), RefusedLine::not_sold(id(7))];
        let items = [1, 2, 3, 4, 5, 6, 7].map(item);
        let wrong = [
            RefusedLine::out_of_stock(id(2), 2, 1),
            RefusedLine::out_of_stock(id(3), 2, 1),
            RefusedLine::out_of_stock(id(4), 2, 0),
            RefusedLine::price_changed(id(4), Money::rub(6), Money::rub(7)),
            RefusedLine::not_sold(id(5)),
            RefusedLine::not_sold(id(7)),
        ];
        assert_eq!(expectation.all_that_is_wrong(&items, refused, &products), wrong);
    }
}
