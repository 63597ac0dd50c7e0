//! What everyone may read.
//!
//! Products by their number come from the cache. Lists and quotes do not: each is one statement over an index whatever its length, where
//! the cache would take an answer for each product, and a quote is what customers are charged by.

use std::sync::Arc;

use shop_cache::{Cache, CacheStatus, Served};
use shop_types::{Page, PageLimit, ProductId};
use sqlx::PgPool;

use crate::cached::products::Products;
use crate::domain::category::{Category, is_slug};
use crate::domain::listing::Position;
use crate::domain::product::Product;
use crate::error::Error;
use crate::store;

/// The catalog as its visitors see it.
#[derive(Clone, Debug)]
pub struct Reads {
    pool: PgPool,
    products: Cache<Products>,
}

impl Reads {
    /// Reads from this database and this cache.
    pub const fn new(pool: PgPool, products: Cache<Products>) -> Self {
        Self { pool, products }
    }

    /// Every category with its number of products.
    pub async fn categories(&self) -> Result<Vec<Category>, Error> {
        Ok(store::categories::list(&self.pool).await?)
    }

    /// One product, and what the cache did for it.
    pub async fn product(&self, id: ProductId) -> Result<(CacheStatus, Arc<Product>), Error> {
        let Served { value, status } = self.products.get(&id).await?;
        Ok((status, value.ok_or(Error::NoProduct(id))?))
    }

    /// Those of the products that are sold, sorted by id.
    pub async fn products(&self, ids: &[ProductId]) -> Result<Vec<Product>, Error> {
        let ids: Vec<_> = ids.iter().map(|id| id.get()).collect();
        Ok(store::products::by_ids(&self.pool, &ids).await?)
    }

    /// A page of a category, or of everything, behind a place in the list.
    pub async fn page(&self, category: Option<&str>, after: i64, limit: PageLimit) -> Result<Page<Product>, Error> {
        let rows = match category {
            // Nothing that the database could not even read is sent to it.
            Some(slug) if !is_slug(slug) => return Err(Error::UnknownCategory(slug.to_owned())),
            Some(slug) => store::products::in_category(&self.pool, slug, after, limit.get_plus_one()).await?,
            None => store::products::everywhere(&self.pool, after, limit.get_plus_one()).await?,
        };
        // Only a page without products can be one of a category that there is not.
        if let (Some(slug), true) = (category, rows.is_empty())
            && !store::categories::exists(&self.pool, slug).await?
        {
            return Err(Error::UnknownCategory(slug.to_owned()));
        }
        Ok(Page::from_rows(rows, limit, |product| Position::after(category, product.id))?)
    }
}
