//! Carts as rows. Each change begins with [`touch`] in the same transaction, which makes changes of one cart take turns.

use shop_types::{ProductId, Quantity, UserId};
use sqlx::{PgConnection, PgExecutor};

use crate::domain::cart::{Contents, Item, MAX_LINES};

/// Makes the cart's next version, and the cart itself if there is none; others who change it wait until the transaction ends.
pub async fn touch(db: &mut PgConnection, user: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "INSERT INTO carts (user_id) VALUES ($1)
         ON CONFLICT (user_id) DO UPDATE SET version = carts.version + 1, updated_at = now()
         RETURNING version",
        user.as_uuid(),
    )
    .fetch_one(db)
    .await
}

/// Keeps the cart as it is until the transaction ends; its version, if there is such a cart.
pub async fn lock(db: &mut PgConnection, user: UserId) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!("SELECT version FROM carts WHERE user_id = $1 FOR UPDATE", user.as_uuid())
        .fetch_optional(db)
        .await
}

/// What a cart holds, at one moment.
pub async fn read(db: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Contents> {
    let rows = sqlx::query!(
        r#"SELECT carts.version, line.product_id AS "product_id?: ProductId", line.quantity AS "quantity?: Quantity"
           FROM carts LEFT JOIN cart_lines AS line USING (user_id)
           WHERE carts.user_id = $1 ORDER BY line.product_id"#,
        user.as_uuid(),
    )
    .fetch_all(db)
    .await?;
    let version = rows.first().map_or(0, |row| row.version);
    let items = rows.into_iter().filter_map(|row| Some(Item { product_id: row.product_id?, quantity: row.quantity? }));
    Ok(Contents { version, items: items.collect() })
}

/// Which products are in a cart.
pub async fn products(db: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Vec<ProductId>> {
    sqlx::query_scalar!(
        r#"SELECT product_id AS "product_id: ProductId" FROM cart_lines WHERE user_id = $1"#,
        user.as_uuid(),
    )
    .fetch_all(db)
    .await
}

/// How many pieces of a product are in a cart.
pub async fn quantity(db: impl PgExecutor<'_>, user: UserId, product: ProductId) -> sqlx::Result<Option<Quantity>> {
    sqlx::query_scalar!(
        r#"SELECT quantity AS "quantity: Quantity" FROM cart_lines WHERE user_id = $1 AND product_id = $2"#,
        user.as_uuid(),
        product.get(),
    )
    .fetch_optional(db)
    .await
}

/// Puts more pieces of a product into a cart of this version; how many there are then, or none if there would be more than the
/// stock or more than a cart can hold.
pub async fn add(
    db: &mut PgConnection,
    user: UserId,
    version: i64,
    item: Item,
    stock: i64,
) -> sqlx::Result<Option<Quantity>> {
    sqlx::query_scalar!(
        r#"INSERT INTO cart_lines (user_id, product_id, quantity, since)
           SELECT $1, $2, $3::integer, $4
           WHERE $3::integer <= $5::bigint AND (EXISTS (SELECT FROM cart_lines WHERE user_id = $1 AND product_id = $2)
                               OR (SELECT count(*) FROM cart_lines WHERE user_id = $1) < $6::bigint)
           ON CONFLICT (user_id, product_id) DO UPDATE SET quantity = cart_lines.quantity + EXCLUDED.quantity
           WHERE cart_lines.quantity + EXCLUDED.quantity <= LEAST($5::bigint, $7::bigint)
           RETURNING quantity AS "quantity: Quantity""#,
        user.as_uuid(),
        item.product_id.get(),
        item.quantity.get(),
        version,
        stock,
        MAX_LINES,
        i64::from(Quantity::MAX),
    )
    .fetch_optional(db)
    .await
}

/// Makes it so many pieces of a product in a cart of this version; false if there are more than the stock or the cart can't hold
/// another product.
pub async fn set(db: &mut PgConnection, user: UserId, version: i64, item: Item, stock: i64) -> sqlx::Result<bool> {
    let result = sqlx::query!(
        "INSERT INTO cart_lines (user_id, product_id, quantity, since)
         SELECT $1, $2, $3::integer, $4
         WHERE $3::integer <= $5::bigint AND (EXISTS (SELECT FROM cart_lines WHERE user_id = $1 AND product_id = $2)
                             OR (SELECT count(*) FROM cart_lines WHERE user_id = $1) < $6::bigint)
         ON CONFLICT (user_id, product_id) DO UPDATE SET quantity = EXCLUDED.quantity",
        user.as_uuid(),
        item.product_id.get(),
        item.quantity.get(),
        version,
        stock,
        MAX_LINES,
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() > 0)
}

/// Takes a product out of a cart; false if it was not in it.
pub async fn remove(db: &mut PgConnection, user: UserId, product: ProductId) -> sqlx::Result<bool> {
    let result =
        sqlx::query!("DELETE FROM cart_lines WHERE user_id = $1 AND product_id = $2", user.as_uuid(), product.get(),)
            .execute(db)
            .await?;
    Ok(result.rows_affected() > 0)
}

/// Takes everything out of a cart; false if nothing was in it.
pub async fn clear(db: &mut PgConnection, user: UserId) -> sqlx::Result<bool> {
    let result = sqlx::query!("DELETE FROM cart_lines WHERE user_id = $1", user.as_uuid()).execute(db).await?;
    Ok(result.rows_affected() > 0)
}

/// Takes what was ordered out of a cart, and nothing that came in after the version that was ordered: a line that has grown keeps
/// the difference, a line that was put in anew stays whole.
pub async fn consume(db: &mut PgConnection, user: UserId, version: i64, items: &[Item]) -> sqlx::Result<()> {
    let products: Vec<i64> = items.iter().map(|item| item.product_id.get()).collect();
    let quantities: Vec<i32> = items.iter().map(|item| item.quantity.get()).collect();
    sqlx::query!(
        "WITH ordered AS (SELECT * FROM UNNEST($3::bigint[], $4::integer[]) AS ordered (product_id, quantity)),
              emptied AS (
                  DELETE FROM cart_lines AS line USING ordered
                  WHERE line.user_id = $1 AND line.since <= $2 AND line.product_id = ordered.product_id
                        AND line.quantity <= ordered.quantity
              )
         UPDATE cart_lines AS line SET quantity = line.quantity - ordered.quantity, since = $2 + 1
         FROM ordered
         WHERE line.user_id = $1 AND line.since <= $2 AND line.product_id = ordered.product_id
               AND line.quantity > ordered.quantity",
        user.as_uuid(),
        version,
        &products,
        &quantities,
    )
    .execute(db)
    .await?;
    Ok(())
}
