//! A product as lists of suggestions show it.

use serde::{Deserialize, Serialize};
use shop_types::{LocalizedText, Money, ProductId};
use utoipa::ToSchema;

use super::product::{Product, RunningSale};

/// What a suggestion tells of a product: all but its stock and version, which change with every order, so that a list which is kept for
/// an hour would lie about them. What it does tell, it tells anew as soon as it changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Card {
    /// The product's number.
    pub id: ProductId,
    /// What it is called.
    pub name: LocalizedText,
    /// What is said about it.
    pub description: LocalizedText,
    /// The slug of its category.
    #[schema(example = "fruit")]
    pub category: String,
    /// What one piece costs now.
    pub price: Money,
    /// The flash sale that makes the price what it is; null when none does.
    pub sale: Option<RunningSale>,
}

impl From<Product> for Card {
    fn from(product: Product) -> Self {
        let Product { id, name, description, category, price, sale, stock: _, version: _ } = product;
        Self { id, name, description, category, price, sale }
    }
}
