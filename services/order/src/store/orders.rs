//! Orders as rows.

use std::collections::HashMap;
use std::time::Duration;

use shop_runtime::query;
use shop_types::{
    Currency, LocalizedText, Money, OrderId, OrderLine, OrderStatus, PageLimit, ProductId, Quantity, UserId,
};
use sqlx::postgres::types::PgInterval;
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::order::{HistoryEntry, NewOrder, Order, OrderDetails};

/// Writes the order down, with its lines and the begin of its history; when that was, or none if there is one by this identifier already. An
/// order that is just being made or deleted by another transaction is waited for. With it goes the place in a trace that its later steps go on from.
#[query]
pub async fn insert(
    db: impl PgExecutor<'_>,
    id: OrderId,
    order: &NewOrder,
    first_move_after: Duration,
    trace: Option<&str>,
) -> sqlx::Result<Option<OffsetDateTime>> {
    let lines = &order.lines;
    let positions: Vec<i32> = (0..).take(lines.len()).collect();
    let products: Vec<i64> = lines.iter().map(|line| line.product_id.get()).collect();
    let quantities: Vec<i32> = lines.iter().map(|line| line.quantity.get()).collect();
    let prices: Vec<i64> = lines.iter().map(|line| line.unit_price.amount).collect();
    let names_en: Vec<String> = lines.iter().map(|line| line.name.en.clone()).collect();
    let names_ru: Vec<String> = lines.iter().map(|line| line.name.ru.clone()).collect();
    sqlx::query_scalar!(
        r#"WITH made AS (
               INSERT INTO orders (id, user_id, status, total_amount, currency, due_at, trace_parent)
               VALUES ($1, $2, 'CREATED', $3, $4, now() + $5, $12)
               ON CONFLICT (id) DO NOTHING
               RETURNING id, created_at
           ),
           lines AS (
               INSERT INTO order_lines (order_id, position, product_id, quantity, unit_price_amount, name_en, name_ru)
               SELECT made.id, line.*
               FROM made, UNNEST($6::integer[], $7::bigint[], $8::integer[], $9::bigint[], $10::text[], $11::text[]) AS line
           ),
           begun AS (INSERT INTO order_history (order_id, version, to_status) SELECT id, 1, 'CREATED' FROM made)
           SELECT created_at AS "created_at!" FROM made"#,
        id.as_uuid(),
        order.user_id.as_uuid(),
        order.total.amount,
        order.total.currency.code(),
        interval(first_move_after),
        &positions,
        &products,
        &quantities,
        &prices,
        &names_en,
        &names_ru,
        trace,
    )
    .fetch_optional(db)
    .await
}

/// Whether an order by this identifier was there once and has been deleted.
#[query]
pub async fn is_deleted(db: impl PgExecutor<'_>, id: OrderId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM deleted_orders WHERE id = $1) AS "deleted!""#, id.as_uuid())
        .fetch_one(db)
        .await
}

/// The order, if there is one.
#[query]
pub async fn find(db: &mut PgConnection, id: OrderId) -> sqlx::Result<Option<Order>> {
    let row = sqlx::query_as!(
        OrderRow,
        r#"SELECT id, user_id, status AS "status: OrderStatus", version, total_amount, currency, created_at, updated_at
           FROM orders WHERE id = $1"#,
        id.as_uuid(),
    )
    .fetch_optional(&mut *db)
    .await?;
    Ok(with_lines(db, row.into_iter().collect()).await?.pop())
}

/// Which orders a list has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only this customer's.
    pub user: Option<UserId>,
    /// Only those in this state.
    pub status: Option<OrderStatus>,
}

/// Orders, newest first, those before `before` if given; one more than fits on the page. A statement for each filter, so that each has
/// the plan that suits it.
pub async fn list(
    db: &mut PgConnection,
    filter: Filter,
    before: Option<OrderId>,
    limit: PageLimit,
) -> sqlx::Result<Vec<Order>> {
    let (before, limit) = (before.map_or(Uuid::max(), OrderId::as_uuid), limit.get_plus_one());
    let status = filter.status.map(OrderStatus::as_str);
    let rows = match (filter.user.map(UserId::as_uuid), status) {
        (Some(user), None) => of_user(&mut *db, user, before, limit).await?,
        (Some(user), Some(status)) => of_user_in(&mut *db, user, status, before, limit).await?,
        (None, Some(status)) => all_in(&mut *db, status, before, limit).await?,
        (None, None) => all(&mut *db, before, limit).await?,
    };
    with_lines(db, rows).await
}

#[query]
async fn of_user(db: &mut PgConnection, user: Uuid, before: Uuid, limit: i64) -> sqlx::Result<Vec<OrderRow>> {
    sqlx::query_as!(
        OrderRow,
        r#"SELECT id, user_id, status AS "status: OrderStatus", version, total_amount, currency, created_at, updated_at
           FROM orders WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"#,
        user,
        before,
        limit,
    )
    .fetch_all(db)
    .await
}

#[query]
async fn of_user_in(
    db: &mut PgConnection,
    user: Uuid,
    status: &str,
    before: Uuid,
    limit: i64,
) -> sqlx::Result<Vec<OrderRow>> {
    sqlx::query_as!(
        OrderRow,
        r#"SELECT id, user_id, status AS "status: OrderStatus", version, total_amount, currency, created_at, updated_at
           FROM orders WHERE user_id = $1 AND status = $2 AND id < $3 ORDER BY id DESC LIMIT $4"#,
        user,
        status,
        before,
        limit,
    )
    .fetch_all(db)
    .await
}

#[query]
async fn all_in(db: &mut PgConnection, status: &str, before: Uuid, limit: i64) -> sqlx::Result<Vec<OrderRow>> {
    sqlx::query_as!(
        OrderRow,
        r#"SELECT id, user_id, status AS "status: OrderStatus", version, total_amount, currency, created_at, updated_at
           FROM orders WHERE status = $1 AND id < $2 ORDER BY id DESC LIMIT $3"#,
        status,
        before,
        limit,
    )
    .fetch_all(db)
    .await
}

#[query]
async fn all(db: &mut PgConnection, before: Uuid, limit: i64) -> sqlx::Result<Vec<OrderRow>> {
    sqlx::query_as!(
        OrderRow,
        r#"SELECT id, user_id, status AS "status: OrderStatus", version, total_amount, currency, created_at, updated_at
           FROM orders WHERE id < $1 ORDER BY id DESC LIMIT $2"#,
        before,
        limit,
    )
    .fetch_all(db)
    .await
}

/// The order and its moves at one moment, if there is one.
pub async fn details(db: &mut PgConnection, id: OrderId) -> sqlx::Result<Option<OrderDetails>> {
    let Some(order) = find(&mut *db, id).await? else { return Ok(None) };
    let history = history(db, id, order.version).await?;
    // Every order has a beginning: one without has been deleted meanwhile.
    Ok((!history.is_empty()).then_some(OrderDetails { order, history }))
}

/// The moves of an order up to a version, oldest first. Moves are only ever added, so that is the history that the order had in that version,
/// whatever has become of it since.
#[query]
async fn history(db: impl PgExecutor<'_>, id: OrderId, version: i32) -> sqlx::Result<Vec<HistoryEntry>> {
    sqlx::query_as!(
        HistoryEntry,
        r#"SELECT version, from_status AS "from: OrderStatus", to_status AS "to: OrderStatus", at
           FROM order_history WHERE order_id = $1 AND version <= $2 ORDER BY version"#,
        id.as_uuid(),
        version,
    )
    .fetch_all(db)
    .await
}

/// Deletes up to `limit` orders that were finished longer ago than that, and remembers their identifiers; how many there were.
#[query]
pub async fn delete_finished(db: impl PgExecutor<'_>, older_than: Duration, limit: i64) -> sqlx::Result<u64> {
    let result = sqlx::query!(
        "WITH doomed AS (
             SELECT id FROM orders WHERE due_at IS NULL AND updated_at < now() - $1::interval
             ORDER BY updated_at LIMIT $2 FOR UPDATE SKIP LOCKED
         ), gone AS (
             DELETE FROM orders USING doomed WHERE orders.id = doomed.id RETURNING orders.id
         )
         INSERT INTO deleted_orders (id) SELECT id FROM gone",
        interval(older_than),
        limit,
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected())
}

/// A duration as the database counts it; one that is too long to count is as long as can be.
pub(super) fn interval(duration: Duration) -> PgInterval {
    PgInterval { months: 0, days: 0, microseconds: i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 2) }
}

struct OrderRow {
    id: Uuid,
    user_id: Uuid,
    status: OrderStatus,
    version: i32,
    total_amount: i64,
    currency: String,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl OrderRow {
    fn total(&self) -> sqlx::Result<Money> {
        match &*self.currency {
            "RUB" => Ok(Money::new(self.total_amount, Currency::Rub)),
            unknown => Err(sqlx::Error::Decode(format!("the shop does not know the currency {unknown}").into())),
        }
    }
}

#[query]
async fn with_lines(db: impl PgExecutor<'_>, orders: Vec<OrderRow>) -> sqlx::Result<Vec<Order>> {
    let ids: Vec<Uuid> = orders.iter().map(|order| order.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"SELECT order_id, product_id AS "product_id: ProductId", quantity AS "quantity: Quantity", unit_price_amount, name_en, name_ru
           FROM order_lines WHERE order_id = ANY($1) ORDER BY order_id, position"#,
        &ids,
    )
    .fetch_all(db)
    .await?;
    let totals: HashMap<Uuid, Money> =
        orders.iter().map(|order| Ok((order.id, order.total()?))).collect::<sqlx::Result<_>>()?;
    let mut lines: HashMap<Uuid, Vec<OrderLine>> = HashMap::new();
    for row in rows {
        let Some(total) = totals.get(&row.order_id) else { continue };
        lines.entry(row.order_id).or_default().push(OrderLine {
            product_id: row.product_id,
            quantity: row.quantity,
            unit_price: Money::new(row.unit_price_amount, total.currency),
            name: LocalizedText { en: row.name_en, ru: row.name_ru },
        });
    }
    orders
        .into_iter()
        .map(|row| {
            Ok(Order {
                id: row.id.into(),
                user_id: row.user_id.into(),
                status: row.status,
                version: row.version,
                lines: lines.remove(&row.id).unwrap_or_default(),
                total: row.total()?,
                created_at: row.created_at,
                updated_at: row.updated_at,
            })
        })
        .collect()
}
