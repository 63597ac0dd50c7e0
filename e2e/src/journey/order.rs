//! From a cart to an order, and back.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;
use uuid::Uuid;

use super::expect;
use crate::shop::{Narrator, ShopError, Visitor};

/// How soon stock must be where it belongs.
const SHOWN_WITHIN: Duration = Duration::from_secs(15);

/// Orders what is in the cart, twice under one key; the order.
pub(super) async fn check_out<N: Narrator>(visitor: &mut Visitor<N>) -> Result<String, ShopError> {
    let key = Uuid::new_v4().to_string();
    visitor.narrator.step("Check out");
    let receipt = visitor.post_once("/cart-api/cart/checkout", &key, StatusCode::CREATED).await?;
    visitor.narrator.step("Check out again under the same key, as a client does that heard no answer");
    let again = visitor.post_once("/cart-api/cart/checkout", &key, StatusCode::CREATED).await?;
    expect(again.text == receipt.text, &again, "not the same bytes")?;
    visitor.narrator.note("the same bytes: one order, however often it is asked for");
    Ok(receipt.text_at("/order_id")?.to_owned())
}

/// Another order, which is cancelled; its stock comes back.
pub(super) async fn order_and_cancel<N: Narrator>(visitor: &mut Visitor<N>, product: i64) -> Result<String, ShopError> {
    visitor.narrator.step("Order something else, and think better of it");
    let path = format!("/api/products/{product}");
    let before = visitor.get(&path).await?.integer_at("/stock")?;
    visitor.post("/cart-api/cart/items", &json!({"product_id": product, "quantity": 5}), StatusCode::OK).await?;
    let key = Uuid::new_v4().to_string();
    let receipt = visitor.post_once("/cart-api/cart/checkout", &key, StatusCode::CREATED).await?;
    let order_id = receipt.text_at("/order_id")?.to_owned();
    stock(visitor, &path, before - 5).await?;
    let cancel = format!("/order-api/orders/{order_id}/cancel");
    let cancelled = visitor.ask(Method::POST, &cancel, &[], None, StatusCode::OK).await?;
    expect(cancelled.text_at("/status")? == "CANCELLED", &cancelled, "not cancelled")?;
    stock(visitor, &path, before).await?;
    visitor.narrator.note("the stock is back");
    Ok(order_id)
}

/// Waits until a product shows this stock.
async fn stock<N: Narrator>(visitor: &mut Visitor<N>, path: &str, due: i64) -> Result<(), ShopError> {
    let began = Instant::now();
    loop {
        let shown = visitor.get(path).await?;
        if shown.integer_at("/stock")? == due {
            return Ok(());
        }
        expect(began.elapsed() < SHOWN_WITHIN, &shown, &format!("the stock should be {due}"))?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
