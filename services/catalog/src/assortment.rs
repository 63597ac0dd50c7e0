//! The transactions in which administrators change what is sold. The counters of the categories move with the products.

use std::slice;

use shop_runtime::conditional::{ETag, IfMatch};
use shop_runtime::db::OnConstraint as _;
use shop_types::ProductId;
use sqlx::PgConnection;

use crate::changes::{Change, Changes};
use crate::domain::product::{NewProduct, Product, ProductChange};
use crate::domain::product_event::Aspect;
use crate::error::Error;
use crate::store;

/// The foreign key that a product in no category breaks.
const CATEGORY_KEY: &str = "products_category_fkey";

/// Which state of a product an administrator means to change.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The states that the request's headers name.
    pub states: IfMatch,
    /// The version that its body names.
    pub version: Option<i64>,
}

impl Seen {
    /// Whether it is the state right before this version.
    ///
    /// A change that was meant for it may be the second time of one that has made this version: what a pod has done when it dies, the gateway
    /// asks another pod to do again, if it is a `PUT` or `DELETE`; and so does a client whose answer was lost. If everything is as it
    /// was asked for, the answer is that of the first time (RFC 9110, section 13.1.1).
    fn is_right_before(&self, version: i64) -> bool {
        let former = version - 1;
        let is_former = |name: &str| name.split('-').next() == Some(&former.to_string());
        self.version.is_none_or(|version| version == former)
            && (!self.states.is_given() || self.states.lists(is_former))
    }
}

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

    /// Makes a product another one, of the same number. Since that forgets whatever has happened to it, it must be known what was seen of it.
    pub async fn replace(&self, id: ProductId, seen: &Seen, new: NewProduct) -> Result<Product, Error> {
        if seen.version.is_none() && !seen.states.is_given() {
            return Err(Error::Unconditional);
        }
        match self.change(id, seen, new.clone().into()).await {
            Err(refused @ (Error::Outdated { current, .. } | Error::VersionConflict { current, .. }))
                if seen.is_right_before(current) =>
            {
                self.replaced_before(id, current, new).await?.ok_or(refused)
            }
            outcome => outcome,
        }
    }

    /// The product, if it is at this version and all that it was to become.
    async fn replaced_before(&self, id: ProductId, version: i64, new: NewProduct) -> Result<Option<Product>, Error> {
        let mut unchanged = self.changes.begin().await?;
        let Some(product) = store::products::lock(&mut *unchanged, id).await? else { return Ok(None) };
        if product.version != version || product.clone().changed(new.into())? != product {
            return Ok(None);
        }
        Ok(store::products::by_id(&mut *unchanged, id).await?.map(|offer| offer.product))
    }

    /// Changes a product, in the state only that was seen if one is named.
    pub async fn change(&self, id: ProductId, seen: &Seen, wanted: ProductChange) -> Result<Product, Error> {
        let mut change = self.changes.of_products(vec![id]).await?;
        if !wanted.is_of_stock_only() {
            change.retell(id);
        }
        let outcome = alter(&mut change, id, seen, wanted).await;
        change.end(outcome).await
    }

    /// Takes a product off its shelf, in the state only that was seen if one is named. Orders that have some of it keep it.
    pub async fn remove(&self, id: ProductId, seen: &Seen) -> Result<(), Error> {
        let mut change = self.changes.of_products(vec![id]).await?;
        change.announce_comments(id).await;
        change.retell(id);
        let outcome = hide(&mut change, id, seen).await;
        match change.end(outcome).await {
            Err(Error::NoProduct(_)) if seen.states.is_given() && self.removed_before(id, seen).await? => Ok(()),
            outcome => outcome,
        }
    }

    /// Whether it is the last that happened to the product that it was taken off its shelf.
    async fn removed_before(&self, id: ProductId, seen: &Seen) -> Result<bool, Error> {
        let version = store::products::withdrawn(&mut *self.changes.begin().await?, id).await?;
        Ok(version.is_some_and(|version| seen.is_right_before(version)))
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
    seen: &Seen,
    wanted: ProductChange,
) -> Result<Product, Error> {
    let before = lock(connection, id, seen).await?;
    let (category, stock, price) = (before.category.clone(), before.stock, before.price);
    let after = before.changed(wanted)?;
    store::products::update(&mut *connection, &after)
        .await
        .on_constraint(CATEGORY_KEY, || Error::MisplacedProduct(after.category.clone()))?;
    if after.stock != stock {
        store::product_changes::note(&mut *connection, id, Aspect::Stock).await?;
    }
    if after.price != price {
        store::product_changes::note(&mut *connection, id, Aspect::Price).await?;
    }
    if after.category != category {
        store::categories::count(&mut *connection, &[category, after.category], &[-1, 1]).await?;
    }
    // Read again, since a flash sale may make the price another one.
    let offer = store::products::by_id(connection, id).await?.ok_or(Error::NoProduct(id))?;
    Ok(offer.product)
}

async fn hide(connection: &mut PgConnection, id: ProductId, seen: &Seen) -> Result<(), Error> {
    let product = lock(connection, id, seen).await?;
    store::products::hide(&mut *connection, id).await?;
    store::product_changes::note(&mut *connection, id, Aspect::Withdrawn).await?;
    Ok(store::categories::count(connection, &[product.category], &[-1]).await?)
}

/// The product, locked, if it is still in the state that the administrator saw.
async fn lock(connection: &mut PgConnection, id: ProductId, seen: &Seen) -> Result<Product, Error> {
    let product = store::products::lock(&mut *connection, id).await?.ok_or(Error::NoProduct(id))?;
    if seen.version.is_some_and(|version| version != product.version) {
        return Err(Error::VersionConflict { id, current: product.version });
    }
    // The state is told as it is read, with the price of a sale, or as the version alone, which the body of a product tells too.
    if !seen.states.allows(Some(&ETag::strong(product.version))) {
        let offer = store::products::by_id(connection, id).await?.ok_or(Error::NoProduct(id))?;
        let state = ETag::strong(offer.product.state());
        if !seen.states.allows(Some(&state)) {
            return Err(Error::Outdated { id, state, current: product.version });
        }
    }
    Ok(product)
}
