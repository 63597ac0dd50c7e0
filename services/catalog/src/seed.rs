//! The demo assortment, into the database.

use shop_types::ProductId;
use sqlx::PgPool;

use crate::domain::assortment::{self, DemoProduct};
use crate::error::Error;
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
        transaction.commit().await?;
        total += counts.iter().sum::<i64>();
    }
    Ok(total)
}
