//! Products of a load's own, so that nobody else buys them and every piece can be accounted for.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::shop::{Narrator, ShopError, Visitor};

/// Products and the pieces that there were of each at first.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    /// Pieces by product.
    pub stock: BTreeMap<i64, i64>,
}

impl Shelf {
    /// Adds a product for each of these stocks, as an administrator.
    pub async fn fill<N: Narrator>(admin: &mut Visitor<N>, stocks: &[i64]) -> Result<Self, ShopError> {
        let mut stock = BTreeMap::new();
        for (place, pieces) in stocks.iter().enumerate() {
            let text = format!("Of the load, number {place}");
            let product = json!({
                "name": {"en": text, "ru": text},
                "description": {"en": text, "ru": text},
                "category": "sweets",
                "price": {"amount": 100 + place, "currency": "RUB"},
                "stock": pieces,
            });
            let made = admin.post("/api/products", &product, StatusCode::CREATED).await?;
            stock.insert(made.integer_at("/id")?, *pieces);
        }
        Ok(Self { stock })
    }

    /// The products.
    pub fn products(&self) -> Vec<i64> {
        self.stock.keys().copied().collect()
    }

    /// Takes the products off again.
    pub async fn clear<N: Narrator>(self, admin: &mut Visitor<N>) -> Result<(), ShopError> {
        for product in self.products() {
            admin.delete(&format!("/api/products/{product}"), StatusCode::NO_CONTENT).await?;
        }
        Ok(())
    }
}

/// The pieces of each product in a list of lines.
pub(super) fn pieces(lines: &Value) -> BTreeMap<i64, i64> {
    let mut pieces = BTreeMap::new();
    for line in lines.as_array().into_iter().flatten() {
        if let (Some(product), Some(quantity)) = (line["product_id"].as_i64(), line["quantity"].as_i64()) {
            *pieces.entry(product).or_default() += quantity;
        }
    }
    pieces
}
