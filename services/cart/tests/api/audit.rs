//! Compares what three services keep: whatever happened, they must agree once nothing is on its way any more.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::Shop;

/// Products with their pieces and the price of one.
type Lines = BTreeMap<i64, (i64, i64)>;

#[derive(sqlx::FromRow)]
struct Checkout {
    order_id: Uuid,
    user_id: Uuid,
    idempotency_key: String,
    state: String,
    cart_version: i64,
    lines: Value,
    answer_status: Option<i16>,
    answer_body: Option<Vec<u8>>,
}

#[derive(sqlx::FromRow)]
struct Row {
    order_id: Uuid,
    product_id: i64,
    quantity: i64,
    unit_price_amount: i64,
}

async fn lines(db: &PgPool, table: &'static str) -> BTreeMap<Uuid, Lines> {
    let query = match table {
        "order_lines" => "SELECT order_id, product_id, quantity::bigint, unit_price_amount FROM order_lines",
        _ => "SELECT order_id, product_id, quantity::bigint, unit_price_amount FROM reservation_lines",
    };
    let rows: Vec<Row> = sqlx::query_as(query).fetch_all(db).await.expect("the lines can be read");
    let mut all: BTreeMap<Uuid, Lines> = BTreeMap::new();
    for row in rows {
        all.entry(row.order_id).or_default().insert(row.product_id, (row.quantity, row.unit_price_amount));
    }
    all
}

/// Every piece is on the shelf or sold, once; every order has its checkout, its stock and its price; every checkout has ended; and what was
/// ordered has left the cart. `stocks` are those that products began with, where it was not a hundred.
pub(crate) async fn assert_sound(shop: &Shop, stocks: &[(i64, i64)]) {
    let checkouts: Vec<Checkout> = sqlx::query_as(
        "SELECT order_id, user_id, idempotency_key, state, cart_version, lines, answer_status, answer_body FROM checkouts",
    )
    .fetch_all(shop.db.pool())
    .await
    .expect("the checkouts can be read");
    let orders: Vec<(Uuid, Uuid, i64)> = sqlx::query_as("SELECT id, user_id, total_amount FROM orders")
        .fetch_all(&shop.orders)
        .await
        .expect("the orders can be read");
    let reservations: Vec<(Uuid, String)> = sqlx::query_as("SELECT order_id, state FROM reservations")
        .fetch_all(&shop.catalog)
        .await
        .expect("the reservations can be read");
    let orders: BTreeMap<_, _> = orders.into_iter().map(|(id, user, total)| (id, (user, total))).collect();
    let reservations: BTreeMap<_, _> = reservations.into_iter().collect();
    let ordered = lines(&shop.orders, "order_lines").await;
    let reserved = lines(&shop.catalog, "reservation_lines").await;

    for checkout in &checkouts {
        let (id, key) = (checkout.order_id, &checkout.idempotency_key);
        let answer: Value = checkout
            .answer_body
            .as_deref()
            .map_or(Value::Null, |body| serde_json::from_slice(body).expect("an answer is JSON"));
        let reservation = reservations.get(&id).map(String::as_str);
        match checkout.state.as_str() {
            "DONE" => {
                let (user, total) = orders.get(&id).unwrap_or_else(|| panic!("{key} is done and has no order"));
                assert_eq!(*user, checkout.user_id, "{key}: whose order it is");
                assert_eq!(reservation, Some("committed"), "{key}: the stock is sold");
                let wanted: BTreeMap<_, _> = checkout
                    .lines
                    .as_array()
                    .expect("lines are a list")
                    .iter()
                    .map(|line| {
                        (line["product_id"].as_i64().expect("a product"), line["quantity"].as_i64().expect("pieces"))
                    })
                    .collect();
                let got: BTreeMap<_, _> =
                    ordered[&id].iter().map(|(product, (pieces, _))| (*product, *pieces)).collect();
                assert_eq!(got, wanted, "{key}: what was in the cart is in the order");
                assert_eq!(ordered[&id], reserved[&id], "{key}: at the prices of the reservation");
                assert_eq!(
                    *total,
                    ordered[&id].values().map(|(pieces, price)| pieces * price).sum::<i64>(),
                    "{key}: it adds up"
                );
                assert_eq!(checkout.answer_status, Some(201));
                assert_eq!(answer["order_id"], id.to_string());
                assert_eq!(answer["total"]["amount"], *total, "{key}: the customer was told so");
            }
            "REFUSED" => {
                assert!(!orders.contains_key(&id), "{key} was refused and has an order");
                assert!(
                    matches!(reservation, None | Some("released")),
                    "{key} was refused and its stock is {reservation:?}"
                );
                assert!(checkout.answer_status.is_some_and(|status| status >= 400), "{key}");
            }
            state => panic!("{key} is still {state}"),
        }
    }
    let done = |id: &Uuid| checkouts.iter().any(|checkout| checkout.order_id == *id && checkout.state == "DONE");
    assert!(orders.keys().all(done), "every order has a checkout");
    let sold = |state: &str| state != "released";
    assert!(reservations.iter().all(|(id, state)| !sold(state) || done(id)), "no stock is held for nobody");

    let shelf: Vec<(i64, i64)> = sqlx::query_as("SELECT id, stock::bigint FROM products")
        .fetch_all(&shop.catalog)
        .await
        .expect("the stock can be read");
    for (product, stock) in shelf {
        let taken: i64 = reserved
            .iter()
            .filter(|(id, _)| reservations.get(id).is_some_and(|state| sold(state)))
            .filter_map(|(_, lines)| lines.get(&product).map(|(pieces, _)| pieces))
            .sum();
        let began = stocks.iter().find(|(id, _)| *id == product).map_or(100, |(_, stock)| *stock);
        assert!(stock >= 0, "product {product} was oversold");
        assert_eq!(stock + taken, began, "pieces of product {product}");
    }

    let held: Vec<(Uuid, i64, i64)> = sqlx::query_as("SELECT user_id, product_id, since FROM cart_lines")
        .fetch_all(shop.db.pool())
        .await
        .expect("the carts can be read");
    for (user, product, since) in held {
        let ordered_before = checkouts
            .iter()
            .any(|checkout| checkout.user_id == user && checkout.state == "DONE" && since <= checkout.cart_version);
        assert!(!ordered_before, "product {product} was ordered and is still in the cart");
    }
}
