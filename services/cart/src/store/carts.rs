//! Carts and their lines. Every change first makes the cart's next version, which lets the changes of one cart through one by one.

use std::time::Duration;

use shop_runtime::query;
use shop_types::{Currency, Money, OrderId, ProductId, Quantity, UserId};
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor};

use super::interval;
use crate::domain::cart::{Contents, HeldItem, Item, MAX_LINES};
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::merge::LeftOut;
use crate::domain::owner::{AnonymousId, CartOwner};

/// What the row of an anonymous cart says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is somebody's.
    Open,
    /// A user has taken it in.
    Merged,
}

/// Makes the cart's next version, and the cart itself if there is none; others who change it wait until the transaction ends. None for
/// an anonymous cart that was merged: nothing goes into it any more.
#[query]
pub async fn touch(db: &mut PgConnection, owner: CartOwner) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "INSERT INTO carts (user_id, anonymous) VALUES ($1, $2)
         ON CONFLICT (user_id) DO UPDATE SET version = carts.version + 1, updated_at = now() WHERE carts.merged_into IS NULL
         RETURNING version",
        owner.as_uuid(),
        owner.is_anonymous(),
    )
    .fetch_optional(db)
    .await
}

/// Keeps the cart as it is until the transaction ends; its version, if there is such a cart.
#[query]
pub async fn lock(db: &mut PgConnection, owner: CartOwner) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!("SELECT version FROM carts WHERE user_id = $1 FOR UPDATE", owner.as_uuid())
        .fetch_optional(db)
        .await
}

/// How an anonymous cart stands, if there is such a cart.
#[query]
pub async fn standing(db: impl PgExecutor<'_>, cart: AnonymousId) -> sqlx::Result<Option<Standing>> {
    let merged = sqlx::query_scalar!(
        r#"SELECT merged_into IS NOT NULL AS "merged!" FROM carts WHERE user_id = $1 AND anonymous"#,
        CartOwner::from(cart).as_uuid(),
    )
    .fetch_optional(db)
    .await?;
    Ok(merged.map(|merged| if merged { Standing::Merged } else { Standing::Open }))
}

/// A line of a cart with what the cart itself says.
struct Row {
    version: i64,
    left_out: Json<Vec<LeftOut>>,
    product_id: Option<ProductId>,
    quantity: Option<Quantity>,
    price_amount: Option<i64>,
    price_currency: Option<String>,
}

fn contents(rows: impl Iterator<Item = Row>) -> Option<Contents> {
    let mut contents: Option<Contents> = None;
    for row in rows {
        let cart = contents.get_or_insert_with(|| Contents {
            version: row.version,
            left_out: row.left_out.0,
            lines: Vec::new(),
        });
        if let (Some(product_id), Some(quantity)) = (row.product_id, row.quantity) {
            let price_when_added =
                row.price_amount.zip(row.price_currency).and_then(|(amount, code)| money(amount, &code));
            cart.lines.push(HeldItem { item: Item { product_id, quantity }, price_when_added });
        }
    }
    contents
}

/// What a cart holds, at one moment; none if there is no such cart.
#[query]
pub async fn read(db: impl PgExecutor<'_>, owner: CartOwner) -> sqlx::Result<Option<Contents>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT carts.version, carts.left_out AS "left_out: Json<Vec<LeftOut>>", line.product_id AS "product_id?: ProductId",
                  line.quantity AS "quantity?: Quantity", line.price_amount AS "price_amount?", line.price_currency AS "price_currency?"
           FROM carts LEFT JOIN cart_lines AS line USING (user_id)
           WHERE carts.user_id = $1 ORDER BY line.product_id"#,
        owner.as_uuid(),
    )
    .fetch_all(db)
    .await?;
    Ok(contents(rows.into_iter()))
}

/// A user's cart when it is about to be ordered, and what stands against that.
#[derive(Clone, Debug, Default)]
pub struct ToOrder {
    /// What it holds.
    pub contents: Contents,
    /// Whether there is a checkout under this key already.
    pub known: bool,
    /// The order that the user's checkout on its way will make; there is at most one at a time.
    pub on_its_way: Option<OrderId>,
}

/// What a user's cart holds, and the user's checkouts that matter for another one under this key, at one moment.
#[query]
pub async fn to_order(db: impl PgExecutor<'_>, user: UserId, key: &IdempotencyKey) -> sqlx::Result<ToOrder> {
    let rows = sqlx::query!(
        r#"SELECT carts.version, carts.left_out AS "left_out: Json<Vec<LeftOut>>", line.product_id AS "product_id?: ProductId",
                  line.quantity AS "quantity?: Quantity", line.price_amount AS "price_amount?", line.price_currency AS "price_currency?",
                  EXISTS (SELECT FROM checkouts WHERE user_id = $1 AND idempotency_key = $2) AS "known!",
                  (SELECT order_id FROM checkouts
                   WHERE user_id = $1 AND state NOT IN ('DONE', 'REFUSED')) AS "on_its_way: OrderId"
           FROM carts LEFT JOIN cart_lines AS line USING (user_id)
           WHERE carts.user_id = $1 ORDER BY line.product_id"#,
        user.as_uuid(),
        key.as_str(),
    )
    .fetch_all(db)
    .await?;
    let Some(first) = rows.first() else { return Ok(ToOrder::default()) };
    let (known, on_its_way) = (first.known, first.on_its_way);
    let rows = rows.into_iter().map(|row| Row {
        version: row.version,
        left_out: row.left_out,
        product_id: row.product_id,
        quantity: row.quantity,
        price_amount: row.price_amount,
        price_currency: row.price_currency,
    });
    Ok(ToOrder { contents: contents(rows).unwrap_or_default(), known, on_its_way })
}

/// A price in a currency that the shop no longer knows is only not told.
fn money(amount: i64, currency: &str) -> Option<Money> {
    let rub = Currency::Rub;
    (currency == rub.code()).then(|| Money::new(amount, rub))
}

/// Which products are in a cart.
#[query]
pub async fn products(db: impl PgExecutor<'_>, owner: CartOwner) -> sqlx::Result<Vec<ProductId>> {
    sqlx::query_scalar!(
        r#"SELECT product_id AS "product_id: ProductId" FROM cart_lines WHERE user_id = $1"#,
        owner.as_uuid(),
    )
    .fetch_all(db)
    .await
}

/// How many pieces of a product are in a cart.
#[query]
pub async fn quantity(db: impl PgExecutor<'_>, owner: CartOwner, product: ProductId) -> sqlx::Result<Option<Quantity>> {
    sqlx::query_scalar!(
        r#"SELECT quantity AS "quantity: Quantity" FROM cart_lines WHERE user_id = $1 AND product_id = $2"#,
        owner.as_uuid(),
        product.get(),
    )
    .fetch_optional(db)
    .await
}

/// What the catalog offers of a product.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// The price of a piece.
    pub price: Money,
    /// The pieces there are.
    pub stock: i64,
}

/// Puts more pieces of a product into a cart of this version; how many there are then, or none if there would be more than the
/// stock or more than a cart can hold.
#[query]
pub async fn add(
    db: &mut PgConnection,
    owner: CartOwner,
    version: i64,
    item: Item,
    offer: Offer,
) -> sqlx::Result<Option<Quantity>> {
    sqlx::query_scalar!(
        r#"INSERT INTO cart_lines (user_id, product_id, quantity, since, price_amount, price_currency)
           SELECT $1, $2, $3::integer, $4, $8, $9
           WHERE $3::integer <= $5::bigint AND (EXISTS (SELECT FROM cart_lines WHERE user_id = $1 AND product_id = $2)
                               OR (SELECT count(*) FROM cart_lines WHERE user_id = $1) < $6::bigint)
           ON CONFLICT (user_id, product_id) DO UPDATE
               SET quantity = cart_lines.quantity + EXCLUDED.quantity,
                   price_amount = EXCLUDED.price_amount, price_currency = EXCLUDED.price_currency
           WHERE cart_lines.quantity + EXCLUDED.quantity <= LEAST($5::bigint, $7::bigint)
           RETURNING quantity AS "quantity: Quantity""#,
        owner.as_uuid(),
        item.product_id.get(),
        item.quantity.get(),
        version,
        offer.stock,
        MAX_LINES,
        i64::from(Quantity::MAX),
        offer.price.amount,
        offer.price.currency.code(),
    )
    .fetch_optional(db)
    .await
}

/// Makes it so many pieces of a product in a cart that is still at the version `seen` (zero: there is none yet), and makes its next version; none
/// if the cart has another version by now, or was merged. Everything that the guards of [`add`] and [`set`] ask for is known of that version.
#[query]
pub async fn put_line(
    db: &mut PgConnection,
    owner: CartOwner,
    seen: i64,
    item: Item,
    price: Money,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "WITH changed AS (
             UPDATE carts SET version = version + 1, updated_at = now()
             WHERE user_id = $1 AND version = $3 AND merged_into IS NULL
             RETURNING version
         ),
         made AS (INSERT INTO carts (user_id, anonymous) SELECT $1, $2 WHERE $3 = 0 ON CONFLICT DO NOTHING RETURNING version),
         cart AS (SELECT version FROM changed UNION ALL SELECT version FROM made)
         INSERT INTO cart_lines (user_id, product_id, quantity, since, price_amount, price_currency)
         SELECT $1, $4, $5, version, $6, $7 FROM cart
         ON CONFLICT (user_id, product_id) DO UPDATE
             SET quantity = EXCLUDED.quantity, price_amount = EXCLUDED.price_amount, price_currency = EXCLUDED.price_currency
         RETURNING $3::bigint + 1",
        owner.as_uuid(),
        owner.is_anonymous(),
        seen,
        item.product_id.get(),
        item.quantity.get(),
        price.amount,
        price.currency.code(),
    )
    .fetch_optional(db)
    .await
    .map(Option::flatten)
}

/// Makes it so many pieces of a product in a cart of this version; false if there are more than the stock or the cart can't hold
/// another product.
#[query]
pub async fn set(
    db: &mut PgConnection,
    owner: CartOwner,
    version: i64,
    item: Item,
    offer: Offer,
) -> sqlx::Result<bool> {
    let result = sqlx::query!(
        "INSERT INTO cart_lines (user_id, product_id, quantity, since, price_amount, price_currency)
         SELECT $1, $2, $3::integer, $4, $7, $8
         WHERE $3::integer <= $5::bigint AND (EXISTS (SELECT FROM cart_lines WHERE user_id = $1 AND product_id = $2)
                             OR (SELECT count(*) FROM cart_lines WHERE user_id = $1) < $6::bigint)
         ON CONFLICT (user_id, product_id) DO UPDATE
             SET quantity = EXCLUDED.quantity,
                 price_amount = EXCLUDED.price_amount, price_currency = EXCLUDED.price_currency",
        owner.as_uuid(),
        item.product_id.get(),
        item.quantity.get(),
        version,
        offer.stock,
        MAX_LINES,
        offer.price.amount,
        offer.price.currency.code(),
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() > 0)
}

/// Takes a product out of a cart; false if it was not in it.
#[query]
pub async fn remove(db: &mut PgConnection, owner: CartOwner, product: ProductId) -> sqlx::Result<bool> {
    let result =
        sqlx::query!("DELETE FROM cart_lines WHERE user_id = $1 AND product_id = $2", owner.as_uuid(), product.get(),)
            .execute(db)
            .await?;
    Ok(result.rows_affected() > 0)
}

/// Takes everything out of a cart; false if nothing was in it.
#[query]
pub async fn clear(db: &mut PgConnection, owner: CartOwner) -> sqlx::Result<bool> {
    let result = sqlx::query!("DELETE FROM cart_lines WHERE user_id = $1", owner.as_uuid()).execute(db).await?;
    Ok(result.rows_affected() > 0)
}

/// Notes what of merged carts found no place.
#[query]
pub async fn note_left_out(db: &mut PgConnection, owner: CartOwner, left_out: &[LeftOut]) -> sqlx::Result<()> {
    sqlx::query!("UPDATE carts SET left_out = $2 WHERE user_id = $1", owner.as_uuid(), Json(left_out) as _)
        .execute(db)
        .await?;
    Ok(())
}

/// Tells no more of what found no place; false if nothing was told.
#[query]
pub async fn dismiss_left_out(db: &mut PgConnection, owner: CartOwner) -> sqlx::Result<bool> {
    let result =
        sqlx::query!("UPDATE carts SET left_out = '[]' WHERE user_id = $1 AND left_out <> '[]'", owner.as_uuid())
            .execute(db)
            .await?;
    Ok(result.rows_affected() > 0)
}

/// Makes it these lines, with these quantities, in a cart of this version; lines that are new keep the price that they come with.
#[query]
pub async fn put_lines(db: &mut PgConnection, owner: CartOwner, version: i64, lines: &[HeldItem]) -> sqlx::Result<()> {
    let products: Vec<i64> = lines.iter().map(|held| held.item.product_id.get()).collect();
    let quantities: Vec<i32> = lines.iter().map(|held| held.item.quantity.get()).collect();
    let amounts: Vec<Option<i64>> = lines.iter().map(|held| Some(held.price_when_added?.amount)).collect();
    let currencies: Vec<Option<String>> =
        lines.iter().map(|held| Some(held.price_when_added?.currency.code().to_owned())).collect();
    sqlx::query!(
        "INSERT INTO cart_lines (user_id, product_id, quantity, since, price_amount, price_currency)
         SELECT $1, line.product_id, line.quantity, $2, line.amount, line.currency
         FROM UNNEST($3::bigint[], $4::integer[], $5::bigint[], $6::text[]) AS line (product_id, quantity, amount, currency)
         ON CONFLICT (user_id, product_id) DO UPDATE SET quantity = EXCLUDED.quantity",
        owner.as_uuid(),
        version,
        &products,
        &quantities,
        &amounts as &[Option<i64>],
        &currencies as &[Option<String>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps an anonymous cart as it is until the transaction ends; false if there is none or it was merged.
#[query]
pub async fn lock_open(db: &mut PgConnection, cart: AnonymousId) -> sqlx::Result<bool> {
    let locked = sqlx::query_scalar!(
        r#"SELECT 1 AS "one!" FROM carts WHERE user_id = $1 AND anonymous AND merged_into IS NULL FOR UPDATE"#,
        CartOwner::from(cart).as_uuid(),
    );
    Ok(locked.fetch_optional(db).await?.is_some())
}

/// Ends an anonymous cart: its lines are in the user's now, and what comes late for it is told so.
#[query]
pub async fn mark_merged(db: &mut PgConnection, cart: AnonymousId, into: CartOwner) -> sqlx::Result<()> {
    let cart = CartOwner::from(cart);
    clear(&mut *db, cart).await?;
    sqlx::query!(
        "UPDATE carts SET merged_into = $2, version = version + 1, updated_at = now() WHERE user_id = $1",
        cart.as_uuid(),
        into.as_uuid(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How long carts are kept without a change.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// Those of users.
    pub users: Duration,
    /// Those of cookies.
    pub anonymous: Duration,
}

/// Up to `limit` carts that nobody has changed for so long, and that are not being ordered.
#[query]
pub async fn outdated(db: impl PgExecutor<'_>, kept: Kept, limit: i64) -> sqlx::Result<Vec<CartOwner>> {
    let rows = sqlx::query!(
        "(SELECT user_id, anonymous FROM carts WHERE anonymous AND updated_at < now() - $1::interval ORDER BY updated_at LIMIT $3)
         UNION ALL
         (SELECT user_id, anonymous FROM carts
          WHERE NOT anonymous AND updated_at < now() - $2::interval AND NOT EXISTS (
              SELECT FROM checkouts AS checkout WHERE checkout.user_id = carts.user_id AND checkout.state NOT IN ('DONE', 'REFUSED'))
          ORDER BY updated_at LIMIT $3)",
        interval(kept.anonymous),
        interval(kept.users),
        limit,
    )
    .fetch_all(db)
    .await?;
    let owners = rows.into_iter().filter_map(|row| Some(CartOwner::of_row(row.user_id?, row.anonymous?)));
    Ok(owners.collect())
}

/// Deletes those of these carts that still nobody has changed for so long; how many there were. A cart that somebody is changing at this
/// moment is left alone.
#[query]
pub async fn delete_outdated(db: &mut PgConnection, owners: &[CartOwner], kept: Kept) -> sqlx::Result<u64> {
    let ids: Vec<_> = owners.iter().map(|owner| owner.as_uuid()).collect();
    let result = sqlx::query!(
        "DELETE FROM carts WHERE user_id IN (
             SELECT user_id FROM carts
             WHERE user_id = ANY($1) AND updated_at < now() - CASE WHEN anonymous THEN $2::interval ELSE $3::interval END
                 AND NOT EXISTS (
                     SELECT FROM checkouts AS checkout
                     WHERE checkout.user_id = carts.user_id AND checkout.state NOT IN ('DONE', 'REFUSED'))
             FOR UPDATE SKIP LOCKED
         )",
        &ids,
        interval(kept.anonymous),
        interval(kept.users),
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected())
}

/// Takes what was ordered out of a cart, and nothing that came in after the version that was ordered: a line that has grown keeps
/// the difference, a line that was put in anew stays whole.
#[query]
pub async fn consume(db: &mut PgConnection, owner: CartOwner, version: i64, items: &[Item]) -> sqlx::Result<()> {
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
        owner.as_uuid(),
        version,
        &products,
        &quantities,
    )
    .execute(db)
    .await?;
    Ok(())
}
