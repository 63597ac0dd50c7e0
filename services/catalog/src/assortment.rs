//! The transactions in which administrators change what is sold. The counters of the categories move with the products.

use std::slice;

use shop_runtime::db::OnConstraint as _;
use shop_types::ProductId;
use sqlx::{PgConnection, PgPool};

use crate::domain::product::{NewProduct, Product, ProductChange};
use crate::error::Error;
use crate::store;

/// The foreign key that a product in no category breaks.
const CATEGORY_KEY: &str = "products_category_fkey";

/// What is sold, to be changed.
#[derive(Clone, Debug)]
pub struct Assortment {
    pool: PgPool,
}

impl Assortment {
    /// The assortment of this database.
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Adds a product.
    pub async fn create(&self, new: &NewProduct) -> Result<Product, Error> {
        let mut transaction = self.pool.begin().await?;
        let product = store::products::insert(&mut *transaction, new)
            .await
            .on_constraint(CATEGORY_KEY, || Error::MisplacedProduct(new.category.clone()))?;
        store::categories::count(&mut *transaction, slice::from_ref(&product.category), &[1]).await?;
        transaction.commit().await?;
        Ok(product)
    }

    /// Changes a product, of this version only if one is given.
    pub async fn change(&self, id: ProductId, version: Option<i64>, change: ProductChange) -> Result<Product, Error> {
        let mut transaction = self.pool.begin().await?;
        let before = lock(&mut transaction, id, version).await?;
        let category = before.category.clone();
        let mut after = before.changed(change)?;
        after.version = store::products::update(&mut *transaction, &after)
            .await
            .on_constraint(CATEGORY_KEY, || Error::MisplacedProduct(after.category.clone()))?;
        if after.category != category {
            let moved = [category, after.category.clone()];
            store::categories::count(&mut *transaction, &moved, &[-1, 1]).await?;
        }
        transaction.commit().await?;
        Ok(after)
    }

    /// Takes a product off its shelf, of this version only if one is given. Orders that have some of it keep it.
    pub async fn remove(&self, id: ProductId, version: Option<i64>) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        let product = lock(&mut transaction, id, version).await?;
        store::products::hide(&mut *transaction, id).await?;
        store::categories::count(&mut *transaction, &[product.category], &[-1]).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// The product, locked, if it still has the version that the administrator saw.
async fn lock(connection: &mut PgConnection, id: ProductId, version: Option<i64>) -> Result<Product, Error> {
    let product = store::products::lock(connection, id).await?.ok_or(Error::NoProduct(id))?;
    match version {
        Some(seen) if seen != product.version => Err(Error::Outdated { id, current: product.version }),
        _ => Ok(product),
    }
}
