//! The best comments of a product.

use serde::{Deserialize, Serialize};
use shop_cache::{Loaded, Source};
use shop_policy::CacheName;
use shop_types::ProductId;
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::domain::comment::Comment;
use crate::store;

/// How many comments a product page shows.
const SHOWN: i64 = 10;

/// Loads comments from the database.
#[derive(Clone, Debug)]
pub struct TopComments(pub PgPool);

/// The best comments of a product, ten at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BestComments {
    /// The best first.
    pub items: Vec<Comment>,
}

impl Source for TopComments {
    const NAME: CacheName = CacheName::TopComments;
    const SCHEMA: u32 = 2;
    type Key = ProductId;
    type Value = BestComments;
    type Error = sqlx::Error;

    /// None: the product is not sold.
    async fn load(&self, product: &ProductId) -> Result<Option<Loaded<BestComments>>, sqlx::Error> {
        if !store::products::exists(&self.0, *product).await? {
            return Ok(None);
        }
        let items = store::comments::top(&self.0, *product, SHOWN).await?;
        Ok(Some(BestComments { items }.into()))
    }
}
