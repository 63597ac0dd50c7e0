//! The shelves and their counters.

use shop_runtime::query;
use sqlx::PgExecutor;

use crate::domain::category::Category;

/// Every category, as a shop window shows them.
#[query]
pub async fn list(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<Category>> {
    sqlx::query_as!(Category, "SELECT slug, name_en, name_ru, product_count FROM categories ORDER BY position")
        .fetch_all(db)
        .await
}

/// Whether there is such a category.
#[query]
pub async fn exists(db: impl PgExecutor<'_>, slug: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM categories WHERE slug = $1) AS "exists!""#, slug)
        .fetch_one(db)
        .await
}

/// Counts products that came to or left some categories, in the transaction that moves them.
#[query]
pub async fn count(db: impl PgExecutor<'_>, slugs: &[String], changes: &[i64]) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH change AS (SELECT * FROM UNNEST($1::text[], $2::bigint[]) AS change (slug, by)),
              locked AS MATERIALIZED (
                  SELECT c.slug, change.by FROM categories c JOIN change USING (slug)
                  ORDER BY c.slug FOR NO KEY UPDATE OF c
              )
         UPDATE categories c SET product_count = c.product_count + locked.by FROM locked WHERE c.slug = locked.slug",
        slugs,
        changes,
    )
    .execute(db)
    .await?;
    Ok(())
}
