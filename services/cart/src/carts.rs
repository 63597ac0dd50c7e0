//! Reading and changing carts: the change is announced to the cache, the catalog is asked, then one transaction changes the cart.

use std::sync::Arc;

use shop_cache::{CacheStatus, Served};
use shop_types::{ProductId, Quantity, UserId};
use sqlx::PgConnection;

use crate::cached::{CartCache, Quote};
use crate::domain::cart::{Cart, CartLine, Contents, Item, LineRefusal, Product};
use crate::error::Error;
use crate::metrics::{CartMetrics, Operation};
use crate::store::carts;

/// The customers' carts.
#[derive(Clone, Debug)]
pub struct Carts {
    cache: CartCache,
    metrics: CartMetrics,
}

/// A line as it is after a change, and the version of the cart that the change made.
#[derive(Clone, Debug)]
pub struct ChangedLine {
    /// The cart's version.
    pub version: i64,
    /// The line.
    pub line: CartLine,
}

impl Carts {
    /// The carts behind this cache.
    pub const fn new(cache: CartCache, metrics: CartMetrics) -> Self {
        Self { cache, metrics }
    }

    /// The cart with the catalog's names, prices and stock, and how it came about.
    pub async fn read(&self, user: UserId) -> Result<(CacheStatus, Arc<Cart>), Error> {
        let Served { value, status } = self.cache.cache().get(&user).await?;
        let cart = match value {
            Some(cart) => cart,
            None => Arc::new(Cart::price(user, &Contents::default(), &[])?),
        };
        Ok((status, cart))
    }

    /// Puts more pieces of a product into the cart, as long as the catalog has as many as are in it then.
    pub async fn add(&self, user: UserId, item: Item) -> Result<ChangedLine, Error> {
        let changed =
            self.put(user, item.product_id, async |db: &mut PgConnection, version: i64, product: &Product| {
                if let Some(quantity) = carts::add(db, user, version, item, product.stock).await? {
                    return Ok(quantity);
                }
                let there = carts::quantity(db, user, item.product_id).await?;
                let wanted = there.map_or(0, i64::from) + i64::from(item.quantity);
                Err(Error::Line(item.product_id, LineRefusal::explain(wanted, product.stock)))
            });
        let changed = changed.await?;
        self.metrics.did(Operation::Add);
        Ok(changed)
    }

    /// Makes it so many pieces of a product, as long as the catalog has as many.
    pub async fn set(&self, user: UserId, item: Item) -> Result<ChangedLine, Error> {
        let changed =
            self.put(user, item.product_id, async |db: &mut PgConnection, version: i64, product: &Product| {
                if carts::set(db, user, version, item, product.stock).await? {
                    return Ok(item.quantity);
                }
                Err(Error::Line(item.product_id, LineRefusal::explain(item.quantity.into(), product.stock)))
            });
        let changed = changed.await?;
        self.metrics.did(Operation::Set);
        Ok(changed)
    }

    /// Puts a line of this product into the cart; `line` makes it and says how many pieces it has then.
    async fn put(
        &self,
        user: UserId,
        product: ProductId,
        line: impl AsyncFnOnce(&mut PgConnection, i64, &Product) -> Result<Quantity, Error>,
    ) -> Result<ChangedLine, Error> {
        self.cache
            .change(user, async |change| {
                let quote = self.cache.quote_with(user, product).await?;
                let product = quote.product(product)?;
                let db = change.transaction().await?;
                let version = carts::touch(db, user).await?;
                let quantity = line(db, version, product).await?;
                let line = CartLine::new(product, quantity)?;
                let value = quote.value(user, &carts::read(db, user).await?);
                change.commit(value).await?;
                Ok(ChangedLine { version, line })
            })
            .await
    }

    /// Takes a product out of the cart. That it was not in it is no error: it is not in it afterwards.
    pub async fn remove(&self, user: UserId, product: ProductId) -> Result<(), Error> {
        let removed = self.cache.change(user, async |change| {
            let quote = self.cache.quote_without(user, product).await?;
            let db = change.transaction().await?;
            carts::touch(db, user).await?;
            if !carts::remove(db, user, product).await? {
                return Ok(false);
            }
            let value = quote.value(user, &carts::read(db, user).await?);
            change.commit(value).await?;
            Ok(true)
        });
        if removed.await? {
            self.metrics.did(Operation::Remove);
        }
        Ok(())
    }

    /// Takes everything out of the cart.
    pub async fn clear(&self, user: UserId) -> Result<(), Error> {
        let cleared = self.cache.change(user, async |change| {
            let db = change.transaction().await?;
            let version = carts::touch(db, user).await?;
            if !carts::clear(db, user).await? {
                return Ok(false);
            }
            change.commit(Quote::default().value(user, &Contents { version, items: Vec::new() })).await?;
            Ok(true)
        });
        if cleared.await? {
            self.metrics.did(Operation::Clear);
        }
        Ok(())
    }
}
