//! What everyone may read.
//!
//! Products by their number come from the cache. Lists and quotes do not: each is one statement over an index whatever its length, where
//! the cache would take an answer for each product, and a quote is what customers are charged by.

use std::sync::Arc;

use shop_cache::{Cache, CacheStatus, Served};
use shop_runtime::traced;
use shop_types::{Cursor, Page, PageLimit, ProductId};
use sqlx::PgPool;

use crate::cached::products::Products;
use crate::domain::category::Category;
use crate::domain::listing::{Listing, Place, Position};
use crate::domain::product::{Product, Quoted};
use crate::domain::search::{self, SearchText};
use crate::error::Error;
use crate::store;
use crate::store::listings::Search;
use crate::turns::Turns;

/// The catalog as its visitors see it.
#[derive(Clone, Debug)]
pub struct Reads {
    pool: PgPool,
    turns: Turns,
    products: Cache<Products>,
}

impl Reads {
    /// Reads from this database and this cache.
    pub fn new(pool: PgPool, products: Cache<Products>) -> Self {
        Self { turns: Turns::of(pool.options().get_max_connections()), pool, products }
    }

    /// Every category with its number of products.
    pub async fn categories(&self) -> Result<Vec<Category>, Error> {
        Ok(store::categories::list(&self.pool).await?)
    }

    /// One product, and what the cache did for it.
    #[traced("get_product")]
    pub async fn product(&self, id: ProductId) -> Result<(CacheStatus, Arc<Product>), Error> {
        let Served { value, status } = self.products.get(&id).await?;
        Ok((status, value.ok_or(Error::NoProduct(id))?))
    }

    /// What those of the products cost that are sold, sorted by id.
    #[traced("quote_products")]
    pub async fn quote(&self, ids: &[ProductId]) -> Result<Vec<Quoted>, Error> {
        let ids: Vec<_> = ids.iter().map(|id| id.get()).collect();
        Ok(store::products::quoted(&self.pool, &ids).await?)
    }

    /// A page of a list, behind the place that the cursor tells.
    #[traced("get_products")]
    pub async fn page(
        &self,
        listing: &Listing,
        cursor: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<Page<Product>, Error> {
        let page = if listing.is_plain() {
            self.shelf(listing, cursor, limit).await
        } else {
            self.list(listing, cursor, limit).await
        }?;
        // Only a page without products can be one of a category that there is not.
        if let (Some(slug), true) = (&listing.category, page.items.is_empty())
            && !store::categories::exists(&self.pool, slug).await?
        {
            return Err(Error::UnknownCategory(slug.clone()));
        }
        Ok(page)
    }

    /// A page of a category, or of everything, by number.
    async fn shelf(
        &self,
        listing: &Listing,
        cursor: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<Page<Product>, Error> {
        let category = listing.category.as_deref();
        let after = Position::resume(cursor, category)?;
        let rows = match category {
            Some(slug) => store::products::in_category(&self.pool, slug, after, limit.get_plus_one()).await?,
            None => store::products::everywhere(&self.pool, after, limit.get_plus_one()).await?,
        };
        Ok(Page::from_rows(rows, limit, |product| Position::after(category, product.id))?)
    }

    /// A page of any other list.
    async fn list(&self, listing: &Listing, cursor: Option<&Cursor>, limit: PageLimit) -> Result<Page<Product>, Error> {
        let after = Place::resume(cursor, listing)?;
        let _turn = if listing.is_dear() { Some(self.turns.take().await?) } else { None };
        let rows = match &listing.search {
            None => store::listings::page(&self.pool, listing, after, limit.get_plus_one()).await?,
            Some(text) => match self.understand(text).await? {
                Some(search) => {
                    store::listings::found(&self.pool, listing, &search, after, limit.get_plus_one()).await?
                }
                None => Vec::new(),
            },
        };
        let Page { items, next_cursor } =
            Page::from_rows(rows, limit, |listed| Place::after(listing, &listed.key, listed.product.id))?;
        Ok(Page { items: items.into_iter().map(|listed| listed.product).collect(), next_cursor })
    }

    /// What a text is searching for; none if nothing can be found. A word that no name has is taken for those that are most like it.
    async fn understand(&self, text: &SearchText) -> Result<Option<Search>, Error> {
        let store::search::Read { folded, words } = store::search::read(&self.pool, text).await?;
        let words = search::wanted(words);
        let unknown: Vec<_> = words.iter().filter(|word| !word.known).map(|word| word.word.clone()).collect();
        let suggestions =
            if unknown.is_empty() { Vec::new() } else { store::search::suggestions(&self.pool, &unknown).await? };
        Ok(search::query(&words, suggestions).map(|query| Search { folded, query }))
    }
}
