//! Reservations: the statements that move stock between the shelf and an order.

use std::collections::BTreeMap;
use std::time::Duration;

use shop_runtime::query;
use shop_types::{LocalizedText, OrderId, OrderLine, ProductId, Quantity};
use sqlx::PgExecutor;
use sqlx::postgres::types::PgInterval;
use time::OffsetDateTime;
use uuid::Uuid;

use super::products::{money, product_id};
use crate::domain::reservation::{Basket, ReservationState};

/// How far the order's reservation has come.
#[query]
pub async fn state(db: impl PgExecutor<'_>, order: OrderId) -> sqlx::Result<Option<ReservationState>> {
    sqlx::query_scalar!(
        r#"SELECT state AS "state: ReservationState" FROM reservations WHERE order_id = $1"#,
        order.as_uuid(),
    )
    .fetch_optional(db)
    .await
}

/// A line as its columns.
struct Row {
    product_id: i64,
    quantity: i32,
    unit_price_amount: i64,
    unit_price_currency: String,
    name_en: String,
    name_ru: String,
}

impl TryFrom<Row> for OrderLine {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        Ok(Self {
            product_id: product_id(row.product_id)?,
            quantity: Quantity::new(row.quantity).map_err(|error| sqlx::Error::Decode(error.into()))?,
            unit_price: money(row.unit_price_amount, &row.unit_price_currency)?,
            name: LocalizedText { en: row.name_en, ru: row.name_ru },
        })
    }
}

/// Puts an order on hold until a deadline and takes the stock for its whole basket, or nothing; none if the order was seen before. The lines that
/// were taken are returned, sorted by product, and are none if any product has too little. Two of the same order take turns: the second
/// waits until the first has committed or rolled back.
///
/// The products are locked by id first, so that baskets which share products queue up instead of deadlocking. `enough` is computed
/// of the newest row, since a locked row is read again; and the update repeats the guard of its own row, so that even if this
/// reasoning were wrong, stock would not fall below zero.
///
/// The price is that of a flash sale if one runs: as the view `offers` has it.
#[query]
pub async fn take(
    db: impl PgExecutor<'_>,
    order: OrderId,
    basket: &Basket,
    lifetime: Duration,
) -> sqlx::Result<Option<Vec<OrderLine>>> {
    let (products, pieces): (Vec<_>, Vec<_>) =
        basket.lines().iter().map(|line| (line.product_id.get(), line.quantity.get())).unzip();
    let rows = sqlx::query!(
        r#"WITH opened AS (
                  INSERT INTO reservations (order_id, state, expires_at) VALUES ($1, 'held', now() + $4)
                  ON CONFLICT (order_id) DO NOTHING RETURNING order_id
              ),
              wanted AS (SELECT * FROM UNNEST($2::bigint[], $3::int[]) AS wanted (product_id, quantity)),
              locked AS MATERIALIZED (
                  SELECT opened.order_id, p.id, wanted.quantity, p.stock >= wanted.quantity AS enough
                  FROM opened, products p JOIN wanted ON p.id = wanted.product_id
                  WHERE p.deleted_at IS NULL
                  ORDER BY p.id FOR NO KEY UPDATE OF p
              ),
              taken AS (
                  UPDATE products p
                  SET stock = p.stock - locked.quantity, version = p.version + 1, updated_at = now()
                  FROM locked
                  WHERE p.id = locked.id AND p.stock >= locked.quantity
                      AND (SELECT count(*) FILTER (WHERE enough) FROM locked) = cardinality($2)
                  RETURNING locked.order_id, p.id, locked.quantity, p.price_amount, p.price_currency, p.name_en, p.name_ru
              ),
              noted AS (INSERT INTO product_changes (product_id, aspect) SELECT id, 'stock' FROM taken),
              lines AS (
                  INSERT INTO reservation_lines
                      (order_id, product_id, quantity, unit_price_amount, unit_price_currency, name_en, name_ru)
                  SELECT order_id, id, quantity, least(price_amount, (
                             SELECT min(s.price_amount) FROM flash_sales s
                             WHERE s.product_id = taken.id AND s.cancelled_at IS NULL AND s.starts_at <= now() AND s.ends_at > now()
                                 AND s.price_currency = taken.price_currency
                         )), price_currency, name_en, name_ru
                  FROM taken
                  RETURNING product_id, quantity, unit_price_amount, unit_price_currency, name_en, name_ru
              )
           SELECT product_id AS "product_id?", quantity AS "quantity?", unit_price_amount AS "unit_price_amount?",
                  unit_price_currency AS "unit_price_currency?", name_en AS "name_en?", name_ru AS "name_ru?"
           FROM opened LEFT JOIN lines ON true"#,
        order.as_uuid(),
        &products,
        &pieces,
        PgInterval::try_from(lifetime).map_err(sqlx::Error::Encode)?,
    )
    .fetch_all(db)
    .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let row = |product_id, quantity, amount, currency, name_en, name_ru| {
        Some(Row {
            product_id: product_id?,
            quantity: quantity?,
            unit_price_amount: amount?,
            unit_price_currency: currency?,
            name_en: name_en?,
            name_ru: name_ru?,
        })
    };
    let taken = rows.into_iter().filter_map(|it| {
        row(it.product_id, it.quantity, it.unit_price_amount, it.unit_price_currency, it.name_en, it.name_ru)
    });
    let mut lines = taken.map(OrderLine::try_from).collect::<sqlx::Result<Vec<_>>>()?;
    lines.sort_unstable_by_key(|line| line.product_id);
    Ok(Some(lines))
}

/// What the order has taken, sorted by product.
#[query]
pub async fn lines(db: impl PgExecutor<'_>, order: OrderId) -> sqlx::Result<Vec<OrderLine>> {
    sqlx::query_as!(
        Row,
        "SELECT product_id, quantity, unit_price_amount, unit_price_currency, name_en, name_ru
         FROM reservation_lines WHERE order_id = $1 ORDER BY product_id",
        order.as_uuid(),
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(OrderLine::try_from)
    .collect()
}

/// What can be bought of the basket's products; one that is not sold is absent.
#[query]
pub async fn stock(db: impl PgExecutor<'_>, basket: &Basket) -> sqlx::Result<BTreeMap<ProductId, i32>> {
    let products: Vec<_> = basket.lines().iter().map(|line| line.product_id.get()).collect();
    sqlx::query!("SELECT id, stock FROM products WHERE id = ANY($1) AND deleted_at IS NULL", &products)
        .fetch_all(db)
        .await?
        .into_iter()
        .map(|row| Ok((product_id(row.id)?, row.stock)))
        .collect()
}

/// Marks an order as called off, also one that was never heard of, and tells whether it was not so before. Only who is told so may
/// give the stock back.
#[query]
pub async fn mark_released(db: impl PgExecutor<'_>, order: OrderId) -> sqlx::Result<bool> {
    let marked = sqlx::query!(
        "INSERT INTO reservations AS r (order_id, state) VALUES ($1, 'released')
         ON CONFLICT (order_id) DO UPDATE SET state = 'released', expires_at = NULL, updated_at = now()
         WHERE r.state <> 'released'",
        order.as_uuid(),
    )
    .execute(db)
    .await?;
    Ok(marked.rows_affected() == 1)
}

/// The products that some orders have taken, of which nobody can take back or add any while the orders are locked.
#[query]
pub async fn products_of(db: impl PgExecutor<'_>, orders: &[OrderId]) -> sqlx::Result<Vec<ProductId>> {
    let orders: Vec<_> = orders.iter().map(|order| order.as_uuid()).collect();
    sqlx::query_scalar!("SELECT DISTINCT product_id FROM reservation_lines WHERE order_id = ANY($1)", &orders)
        .fetch_all(db)
        .await?
        .into_iter()
        .map(product_id)
        .collect()
}

/// Gives the stock of orders back that were marked as released in this transaction, and tells how many products got some.
///
/// It must be a statement of its own: one that also marked the orders would see the lines as of its beginning, which may be before
/// the reserve that it waited for.
#[query]
pub async fn give_back(db: impl PgExecutor<'_>, orders: &[OrderId]) -> sqlx::Result<u64> {
    let orders: Vec<_> = orders.iter().map(|order| order.as_uuid()).collect();
    let given = sqlx::query!(
        "WITH back AS (
                  SELECT product_id, sum(quantity)::int AS quantity
                  FROM reservation_lines WHERE order_id = ANY($1) GROUP BY product_id
              ),
              locked AS MATERIALIZED (
                  SELECT p.id, back.quantity FROM products p JOIN back ON p.id = back.product_id
                  ORDER BY p.id FOR NO KEY UPDATE OF p
              ),
              given AS (
                  UPDATE products p SET stock = p.stock + locked.quantity, version = p.version + 1, updated_at = now()
                  FROM locked WHERE p.id = locked.id
                  RETURNING p.id
              )
         INSERT INTO product_changes (product_id, aspect) SELECT id, 'stock' FROM given",
        &orders,
    )
    .execute(db)
    .await?;
    Ok(given.rows_affected())
}

/// Marks an order's stock as sold, and tells whether it was on hold until now.
#[query]
pub async fn mark_committed(db: impl PgExecutor<'_>, order: OrderId) -> sqlx::Result<bool> {
    let marked = sqlx::query!(
        "UPDATE reservations SET state = 'committed', expires_at = NULL, updated_at = now()
         WHERE order_id = $1 AND state = 'held'",
        order.as_uuid(),
    )
    .execute(db)
    .await?;
    Ok(marked.rows_affected() == 1)
}

/// Marks some orders as released whose deadline has passed, oldest first. Orders that somebody is just deciding about are left to
/// him, so that replicas share the work and a commit that came first wins.
#[query]
pub async fn mark_expired(db: impl PgExecutor<'_>, at_most: i64) -> sqlx::Result<Vec<OrderId>> {
    let expired = sqlx::query_scalar!(
        "WITH due AS MATERIALIZED (
             SELECT order_id FROM reservations
             WHERE state = 'held' AND expires_at <= now()
             ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
         )
         UPDATE reservations r SET state = 'released', expires_at = NULL, updated_at = now()
         FROM due WHERE r.order_id = due.order_id
         RETURNING r.order_id",
        at_most,
    )
    .fetch_all(db)
    .await?;
    Ok(expired.into_iter().map(OrderId::from).collect())
}

/// Forgets orders, at most so many, that were sold or called off so long ago that nobody asks for them any more; how many there were.
/// Orders are numbered by time, so the oldest are at the beginning of their index, and none is looked at that is numbered later than
/// `numbered_before`.
#[query]
pub async fn forget(
    db: impl PgExecutor<'_>,
    ended_before: OffsetDateTime,
    numbered_before: Uuid,
    at_most: i64,
) -> sqlx::Result<u64> {
    let forgotten = sqlx::query!(
        "DELETE FROM reservations r USING (
             SELECT order_id FROM reservations
             WHERE order_id < $2 AND state <> 'held' AND updated_at < $1
             ORDER BY order_id LIMIT $3 FOR UPDATE SKIP LOCKED
         ) old
         WHERE r.order_id = old.order_id",
        ended_before,
        numbered_before,
        at_most,
    )
    .execute(db)
    .await?;
    Ok(forgotten.rows_affected())
}
