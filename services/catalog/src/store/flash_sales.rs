//! Flash sales. They are added, stopped and told of only while their product is locked.

use std::time::Duration;

use shop_runtime::query;
use shop_types::{FlashSaleId, LocalizedText, ProductId};
use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::products::{holds_for, money, product_id};
use crate::domain::flash_sale::{FlashSale, NewSale, SaleState};

/// A sale as its columns.
struct Row {
    id: FlashSaleId,
    product_id: i64,
    name_en: String,
    name_ru: String,
    price_amount: i64,
    price_currency: String,
    regular_amount: i64,
    regular_currency: String,
    starts_at: OffsetDateTime,
    ends_at: OffsetDateTime,
    state: SaleState,
}

impl TryFrom<Row> for FlashSale {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.id,
            product_id: product_id(row.product_id)?,
            name: LocalizedText { en: row.name_en, ru: row.name_ru },
            price: money(row.price_amount, &row.price_currency)?,
            regular_price: money(row.regular_amount, &row.regular_currency)?,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            state: row.state,
        })
    }
}

/// The sales that run or are planned, soonest first.
#[query]
pub async fn open(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<FlashSale>> {
    sqlx::query_as!(
        Row,
        r#"SELECT s.id AS "id: FlashSaleId", s.product_id, p.name_en, p.name_ru, s.price_amount, s.price_currency,
               p.price_amount AS regular_amount, p.price_currency AS regular_currency, s.starts_at, s.ends_at,
               CASE WHEN s.starts_at <= now() THEN 'running' ELSE 'planned' END AS "state!: SaleState"
           FROM flash_sales s JOIN products p ON p.id = s.product_id
           WHERE s.told <> 'over' AND s.ends_at > now() AND p.deleted_at IS NULL
           ORDER BY s.starts_at, s.id"#,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(FlashSale::try_from)
    .collect()
}

/// The time until some sale begins or ends, if any will.
#[query]
pub async fn next_change(db: impl PgExecutor<'_>) -> sqlx::Result<Option<Duration>> {
    let millis = sqlx::query_scalar!(
        "SELECT (extract(epoch FROM min(CASE WHEN starts_at > now() THEN starts_at ELSE ends_at END) - now()) * 1000)::bigint
         FROM flash_sales WHERE told <> 'over' AND ends_at > now()",
    )
    .fetch_one(db)
    .await?;
    Ok(millis.map(holds_for))
}

/// A sale, whatever has become of it, as of this moment.
#[query]
pub async fn by_id(db: impl PgExecutor<'_>, sale: FlashSaleId) -> sqlx::Result<Option<FlashSale>> {
    sqlx::query_as!(
        Row,
        r#"SELECT s.id AS "id: FlashSaleId", s.product_id, p.name_en, p.name_ru, s.price_amount, s.price_currency,
               p.price_amount AS regular_amount, p.price_currency AS regular_currency, s.starts_at, s.ends_at,
               s.told AS "state!: SaleState"
           FROM flash_sales s JOIN products p ON p.id = s.product_id WHERE s.id = $1"#,
        sale.as_uuid(),
    )
    .fetch_optional(db)
    .await?
    .map(FlashSale::try_from)
    .transpose()
}

/// Adds a sale of a locked product, from now on if its start has passed since it was looked at, unless the product has another one at the same time.
#[query]
pub async fn insert(db: impl PgExecutor<'_>, id: FlashSaleId, new: &NewSale) -> sqlx::Result<bool> {
    let added = sqlx::query!(
        "WITH wanted AS (SELECT greatest($5::timestamptz, now()) AS starts_at, $6::timestamptz AS ends_at)
         INSERT INTO flash_sales (id, product_id, price_amount, price_currency, starts_at, ends_at, told)
         SELECT $1, $2, $3, $4, starts_at, ends_at, CASE WHEN starts_at <= now() THEN 'running' ELSE 'planned' END
         FROM wanted
         WHERE NOT EXISTS (
             SELECT FROM flash_sales s
             WHERE s.product_id = $2 AND s.cancelled_at IS NULL
                 AND s.ends_at > wanted.starts_at AND s.starts_at < wanted.ends_at
         )",
        id.as_uuid(),
        new.product.get(),
        new.price.amount,
        new.price.currency.code(),
        new.starts_at,
        new.ends_at,
    )
    .execute(db)
    .await?;
    Ok(added.rows_affected() == 1)
}

/// Stops a sale, or calls it off, and tells whether it was not over yet.
#[query]
pub async fn cancel(db: impl PgExecutor<'_>, sale: FlashSaleId) -> sqlx::Result<bool> {
    let cancelled = sqlx::query!(
        "UPDATE flash_sales SET cancelled_at = now(), told = 'over' WHERE id = $1 AND told <> 'over' AND ends_at > now()",
        sale.as_uuid(),
    )
    .execute(db)
    .await?;
    Ok(cancelled.rows_affected() == 1)
}

/// Sales that have begun or ended without anyone having been told, and their products.
#[query]
pub async fn due(db: impl PgExecutor<'_>, at_most: i64) -> sqlx::Result<Vec<(FlashSaleId, ProductId)>> {
    sqlx::query!(
        r#"SELECT id AS "id: FlashSaleId", product_id FROM flash_sales
           WHERE told <> 'over' AND (ends_at <= now() OR (told = 'planned' AND starts_at <= now()))
           ORDER BY starts_at LIMIT $1"#,
        at_most,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| Ok((row.id, product_id(row.product_id)?)))
    .collect()
}

/// Notes how far a sale of a locked product is by the clock; none if everyone was told that already.
#[query]
pub async fn advance(db: impl PgExecutor<'_>, sale: FlashSaleId) -> sqlx::Result<Option<SaleState>> {
    sqlx::query_scalar!(
        r#"UPDATE flash_sales SET told = CASE WHEN ends_at <= now() THEN 'over' ELSE 'running' END
           WHERE id = $1 AND told <> 'over' AND (ends_at <= now() OR (told = 'planned' AND starts_at <= now()))
           RETURNING told AS "told: SaleState""#,
        sale.as_uuid(),
    )
    .fetch_optional(db)
    .await
}
