//! The demo assortment and its first sales, into the database.

use shop_cache::{Pending, Source as _};
use shop_policy::CacheName;
use shop_types::ProductId;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::cached::top_comments::TopComments;
use crate::domain::assortment::{self, DemoProduct};
use crate::domain::demo_comments::{self, DemoComment};
use crate::domain::demo_sales;
use crate::error::Error;
use crate::invalidations::everything;
use crate::store;

/// How many products one transaction adds.
const BATCH: usize = 2_000;

/// Makes sure that the demo products up to this number were added once, and tells how many were added now. Whatever is there is left
/// alone, so that it can run again, or at the same time as another.
pub async fn run(pool: &PgPool, products: u32) -> Result<i64, Error> {
    let assortment: Vec<DemoProduct> =
        (1..=i64::from(products)).filter_map(|id| ProductId::new(id).ok()).map(assortment::product).collect();
    let mut total = 0;
    for batch in assortment.chunks(BATCH) {
        let mut transaction = pool.begin().await?;
        let added = store::products::insert_demo(&mut *transaction, batch).await?;
        let (slugs, counts): (Vec<_>, Vec<_>) = added.into_iter().unzip();
        store::categories::count(&mut *transaction, &slugs, &counts).await?;
        if !slugs.is_empty() {
            // In a shop that runs already it may be remembered that there were none of them. The shop's relay will see to that, and of
            // so many by everything at once.
            forget(&mut transaction, [CacheName::Products, CacheName::TopComments]).await?;
        }
        transaction.commit().await?;
        total += counts.iter().sum::<i64>();
    }
    Ok(total)
}

/// Makes sure that the sales of the demo of these products were noted once, and tells how many lines were added now. It is one
/// transaction, so that nobody counts the bestsellers of half of them.
pub async fn sales(pool: &PgPool, products: u32, now: OffsetDateTime) -> Result<u64, Error> {
    let orders = demo_sales::orders(products, now);
    let mut transaction = pool.begin().await?;
    let mut total = 0;
    for batch in orders.chunks(BATCH) {
        total += store::sales::insert_demo(&mut *transaction, batch).await?;
    }
    if total > 0 {
        forget(&mut transaction, [CacheName::Recommendations, CacheName::Bestsellers]).await?;
    }
    transaction.commit().await?;
    Ok(total)
}

/// Makes sure that the comments of the demo on the first of these products were added once, and tells how many products have new ones.
pub async fn comments(pool: &PgPool, products: u32) -> Result<usize, Error> {
    let commented = 1..=i64::from(products.min(demo_comments::PRODUCTS));
    let comments: Vec<DemoComment> =
        commented.filter_map(|id| ProductId::new(id).ok()).flat_map(demo_comments::comments).collect();
    let mut transaction = pool.begin().await?;
    let added = store::comments::insert_demo(&mut *transaction, &comments).await?;
    if !added.is_empty() {
        // In a shop that runs already it may be remembered that there were none. The shop's relay will see to that.
        let pending = Pending {
            cache: CacheName::TopComments,
            schema: TopComments::SCHEMA,
            keys: added.iter().map(ProductId::to_string).collect(),
            tags: Vec::new(),
        };
        shop_outbox::enqueue(&mut transaction, Pending::TOPIC, &pending).await?;
    }
    transaction.commit().await?;
    Ok(added.len())
}

/// Has everything in these caches forgotten once the transaction is committed.
async fn forget(connection: &mut PgConnection, caches: [CacheName; 2]) -> Result<(), Error> {
    for cache in caches {
        shop_outbox::enqueue(connection, Pending::TOPIC, &everything(cache)).await?;
    }
    Ok(())
}
