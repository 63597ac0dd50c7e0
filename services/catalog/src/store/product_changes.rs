//! Changes of products of which nobody has been told yet. A reservation notes its own, in the statements that move stock.

use shop_runtime::query;
use shop_types::ProductId;
use sqlx::PgExecutor;

use super::products::product_id;
use crate::domain::product_event::Aspect;

/// Notes a change in the transaction that makes it.
#[query]
pub async fn note(db: impl PgExecutor<'_>, product: ProductId, aspect: Aspect) -> sqlx::Result<()> {
    sqlx::query!("INSERT INTO product_changes (product_id, aspect) VALUES ($1, $2)", product.get(), aspect.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// Whether there are any.
#[query]
pub async fn any(db: impl PgExecutor<'_>) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM product_changes) AS "any!""#).fetch_one(db).await
}

/// Takes the changes of so many products. What is taken is committed, so a statement that follows sees the products as changed; what is
/// noted later is not taken, and will be told again.
#[query]
pub async fn take(db: impl PgExecutor<'_>, products: i64) -> sqlx::Result<Vec<(ProductId, Aspect)>> {
    sqlx::query!(
        r#"WITH taken AS (
               DELETE FROM product_changes
               WHERE product_id IN (SELECT DISTINCT product_id FROM product_changes LIMIT $1)
               RETURNING product_id, aspect
           )
           SELECT DISTINCT product_id, aspect AS "aspect: Aspect" FROM taken"#,
        products,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| Ok((product_id(row.product_id)?, row.aspect)))
    .collect()
}
