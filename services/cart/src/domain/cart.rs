//! A cart: what it holds, and what that costs by the catalog's present prices.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use shop_types::{Currency, LocalizedText, Money, ProductId, Quantity, UserId};
use utoipa::ToSchema;

use super::merge::LeftOut;
use super::owner::CartOwner;

/// The most products in one cart.
pub const MAX_LINES: i64 = 100;

/// A product as the catalog quotes it; what else the catalog says of it is of no interest here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Which product.
    pub id: ProductId,
    /// Its name.
    pub name: LocalizedText,
    /// The price of one piece.
    pub price: Money,
    /// Pieces that can be bought now.
    pub stock: i64,
}

/// So many pieces of a product: what a cart keeps of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Item {
    /// Which product.
    pub product_id: ProductId,
    /// How many pieces.
    pub quantity: Quantity,
}

/// A line as the cart keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldItem {
    /// What and how many.
    pub item: Item,
    /// The price of a piece when the customer last put some in; none for a line from before this was noted.
    pub price_when_added: Option<Money>,
}

/// What a cart holds at one version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Grows with every change; zero for a cart that nothing was ever put in.
    pub version: i64,
    /// What is in it, by product.
    pub lines: Vec<HeldItem>,
    /// What of an anonymous cart found no place in it.
    pub left_out: Vec<LeftOut>,
}

impl Contents {
    /// What is in it, without prices.
    pub fn items(&self) -> Vec<Item> {
        self.lines.iter().map(|held| held.item).collect()
    }

    /// What it holds once there are `wanted` pieces of a product in it at the present price, and that line; none if that is more than the stock, or more
    /// than a line or a cart can hold.
    pub fn with(&self, product: &Product, wanted: i64) -> Option<(Self, Item)> {
        let quantity = Quantity::try_from(wanted).ok().filter(|_| wanted <= product.stock)?;
        let item = Item { product_id: product.id, quantity };
        let held = HeldItem { item, price_when_added: Some(product.price) };
        let mut next = Self { version: self.version + 1, ..self.clone() };
        match next.lines.binary_search_by_key(&product.id, |held| held.item.product_id) {
            Ok(at) => next.lines[at] = held,
            Err(_) if next.lines.len() >= usize::try_from(MAX_LINES).unwrap_or(usize::MAX) => return None,
            Err(at) => next.lines.insert(at, held),
        }
        Some((next, item))
    }

    /// How many pieces of a product are in it.
    pub fn pieces_of(&self, product: ProductId) -> i64 {
        let held = self.lines.iter().find(|held| held.item.product_id == product);
        held.map_or(0, |held| held.item.quantity.into())
    }

    /// Which products are in it.
    pub fn products(&self) -> impl Iterator<Item = ProductId> {
        self.lines.iter().map(|held| held.item.product_id)
    }
}

/// A line of a cart with its price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CartLine {
    /// Which product.
    pub product_id: ProductId,
    /// Its name.
    pub name: LocalizedText,
    /// How many pieces.
    pub quantity: Quantity,
    /// The price of one piece.
    pub unit_price: Money,
    /// The price of one piece when some were last put in, if it was another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_when_added: Option<Money>,
    /// The price of all pieces.
    pub line_total: Money,
    /// Pieces that can be bought now; fewer than `quantity` if others were faster.
    pub stock: i64,
    /// How many pieces more than the stock the line has; left out if there are enough.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub short_by: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// A line after it was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = LineChanged)]
pub struct ChangedLine {
    /// The version of the cart that the change made.
    pub version: i64,
    /// The line as it was then.
    pub line: CartLine,
}

/// A cart with prices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cart {
    /// Whose cart it is; nobody's who has logged in if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Grows with every change; also the `ETag`.
    pub version: i64,
    /// What is in it, by product.
    pub lines: Vec<CartLine>,
    /// What is in it but no longer sold; not in the total, and to be removed before checkout.
    pub unavailable: Vec<Item>,
    /// What found no place when the cart of before the login was merged into this one. It stays here until it is dismissed or the cart
    /// is emptied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// The sum of the lines.
    pub total: Money,
    /// The currency of the total.
    pub currency: Currency,
}

/// The prices are so high that they do not add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the prices do not add up to an amount of money in one currency")]
pub struct PriceError;

impl CartLine {
    /// The line of so many pieces of this product, which cost as much as `price_when_added` once.
    pub fn new(product: &Product, quantity: Quantity, price_when_added: Option<Money>) -> Result<Self, PriceError> {
        Ok(Self {
            product_id: product.id,
            name: product.name.clone(),
            quantity,
            unit_price: product.price,
            price_when_added: price_when_added.filter(|then| *then != product.price),
            line_total: product.price.checked_mul(quantity).ok_or(PriceError)?,
            stock: product.stock,
            short_by: (i64::from(quantity) - product.stock.max(0)).max(0),
        })
    }
}

impl Cart {
    /// Prices what a cart holds with the products that the catalog knows. Nobody's cart holds nothing.
    pub fn price(owner: Option<CartOwner>, contents: &Contents, products: &[Product]) -> Result<Self, PriceError> {
        let products: HashMap<_, _> = products.iter().map(|product| (product.id, product)).collect();
        let (mut lines, mut unavailable) = (Vec::new(), Vec::new());
        for HeldItem { item, price_when_added } in &contents.lines {
            match products.get(&item.product_id) {
                Some(product) => lines.push(CartLine::new(product, item.quantity, *price_when_added)?),
                None => unavailable.push(*item),
            }
        }
        let user_id = owner.and_then(CartOwner::user);
        let currency = lines.first().map_or_else(Currency::default, |line| line.unit_price.currency);
        let total = Money::checked_sum(currency, lines.iter().map(|line| line.line_total)).ok_or(PriceError)?;
        let left_out = contents.left_out.clone();
        Ok(Self { user_id, version: contents.version, lines, unavailable, left_out, total, currency })
    }
}

/// Why a line cannot have that many pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineRefusal {
    /// The catalog has fewer.
    OutOfStock {
        /// How many there would be in the cart.
        requested: i64,
        /// How many can be bought now.
        available: i64,
    },
    /// More pieces than a line can have.
    TooManyPieces,
    /// The cart is full.
    TooManyLines,
}

impl LineRefusal {
    /// Why a line of `wanted` pieces was not taken into a cart with a stock of `stock`. The guards in the statement that refused
    /// it are the same; this only finds the words.
    pub fn explain(wanted: i64, stock: i64) -> Self {
        if wanted > stock {
            Self::OutOfStock { requested: wanted, available: stock.max(0) }
        } else if wanted > i64::from(Quantity::MAX) {
            Self::TooManyPieces
        } else {
            Self::TooManyLines
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(id: i64, price: i64) -> Product {
        Product {
            id: ProductId::new(id).expect("positive"),
            name: LocalizedText { en: "Bread".to_owned(), ru: "Хлеб".to_owned() },
            price: Money::rub(price),
            stock: 10,
        }
    }

    fn contents(items: &[(i64, i32)]) -> Contents {
        let held = |(product, quantity): &(i64, i32)| HeldItem {
            item: Item {
                product_id: ProductId::new(*product).expect("positive"),
                quantity: Quantity::new(*quantity).expect("in range"),
            },
            price_when_added: Some(Money::rub(100)),
        };
        Contents { version: 3, lines: items.iter().map(held).collect(), left_out: Vec::new() }
    }

    #[test]
    fn the_total_is_the_sum_of_the_lines() {
        let cart =
            Cart::price(None, &contents(&[(1, 2), (2, 3)]), &[product(2, 100), product(1, 12_900), product(9, 1)])
                .expect("adds up");
        assert_eq!(cart.total, Money::rub(26_100));
        assert_eq!(cart.lines.iter().map(|line| line.line_total.amount).collect::<Vec<_>>(), [25_800, 300]);
    }

    #[test]
    fn a_line_tells_what_it_cost_when_it_was_put_in_if_that_was_another_price_and_how_much_it_lacks() {
        let cart = Cart::price(None, &contents(&[(1, 12), (2, 10)]), &[product(1, 100), product(2, 120)]);
        let lines = cart.expect("adds up").lines;
        assert_eq!((lines[0].price_when_added, lines[0].short_by), (None, 2));
        assert_eq!((lines[1].price_when_added, lines[1].short_by), (Some(Money::rub(100)), 0));
    }

    #[test]
    fn a_product_that_is_no_longer_sold_is_shown_apart_and_costs_nothing() {
        let cart = Cart::price(None, &contents(&[(1, 2), (7, 3)]), &[product(1, 5)]).expect("adds up");
        assert_eq!(cart.total, Money::rub(10));
        assert_eq!(cart.unavailable.len(), 1);
    }

    #[test]
    fn a_total_that_does_not_fit_is_an_error_and_never_wraps() {
        let huge = [product(1, i64::MAX / 2), product(2, i64::MAX / 2)];
        assert_eq!(Cart::price(None, &contents(&[(1, 3)]), &huge), Err(PriceError));
        assert_eq!(Cart::price(None, &contents(&[(1, 1), (2, 2)]), &huge), Err(PriceError));
    }

    #[test]
    fn a_refused_line_says_why() {
        assert_eq!(LineRefusal::explain(6, 5), LineRefusal::OutOfStock { requested: 6, available: 5 });
        assert_eq!(LineRefusal::explain(1, -2), LineRefusal::OutOfStock { requested: 1, available: 0 });
        assert_eq!(LineRefusal::explain(1000, 5000), LineRefusal::TooManyPieces);
        assert_eq!(LineRefusal::explain(1, 5), LineRefusal::TooManyLines);
    }
}
