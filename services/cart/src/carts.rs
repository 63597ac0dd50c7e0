//! Reading and changing carts: the catalog is asked first, then one transaction changes the cart.

use shop_types::{ProductId, UserId};
use sqlx::PgPool;

use crate::domain::cart::{Cart, CartLine, Item, LineRefusal, Product};
use crate::error::Error;
use crate::metrics::{CartMetrics, Operation};
use crate::siblings::catalog::Catalog;
use crate::store::carts;

/// The customers' carts.
#[derive(Clone, Debug)]
pub struct Carts {
    db: PgPool,
    catalog: Catalog,
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
    /// Carts in this database, with this catalog's products.
    pub const fn new(db: PgPool, catalog: Catalog, metrics: CartMetrics) -> Self {
        Self { db, catalog, metrics }
    }

    /// The cart with the catalog's present names, prices and stock.
    pub async fn read(&self, user: UserId) -> Result<Cart, Error> {
        let contents = carts::read(&self.db, user).await?;
        let ids: Vec<_> = contents.items.iter().map(|item| item.product_id).collect();
        let products = self.catalog.quote(&ids).await?;
        Ok(Cart::price(user, &contents, &products)?)
    }

    /// Puts more pieces of a product into the cart, as long as the catalog has as many as are in it then.
    pub async fn add(&self, user: UserId, item: Item) -> Result<ChangedLine, Error> {
        let product = self.quote(item.product_id).await?;
        let mut transaction = self.db.begin().await?;
        let version = carts::touch(&mut transaction, user).await?;
        let Some(quantity) = carts::add(&mut transaction, user, version, item, product.stock).await? else {
            let there = carts::quantity(&mut *transaction, user, item.product_id).await?;
            transaction.rollback().await?;
            let wanted = there.map_or(0, i64::from) + i64::from(item.quantity);
            return Err(Error::Line(item.product_id, LineRefusal::explain(wanted, product.stock)));
        };
        transaction.commit().await?;
        self.metrics.did(Operation::Add);
        Ok(ChangedLine { version, line: CartLine::new(&product, quantity)? })
    }

    /// Makes it so many pieces of a product, as long as the catalog has as many.
    pub async fn set(&self, user: UserId, item: Item) -> Result<ChangedLine, Error> {
        let product = self.quote(item.product_id).await?;
        let mut transaction = self.db.begin().await?;
        let version = carts::touch(&mut transaction, user).await?;
        if !carts::set(&mut transaction, user, version, item, product.stock).await? {
            transaction.rollback().await?;
            return Err(Error::Line(item.product_id, LineRefusal::explain(item.quantity.into(), product.stock)));
        }
        transaction.commit().await?;
        self.metrics.did(Operation::Set);
        Ok(ChangedLine { version, line: CartLine::new(&product, item.quantity)? })
    }

    /// Takes a product out of the cart. That it was not in it is no error: it is not in it afterwards.
    pub async fn remove(&self, user: UserId, product: ProductId) -> Result<(), Error> {
        let mut transaction = self.db.begin().await?;
        carts::touch(&mut transaction, user).await?;
        if carts::remove(&mut transaction, user, product).await? {
            transaction.commit().await?;
            self.metrics.did(Operation::Remove);
        } else {
            transaction.rollback().await?;
        }
        Ok(())
    }

    /// Takes everything out of the cart.
    pub async fn clear(&self, user: UserId) -> Result<(), Error> {
        let mut transaction = self.db.begin().await?;
        carts::touch(&mut transaction, user).await?;
        if carts::clear(&mut transaction, user).await? {
            transaction.commit().await?;
            self.metrics.did(Operation::Clear);
        } else {
            transaction.rollback().await?;
        }
        Ok(())
    }

    async fn quote(&self, id: ProductId) -> Result<Product, Error> {
        let products = self.catalog.quote(&[id]).await?;
        products.into_iter().find(|product| product.id == id).ok_or(Error::ProductNotFound(id))
    }
}
