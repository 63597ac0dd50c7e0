//! What everyone hears of products: of each only the last, which says all that the former ones did.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shop_types::ProductId;

use super::product::Product;

/// What of a product has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Aspect {
    /// How many pieces there are.
    Stock,
    /// What one piece costs now: by an administrator, or since a flash sale has begun or ended.
    Price,
    /// Whether it is sold at all.
    Withdrawn,
}

impl Aspect {
    /// The name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Price => "price",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The kind of the event.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Stock => "stock_changed",
            Self::Price => "price_changed",
            Self::Withdrawn => "product_withdrawn",
        }
    }
}

/// An event that replaces the former one of its kind and product.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductEvent {
    /// What has changed.
    pub aspect: Aspect,
    /// Of which product.
    pub product: ProductId,
    /// What the event says.
    pub payload: Value,
}

/// What there is to say of these changes, now that the products are so. A product that is not sold has neither stock nor price.
pub fn events(changes: &[(ProductId, Aspect)], sold: &BTreeMap<ProductId, Product>) -> Vec<ProductEvent> {
    let event = |&(product, aspect): &(ProductId, Aspect)| {
        let payload = match (aspect, sold.get(&product)) {
            (Aspect::Withdrawn, None) => json!({"product_id": product}),
            (Aspect::Stock, Some(now)) => json!({"product_id": product, "stock": now.stock, "version": now.version}),
            (Aspect::Price, Some(now)) => json!({"product_id": product, "price": now.price, "version": now.version}),
            (Aspect::Withdrawn, Some(_)) | (Aspect::Stock | Aspect::Price, None) => return None,
        };
        Some(ProductEvent { aspect, product, payload })
    };
    changes.iter().filter_map(event).collect()
}
