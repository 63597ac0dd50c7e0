//! The shop held to what it said: orders, stock and carts against the notes of every customer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::customer::{Customer, parsed};
use super::history::{History, Receipt};
use super::shelf::{Shelf, pieces};
use crate::shop::ShopError;

/// Stock that is shown may be a moment old.
const SHOWN_WITHIN: Duration = Duration::from_secs(20);

/// So many receipts of each customer are asked for again.
const ASKED_AGAIN: usize = 3;

/// What was found out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Audit {
    /// Orders that were looked at.
    pub orders: usize,
    /// Pieces that were sold in them.
    pub pieces: i64,
}

/// Holds the shop to what it told these customers, who bought from this shelf alone:
///
/// - every order that was acknowledged exists once, with the lines and the total of its receipt, and there is no other;
/// - a retry of a checkout gets the same bytes;
/// - the total is the sum of the lines;
/// - the history is a way through the machine of states;
/// - what was there at first is sold or still there, piece by piece;
/// - the carts hold what was put into them;
/// - no checkout stays pending: everybody can check out again.
pub async fn audit(customers: &[Customer], histories: &[History], shelf: &Shelf) -> Result<Audit, ShopError> {
    let looks = customers.iter().zip(histories).map(|(customer, history)| orders_of(customer, history));
    let mut sold = BTreeMap::<i64, i64>::new();
    let mut found = Audit::default();
    for (orders, bought) in try_join_all(looks).await? {
        found.orders += orders;
        for (product, quantity) in bought {
            *sold.entry(product).or_default() += quantity;
        }
    }
    found.pieces = sold.values().sum();
    stock_adds_up(customers, shelf, &sold).await?;
    try_join_all(customers.iter().map(cart_is_as_told)).await?;
    let plenty = shelf.stock.iter().max_by_key(|(_, pieces)| **pieces).map_or(1, |(product, _)| *product);
    try_join_all(customers.iter().map(|customer| checks_out_again(customer, plenty))).await?;
    Ok(found)
}

/// The customer's orders are those that were acknowledged; how many they are, and what was bought in them.
async fn orders_of(customer: &Customer, history: &History) -> Result<(usize, BTreeMap<i64, i64>), ShopError> {
    let mut orders = BTreeMap::new();
    let mut path = "/order-api/orders?limit=100".to_owned();
    loop {
        let page = read(customer, &path).await?;
        for order in page["items"].as_array().into_iter().flatten() {
            let id = order["id"].as_str().unwrap_or_default().to_owned();
            ensure(orders.insert(id, order.clone()).is_none(), || format!("an order is in the list twice: {order}"))?;
        }
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/order-api/orders?limit=100&cursor={cursor}");
    }
    let acknowledged: BTreeSet<&str> = history.receipts.iter().map(|receipt| receipt.order_id.as_str()).collect();
    ensure(acknowledged.len() == history.receipts.len(), || "two checkouts were told of the same order".to_owned())?;
    let there: BTreeSet<&str> = orders.keys().map(String::as_str).collect();
    ensure(there == acknowledged, || {
        let (lost, unasked) = (acknowledged.difference(&there), there.difference(&acknowledged));
        format!("lost: {:?}; never asked for: {:?}", lost.collect::<Vec<_>>(), unasked.collect::<Vec<_>>())
    })?;
    let mut bought = BTreeMap::new();
    for receipt in &history.receipts {
        let order = &orders[&receipt.order_id];
        agrees(order, receipt)?;
        for (product, quantity) in pieces(&order["lines"]) {
            *bought.entry(product).or_default() += quantity;
        }
        moved_by_the_rules(&read(customer, &format!("/order-api/orders/{}", receipt.order_id)).await?)?;
    }
    for receipt in history.receipts.iter().rev().take(ASKED_AGAIN) {
        same_bytes_again(customer, receipt).await?;
    }
    Ok((orders.len(), bought))
}

/// Order and receipt say the same, and the total is what the lines add up to.
fn agrees(order: &Value, receipt: &Receipt) -> Result<(), ShopError> {
    let told = parsed(&receipt.bytes);
    let lines = order["lines"].as_array().map(Vec::as_slice).unwrap_or_default();
    let amount = |line: &Value| Some(line["unit_price"]["amount"].as_i64()? * line["quantity"].as_i64()?);
    let sum: Option<i64> = lines.iter().map(amount).sum();
    let agrees = order["lines"] == told["lines"] && order["total"] == told["total"] && !lines.is_empty();
    ensure(agrees, || format!("order and receipt differ: {order} {told}"))?;
    ensure(sum.is_some() && sum == order["total"]["amount"].as_i64(), || format!("the lines do not add up: {order}"))
}

/// From CREATED on, step by step, forwards.
fn moved_by_the_rules(order: &Value) -> Result<(), ShopError> {
    let mut at = Value::Null;
    for step in order["history"].as_array().into_iter().flatten() {
        let legal = matches!(
            (at.as_str(), step["to"].as_str()),
            (None, Some("CREATED"))
                | (Some("CREATED"), Some("PROCESSING" | "CANCELLED"))
                | (Some("PROCESSING"), Some("SHIPPING" | "CANCELLED"))
                | (Some("SHIPPING"), Some("DELIVERED"))
        );
        ensure(legal && step["from"] == at, || format!("no way through the machine: {order}"))?;
        at = step["to"].clone();
    }
    ensure(at == order["status"], || format!("the history ends elsewhere: {order}"))
}

async fn same_bytes_again(customer: &Customer, receipt: &Receipt) -> Result<(), ShopError> {
    let path = "/cart-api/cart/checkout";
    let again = customer.find_out(path, &receipt.key, None, &[], &mut History::default()).await;
    ensure(again.as_ref().is_some_and(|(_, bytes)| *bytes == receipt.bytes), || {
        format!("asked again under the same key: {again:?} instead of {}", receipt.bytes)
    })
}

/// What is still there and what was sold are what was there.
async fn stock_adds_up(customers: &[Customer], shelf: &Shelf, sold: &BTreeMap<i64, i64>) -> Result<(), ShopError> {
    let Some(somebody) = customers.first() else { return Ok(()) };
    for (product, first) in &shelf.stock {
        let began = Instant::now();
        let due = first - sold.get(product).copied().unwrap_or_default();
        loop {
            let shown = read(somebody, &format!("/api/products/{product}")).await?["stock"].as_i64();
            ensure(shown >= Some(0), || format!("product {product} has {shown:?} pieces"))?;
            if shown == Some(due) {
                break;
            }
            ensure(began.elapsed() < SHOWN_WITHIN, || {
                format!(
                    "product {product} had {first} pieces, {:?} were sold, and {shown:?} are left",
                    sold.get(product)
                )
            })?;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    Ok(())
}

async fn cart_is_as_told(customer: &Customer) -> Result<(), ShopError> {
    let held = pieces(&read(customer, "/cart-api/cart").await?["lines"]);
    ensure(held == *customer.cart(), || format!("{:?} was put into the cart, which holds {held:?}", customer.cart()))
}

/// A checkout that hangs would be in the way of the next one.
async fn checks_out_again(customer: &Customer, product: i64) -> Result<(), ShopError> {
    let mut history = History::default();
    let mut say = async |path: &str, body: Option<&Value>| {
        customer.find_out(path, &Uuid::new_v4().to_string(), body, &["out-of-stock"], &mut history).await
    };
    // What others have bought up meanwhile would be in the way too.
    let cleared = customer.send(&Method::DELETE, "/cart-api/cart", None, None, &mut History::default()).await;
    ensure(cleared.as_ref().is_ok_and(|(status, _)| status.is_success()), || format!("the cart stays: {cleared:?}"))?;
    say("/cart-api/cart/items", Some(&json!({"product_id": product, "quantity": 1}))).await;
    let ended = say("/cart-api/cart/checkout", None).await;
    let ordered = ended.as_ref().is_some_and(|(status, _)| *status == StatusCode::CREATED);
    ensure(ordered && history.failures.is_empty(), || format!("no further order: {ended:?} {:?}", history.failures))
}

async fn read(customer: &Customer, path: &str) -> Result<Value, ShopError> {
    let came = customer.send(&Method::GET, path, None, None, &mut History::default()).await;
    match came {
        Ok((StatusCode::OK, text)) => Ok(parsed(&text)),
        came => Err(ShopError::NotSeen(format!("GET {path}: {came:?}"))),
    }
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), ShopError> {
    if holds { Ok(()) } else { Err(ShopError::NotSeen(otherwise())) }
}
