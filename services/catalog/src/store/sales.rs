//! What was sold, and what follows from it.

use std::collections::HashSet;

use shop_runtime::query;
use shop_types::{OrderId, ProductId, UserId};
use sqlx::PgExecutor;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::products::product_id;
use crate::domain::demo_sales::DemoOrder;
use crate::domain::recommendation::{BOUGHT_LATELY, HALF_LIFE, ORDERS_OF_PRODUCT, OWN_LINES, OWN_PRODUCTS, Why};
use crate::domain::sale::{BESTSELLERS_WINDOW, HISTORY, Sale};

/// A product and how many pieces of it were sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sold {
    /// The product.
    pub product_id: ProductId,
    /// The pieces.
    pub sold: i64,
}

/// A product that a customer may like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Liked {
    /// The product.
    pub product_id: ProductId,
    /// How much, from 0 to 1.
    pub score: f64,
    /// Why.
    pub why: Why,
}

/// Those of the orders whose sale counts, which a cancellation can't change any more until the transaction ends.
#[query]
pub async fn counting(db: impl PgExecutor<'_>, orders: &[OrderId]) -> sqlx::Result<HashSet<OrderId>> {
    let orders: Vec<_> = orders.iter().map(|order| order.as_uuid()).collect();
    // Each once, and sorted, so that two who tell of the same orders wait for each other in one order.
    let rows = sqlx::query!(
        r#"INSERT INTO sold_orders AS o (order_id, cancelled)
           SELECT DISTINCT order_id, false FROM UNNEST($1::uuid[]) AS sold (order_id) ORDER BY order_id
           ON CONFLICT (order_id) DO UPDATE SET cancelled = o.cancelled
           RETURNING order_id AS "order_id: OrderId", cancelled"#,
        &orders,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().filter(|row| !row.cancelled).map(|row| row.order_id).collect())
}

/// Sees to it that the order's sale does not count, and tells whether it was not so before. Waits for a sale that is just being noted.
#[query]
pub async fn cancel(db: impl PgExecutor<'_>, order: OrderId) -> sqlx::Result<bool> {
    let cancelled = sqlx::query!(
        "INSERT INTO sold_orders AS o (order_id, cancelled) VALUES ($1, true)
         ON CONFLICT (order_id) DO UPDATE SET cancelled = true, noted_at = now() WHERE NOT o.cancelled",
        order.as_uuid(),
    )
    .execute(db)
    .await?;
    Ok(cancelled.rows_affected() == 1)
}

/// Forgets what an order bought: who bought which products. A statement of its own, which sees what [`cancel`] has waited for.
#[query]
pub async fn take_back(db: impl PgExecutor<'_>, order: OrderId) -> sqlx::Result<Vec<(UserId, ProductId)>> {
    sqlx::query!(
        r#"DELETE FROM sales WHERE order_id = $1 RETURNING user_id AS "user_id: UserId", product_id"#,
        order.as_uuid(),
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| Ok((row.user_id, product_id(row.product_id)?)))
    .collect()
}

/// Forgets orders, at most so many, of which nothing will be told any more; how many there were. Orders are numbered by time, so the
/// oldest are at the beginning of their index; `numbered_before` is where those of that time end.
#[query]
pub async fn forget_orders(
    db: impl PgExecutor<'_>,
    noted_before: OffsetDateTime,
    numbered_before: Uuid,
    at_most: i64,
) -> sqlx::Result<u64> {
    let forgotten = sqlx::query!(
        "DELETE FROM sold_orders o USING (
             SELECT order_id FROM sold_orders WHERE order_id < $2 AND noted_at < $1
             ORDER BY order_id LIMIT $3 FOR UPDATE SKIP LOCKED
         ) old
         WHERE o.order_id = old.order_id",
        noted_before,
        numbered_before,
        at_most,
    )
    .execute(db)
    .await?;
    Ok(forgotten.rows_affected())
}

/// Notes what orders bought; lines that are noted already stay as they are.
#[query]
pub async fn insert(db: impl PgExecutor<'_>, sales: impl Iterator<Item = &Sale>) -> sqlx::Result<()> {
    let (mut orders, mut customers, mut times) = (Vec::new(), Vec::new(), Vec::new());
    let (mut products, mut pieces) = (Vec::new(), Vec::new());
    for (sale, line) in sales.flat_map(|sale| sale.lines.iter().map(move |line| (sale, line))) {
        orders.push(sale.order_id.as_uuid());
        customers.push(sale.user_id.as_uuid());
        products.push(line.product_id.get());
        pieces.push(line.quantity.get());
        times.push(sale.sold_at);
    }
    sqlx::query!(
        "INSERT INTO sales (order_id, user_id, product_id, quantity, sold_at)
         SELECT order_id, user_id, product_id, quantity, least(sold_at, now())
         FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::int[], $5::timestamptz[])
             AS line (order_id, user_id, product_id, quantity, sold_at)
         ON CONFLICT DO NOTHING",
        &orders,
        &customers,
        &products,
        &pieces,
        &times,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes what the customers of the demo bought, as far as it is not there; how many lines were added.
#[query]
pub async fn insert_demo(db: impl PgExecutor<'_>, orders: &[DemoOrder]) -> sqlx::Result<u64> {
    let lines = || orders.iter().flat_map(|order| order.lines.iter().map(move |line| (order, line)));
    let ids: Vec<Uuid> = lines().map(|(order, _)| order.id.as_uuid()).collect();
    let customers: Vec<Uuid> = lines().map(|(order, _)| order.customer.user_id().as_uuid()).collect();
    let products: Vec<i64> = lines().map(|(_, line)| line.product_id.get()).collect();
    let pieces: Vec<i32> = lines().map(|(_, line)| line.quantity.get()).collect();
    let times: Vec<OffsetDateTime> = lines().map(|(order, _)| order.sold_at).collect();
    let added = sqlx::query!(
        "INSERT INTO sales (order_id, user_id, product_id, quantity, sold_at)
         SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::int[], $5::timestamptz[])
         ON CONFLICT DO NOTHING",
        &ids,
        &customers,
        &products,
        &pieces,
        &times,
    )
    .execute(db)
    .await?;
    Ok(added.rows_affected())
}

/// What has sold best until a moment, of what is still sold.
#[query]
pub async fn bestsellers(db: impl PgExecutor<'_>, at: OffsetDateTime, limit: i64) -> sqlx::Result<Vec<Sold>> {
    sqlx::query!(
        r#"SELECT p.id, s.sold AS "sold!"
           FROM (SELECT product_id, sum(quantity) AS sold FROM sales WHERE sold_at > $1 GROUP BY product_id) s
           JOIN products p ON p.id = s.product_id AND p.deleted_at IS NULL
           ORDER BY s.sold DESC, p.id LIMIT $2"#,
        at - BESTSELLERS_WINDOW,
        limit,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| Ok(Sold { product_id: product_id(row.id)?, sold: row.sold }))
    .collect()
}

/// What others bought together with what the customer bought, by the formula of [`crate::domain::recommendation`].
#[query]
pub async fn bought_together(
    db: impl PgExecutor<'_>,
    user: UserId,
    at: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<Liked>> {
    sqlx::query!(
        r#"WITH own AS MATERIALIZED (
               SELECT product_id, 2::float8 ^ (-greatest(0, extract(epoch FROM $2 - max(sold_at))::float8) / $3::float8) AS weight
               FROM (
                   SELECT product_id, sold_at FROM sales WHERE user_id = $1 AND sold_at > $4
                   ORDER BY sold_at DESC, order_id, product_id LIMIT $6
               ) line
               GROUP BY product_id ORDER BY max(sold_at) DESC, product_id LIMIT $7
           ),
           lately AS MATERIALIZED (SELECT product_id FROM sales WHERE user_id = $1 AND sold_at > $5),
           -- The first two steps: to a product of the customer's, and to an order with it.
           visit AS MATERIALIZED (
               SELECT own.product_id, o.order_id,
                   own.weight / (SELECT sum(weight) FROM own) * o.weight / sum(o.weight) OVER (PARTITION BY own.product_id) AS chance
               FROM own CROSS JOIN LATERAL (
                   SELECT s.order_id, 2::float8 ^ (-greatest(0, extract(epoch FROM $2 - s.sold_at)::float8) / $3) AS weight
                   FROM sales s WHERE s.product_id = own.product_id AND s.sold_at > $4 AND s.user_id <> $1
                   ORDER BY s.sold_at DESC, s.order_id LIMIT $8
               ) o
           ),
           -- The third: to another product of the order, each as likely as the next.
           ended AS (
               SELECT other.product_id,
                   visit.chance / count(*) OVER (PARTITION BY visit.product_id, visit.order_id) AS chance
               FROM visit JOIN sales other ON other.order_id = visit.order_id AND other.product_id <> visit.product_id
           )
           SELECT p.id, s.score AS "score!"
           FROM (SELECT product_id, round(sum(chance)::numeric, 9)::float8 AS score FROM ended GROUP BY product_id) s
           JOIN products p ON p.id = s.product_id AND p.deleted_at IS NULL
           WHERE p.id NOT IN (SELECT product_id FROM lately)
           ORDER BY s.score DESC, p.id LIMIT $9"#,
        user.as_uuid(),
        at,
        seconds(HALF_LIFE),
        at - HISTORY,
        at - BOUGHT_LATELY,
        OWN_LINES,
        OWN_PRODUCTS,
        ORDERS_OF_PRODUCT,
        limit,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| Ok(Liked { product_id: product_id(row.id)?, score: row.score, why: Why::BoughtTogether }))
    .collect()
}

/// What sells best besides: first in the categories that the customer buys of, then anywhere.
#[query]
pub async fn sells_well(
    db: impl PgExecutor<'_>,
    user: UserId,
    at: OffsetDateTime,
    besides: &[i64],
    limit: i64,
) -> sqlx::Result<Vec<Liked>> {
    sqlx::query!(
        r#"WITH bought AS MATERIALIZED (
               SELECT p.category FROM (
                   SELECT product_id FROM sales WHERE user_id = $1 AND sold_at > $3
                   ORDER BY sold_at DESC, order_id, product_id LIMIT $5
               ) line JOIN products p ON p.id = line.product_id
           ),
           lately AS MATERIALIZED (SELECT product_id FROM sales WHERE user_id = $1 AND sold_at > $4)
           SELECT p.id, p.category IN (SELECT category FROM bought) AS "of_category!"
           FROM (SELECT product_id, sum(quantity) AS sold FROM sales WHERE sold_at > $2 GROUP BY product_id) s
           JOIN products p ON p.id = s.product_id AND p.deleted_at IS NULL
           WHERE p.id <> ALL ($6) AND p.id NOT IN (SELECT product_id FROM lately)
           ORDER BY 2 DESC, s.sold DESC, p.id LIMIT $7"#,
        user.as_uuid(),
        at - BESTSELLERS_WINDOW,
        at - HISTORY,
        at - BOUGHT_LATELY,
        OWN_LINES,
        besides,
        limit,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| {
        let why = if row.of_category { Why::SellsInCategory } else { Why::SellsWell };
        Ok(Liked { product_id: product_id(row.id)?, score: 0.0, why })
    })
    .collect()
}

/// Deletes at most so many lines of sales that nothing looks at any more, oldest first; how many there were.
#[query]
pub async fn delete_older_than(db: impl PgExecutor<'_>, moment: OffsetDateTime, at_most: i64) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "DELETE FROM sales s USING (
             SELECT order_id, product_id FROM sales WHERE sold_at < $1 ORDER BY sold_at LIMIT $2 FOR UPDATE SKIP LOCKED
         ) old
         WHERE s.order_id = old.order_id AND s.product_id = old.product_id",
        moment,
        at_most,
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}

fn seconds(duration: Duration) -> f64 {
    duration.as_seconds_f64()
}
