//! Priced carts, as they are cached: whole, by owner, tagged with every product that is in them.

use std::time::Duration;

use shop_cache::{Cache, Loaded, Source, Tag};
use shop_outbox::cached::{self, Change};
use shop_policy::CacheName;
use shop_types::ProductId;
use sqlx::PgPool;

use crate::domain::cart::{Cart, Contents, MAX_LINES, Product};
use crate::domain::owner::CartOwner;
use crate::error::Error;
use crate::siblings::catalog::Catalog;
use crate::store::carts;

/// A removal needs no prices, so it waits no longer than this for those of what remains.
const PRICES_WITHIN: Duration = Duration::from_millis(250);

/// Carts from the database with the catalog's prices.
#[derive(Clone, Debug)]
pub struct PricedCarts {
    db: PgPool,
    catalog: Catalog,
}

/// The cache of carts. Whoever changes rows of a cart does it in [`CartCache::change`].
#[derive(Clone, Debug)]
pub struct CartCache {
    source: PricedCarts,
    cache: Cache<PricedCarts>,
}

/// What the catalog said of some products.
#[derive(Clone, Debug, Default)]
pub struct Quote {
    asked: Vec<ProductId>,
    products: Vec<Product>,
}

impl Source for PricedCarts {
    const NAME: CacheName = CacheName::Cart;
    const SCHEMA: u32 = 2;
    type Key = CartOwner;
    type Value = Cart;
    type Error = Error;

    /// A user always has a cart. A cookie that somebody made up has none, which is not remembered for as long as a cart is.
    async fn load(&self, owner: &CartOwner) -> Result<Option<Loaded<Cart>>, Error> {
        let contents = match carts::read(&self.db, *owner).await? {
            Some(contents) => contents,
            None if owner.is_anonymous() => return Ok(None),
            None => Contents::default(),
        };
        let ids: Vec<_> = contents.products().collect();
        let products = self.catalog.quote(&ids).await?;
        Ok(Some(Cart::price(Some(*owner), &contents, &products)?.into()))
    }

    /// What is not sold is tagged too: it may be sold again.
    fn tags(&self, _owner: &CartOwner, cart: &Cart) -> Vec<Tag> {
        let sold = cart.lines.iter().map(|line| line.product_id);
        sold.chain(cart.unavailable.iter().map(|item| item.product_id)).map(|id| Tag::new("product", id)).collect()
    }
}

impl PricedCarts {
    /// Carts in this database, with this catalog's products.
    pub const fn new(db: PgPool, catalog: Catalog) -> Self {
        Self { db, catalog }
    }
}

impl CartCache {
    /// The carts of this source, in this cache.
    pub const fn new(source: PricedCarts, cache: Cache<PricedCarts>) -> Self {
        Self { source, cache }
    }

    /// The cache to read from.
    pub const fn cache(&self) -> &Cache<PricedCarts> {
        &self.cache
    }

    /// The catalog, which is asked in [`Self::change`] only, so that its prices are not older than the announcement of the change.
    const fn catalog(&self) -> &Catalog {
        &self.source.catalog
    }

    /// Changes carts; see [`cached::change`].
    pub async fn change<T>(
        &self,
        owners: impl IntoIterator<Item = CartOwner>,
        work: impl AsyncFnOnce(&mut Change<PricedCarts>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        cached::change(&self.source.db, &self.cache, owners.into_iter().collect(), work).await
    }

    /// The database of the carts, to look without changing anything.
    pub const fn db(&self) -> &PgPool {
        &self.source.db
    }

    /// What the catalog says of a product that is about to come into a cart, and of what is in the cart already: one question, where
    /// the first alone would be one too. What comes into the cart at the same time is missing; then the cart's new value is not known.
    pub async fn quote_with(&self, held: &Contents, product: ProductId) -> Result<Quote, Error> {
        let mut asked = vec![product];
        asked.extend(held.products().filter(|there| *there != product));
        asked.truncate(usize::try_from(MAX_LINES).unwrap_or(usize::MAX));
        self.quote(asked).await
    }

    /// What the catalog says of everything in two carts.
    pub async fn quote_both(&self, one: CartOwner, other: CartOwner) -> Result<Quote, Error> {
        let mut asked = carts::products(self.db(), one).await?;
        asked.extend(carts::products(self.db(), other).await?);
        asked.sort_unstable();
        asked.dedup();
        self.quote(asked).await
    }

    async fn quote(&self, asked: Vec<ProductId>) -> Result<Quote, Error> {
        let products = self.catalog().quote(&asked).await?;
        Ok(Quote { asked, products })
    }

    /// What the catalog says of what remains in a cart without a product, if it says so at once.
    pub async fn quote_without(&self, owner: CartOwner, product: Option<ProductId>) -> Result<Quote, Error> {
        let mut asked = carts::products(self.db(), owner).await?;
        asked.retain(|there| Some(*there) != product);
        let quoted = tokio::time::timeout(PRICES_WITHIN, self.quote(asked)).await;
        Ok(quoted.ok().and_then(Result::ok).unwrap_or_default())
    }
}

impl Quote {
    /// What was said of a product.
    pub fn product(&self, id: ProductId) -> Result<&Product, Error> {
        self.products.iter().find(|product| product.id == id).ok_or(Error::ProductNotFound(id))
    }

    /// What was said of them all.
    pub fn products(&self) -> &[Product] {
        &self.products
    }

    /// Whether everything in a cart was asked for.
    pub fn covers(&self, contents: &Contents) -> bool {
        contents.products().all(|product| self.asked.contains(&product))
    }

    /// The value of a cart that holds this, if everything in it was asked for.
    pub fn value(&self, owner: CartOwner, contents: &Contents) -> Vec<(CartOwner, Cart)> {
        if !self.covers(contents) {
            return Vec::new();
        }
        // Prices that do not add up are told to whoever reads the cart.
        Cart::price(Some(owner), contents, &self.products).ok().map(|cart| (owner, cart)).into_iter().collect()
    }
}
