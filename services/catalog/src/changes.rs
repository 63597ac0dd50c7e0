//! Transactions that change what is cached, so that no step can be forgotten: a change is announced to the caches before it is made,
//! what they could not be told of goes into the outbox with it, and they hear how it ended.
//!
//! Three caches hold what the catalog's own tables hold. Others, of this service and of the cart's, hold values that are made of products
//! too, and are invalidated by the product's tag ([`Change::retell`]) when its price, name or place changes. Not for its stock: of these
//! only carts tell it, as a hint that may be as old as a cart may be in the cache. What may be bought is decided by the database, when
//! a reservation takes it.

use std::ops::{Deref, DerefMut};

use shop_cache::{Cache, Pending, Reason, Source, Tag, Write};
use shop_outbox::enqueue;
use shop_policy::CacheName;
use shop_types::ProductId;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use crate::cached::flash_sales::{AllSales, FlashSales};
use crate::cached::products::Products;
use crate::cached::top_comments::TopComments;
use crate::error::Error;
use crate::invalidations::{self, Invalidations, Noted};
use crate::product_events::ProductEvents;

/// The caches whose values tell something of products that they find by the product's tag.
const TAGGED: [CacheName; 4] =
    [CacheName::Recommendations, CacheName::Bestsellers, CacheName::FlashSales, CacheName::Cart];

/// Where changes begin.
#[derive(Clone, Debug)]
pub struct Changes {
    db: PgPool,
    invalidations: Invalidations,
    products: Cache<Products>,
    comments: Cache<TopComments>,
    sales: Cache<FlashSales>,
    events: ProductEvents,
}

/// A transaction that changes what is cached. [`Change::end`] ends it; if it is dropped before, because a client went away, it is
/// rolled back, and the caches leave the keys alone for a while.
#[must_use = "a change has an end"]
pub struct Change {
    transaction: Transaction<'static, Postgres>,
    changes: Changes,
    products: Vec<Write<Products>>,
    comments: Vec<Write<TopComments>>,
    sales: Vec<Write<FlashSales>>,
    retold: Vec<Pending>,
}

impl Changes {
    /// Changes in this database, of what these caches hold.
    pub const fn new(
        db: PgPool,
        invalidations: Invalidations,
        products: Cache<Products>,
        comments: Cache<TopComments>,
        sales: Cache<FlashSales>,
        events: ProductEvents,
    ) -> Self {
        Self { db, invalidations, products, comments, sales, events }
    }

    /// Begins a transaction in which nothing that is cached may be changed until it is announced.
    pub async fn begin(&self) -> Result<Change, Error> {
        Ok(Change {
            transaction: self.db.begin().await?,
            changes: self.clone(),
            products: Vec::new(),
            comments: Vec::new(),
            sales: Vec::new(),
            retold: Vec::new(),
        })
    }

    /// Begins a change of these products.
    pub async fn of_products(&self, ids: Vec<ProductId>) -> Result<Change, Error> {
        let mut change = self.begin().await?;
        change.announce_products(ids).await;
        Ok(change)
    }

    /// Begins a change of a product's comments.
    pub async fn of_comments(&self, product: ProductId) -> Result<Change, Error> {
        let mut change = self.begin().await?;
        change.announce_comments(product).await;
        Ok(change)
    }

    /// Begins a change of a product's flash sales, and so of its price.
    pub async fn of_sales(&self, product: ProductId) -> Result<Change, Error> {
        let mut change = self.of_products(vec![product]).await?;
        change.sales.push(self.sales.begin_write(vec![AllSales]).await);
        change.retell(product);
        Ok(change)
    }
}

impl Change {
    /// Announces that products will be changed. Where it is known only inside the transaction which ones, this is called there, before
    /// the first statement that changes them.
    pub async fn announce_products(&mut self, ids: Vec<ProductId>) {
        self.products.push(self.changes.products.begin_write(ids).await);
    }

    /// Announces that a product's comments will be changed.
    pub async fn announce_comments(&mut self, product: ProductId) {
        self.comments.push(self.changes.comments.begin_write(vec![product]).await);
    }

    /// Has everything forgotten that tells the price, the name or the place of this product, once the change is committed.
    pub fn retell(&mut self, product: ProductId) {
        let tags = vec![Tag::new("product", product)];
        self.retold.extend(TAGGED.map(|cache| invalidations::tagged(cache, tags.clone())));
    }

    /// Commits if the outcome is good, else takes everything back; and tells the caches which of both it was.
    pub async fn end<T>(mut self, outcome: Result<T, Error>) -> Result<T, Error> {
        let prepared = match outcome {
            Ok(value) => self.prepare().await.map(|noted| (value, noted)),
            Err(error) => Err(error),
        };
        let Self { transaction, changes, products, comments, sales, retold: _ } = self;
        match prepared {
            Ok((value, noted)) => {
                // Should this fail, nobody knows whether it is committed; then the writes are dropped without an end.
                transaction.commit().await?;
                let of_products = !products.is_empty();
                tell_committed(products).await;
                tell_committed(comments).await;
                tell_committed(sales).await;
                changes.invalidations.carry_out(noted, Reason::Tag).await;
                // Last: who hears of a change and asks for the product should see it.
                if of_products {
                    changes.events.wake();
                }
                Ok(value)
            }
            Err(error) => {
                // No commit was sent, so even if this fails nothing will have been changed.
                let _ = transaction.rollback().await;
                tell_rolled_back(products).await;
                tell_rolled_back(comments).await;
                tell_rolled_back(sales).await;
                Err(error)
            }
        }
    }

    /// Puts what must not be lost into the outbox; returns what will not be needed there if all goes well.
    async fn prepare(&mut self) -> Result<Noted, Error> {
        let untold = pending(&self.products).chain(pending(&self.comments)).chain(pending(&self.sales));
        for pending in untold.collect::<Vec<_>>() {
            enqueue(&mut self.transaction, Pending::TOPIC, &pending).await?;
        }
        let retold = std::mem::take(&mut self.retold);
        Ok(invalidations::note(&mut self.transaction, retold).await?)
    }
}

fn pending<S: Source>(writes: &[Write<S>]) -> impl Iterator<Item = Pending> {
    writes.iter().flat_map(Write::pending)
}

/// The values are not put: they are loaded when somebody asks, and then it is known how long they hold.
async fn tell_committed<S: Source>(writes: Vec<Write<S>>) {
    for write in writes {
        write.committed(Vec::new()).await;
    }
}

async fn tell_rolled_back<S: Source>(writes: Vec<Write<S>>) {
    for write in writes {
        write.rolled_back().await;
    }
}

impl Deref for Change {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.transaction
    }
}

impl DerefMut for Change {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }
}
