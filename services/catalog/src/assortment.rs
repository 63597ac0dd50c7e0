//! The transactions in which administrators change what is sold. The counters of the categories move with the products.

use std::slice;

use shop_runtime::db::OnConstraint as _;
use shop_types::ProductId;
use sqlx::PgConnection;

use crate::changes::{Change, Changes};
use crate::domain::product::{NewProduct, Product, ProductChange};
use crate::error::Error;
use crate::store;

/// The foreign key that a product in no category breaks.
const CATEGORY_KEY: &str = "products_category_fkey";

/// What is sold, to be changed.
#[derive(Clone, Debug)]
pub struct Assortment {
    changes: Changes,
}

impl Assortment {
    /// The assortment, changed in this way.
    pub const fn new(changes: Changes) -> Self {
        Self { changes }
    }

    /// Adds a product.
    pub async fn create(&self, new: &NewProduct) -> Result<Product, Error> {
        let mut change = self.changes.begin().await?;
        let outcome = add(&mut change, new).await;
        change.end(outcome).await
    }

    /// Changes a product, of this version only if one is given.
    pub async fn change(&self, id: ProductId, version: Option<i64>, wanted: ProductChange) -> Result<Product, Error> {
        let mut change = self.changes.of_products(vec![id]).await?;
        if !wanted.is_of_stock_only() {
            change.retell(id);
        }
        let outcome = alter(&mut change, id, version, wanted).await;
        change.end(outcome).await
    }

    /// Takes a product off its shelf, of this version only if one is given. Orders that have some of it keep it.
    pub async fn remove(&self, id: ProductId, version: Option<i64>) -> Result<(), Error> {
        let mut change = self.changes.of_products(vec![id]).await?;
        change.announce_comments(id).await;
        change.retell(id);
        let outcome = hide(&mut change, id, version).await;
        change.end(outcome).await
    }
}

async fn add(change: &mut Change, new: &NewProduct) -> Result<Product, Error> {
    let product = store::products::insert(&mut **change, new)
        .await
        .on_constraint(CATEGORY_KEY, || Error::MisplacedProduct(new.category.clone()))?;
    // Somebody may have asked for the number before it was given, and it may be remembered that there was nothing.
    change.announce_products(vec![product.id]).await;
    change.announce_comments(product.id).await;
    store::categories::count(&mut **change, slice::from_ref(&product.category), &[1]).await?;
    Ok(product)
}

async fn alter(
    connection: &mut PgConnection,
    id: ProductId,
    version: Option<i64>,
    wanted: ProductChange,
) -> Result<Product, Error> {
    let before = lock(connection, id, version).await?;
    let category = before.category.clone();
    let after = before.changed(wanted)?;
    store::products::update(&mut *connection, &after)
        .await
        .on_constraint(CATEGORY_KEY, || Error::MisplacedProduct(after.category.clone()))?;
    if after.category != category {
        store::categories::count(&mut *connection, &[category, after.category], &[-1, 1]).await?;
    }
    // Read again, since a flash sale may make the price another one.
    let offer = store::products::by_id(connection, id).await?.ok_or(Error::NoProduct(id))?;
    Ok(offer.product)
}

async fn hide(connection: &mut PgConnection, id: ProductId, version: Option<i64>) -> Result<(), Error> {
    let product = lock(connection, id, version).await?;
    store::products::hide(&mut *connection, id).await?;
    Ok(store::categories::count(connection, &[product.category], &[-1]).await?)
}

/// The product, locked, if it still has the version that the administrator saw.
async fn lock(connection: &mut PgConnection, id: ProductId, version: Option<i64>) -> Result<Product, Error> {
    let product = store::products::lock(connection, id).await?.ok_or(Error::NoProduct(id))?;
    match version {
        Some(seen) if seen != product.version => Err(Error::Outdated { id, current: product.version }),
        _ => Ok(product),
    }
}
