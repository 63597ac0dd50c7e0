//! Products by their number.

use shop_cache::{Loaded, Source};
use shop_policy::CacheName;
use shop_types::ProductId;
use sqlx::PgPool;

use crate::domain::product::{Offer, Product};
use crate::store;

/// Loads products from the database.
#[derive(Clone, Debug)]
pub struct Products(pub PgPool);

impl Source for Products {
    const NAME: CacheName = CacheName::Products;
    const SCHEMA: u32 = 1;
    type Key = ProductId;
    type Value = Product;
    type Error = sqlx::Error;

    async fn load(&self, id: &ProductId) -> Result<Option<Loaded<Product>>, sqlx::Error> {
        let offer = store::products::by_id(&self.0, *id).await?;
        Ok(offer.map(|Offer { product, holds_for }| Loaded { value: product, at_most: holds_for }))
    }
}
