//! The cart: before the login, after it, and what it refuses.

use reqwest::{Method, StatusCode};
use serde_json::json;
use uuid::Uuid;

use super::{expect, refused};
use crate::shop::{Narrator, ShopError, Visitor};

const CART: &str = "/cart-api/cart";
const ITEMS: &str = "/cart-api/cart/items";

/// A cart that only a cookie leads to, under the addresses of both older systems.
pub(super) async fn fill_without_account<N: Narrator>(
    visitor: &mut Visitor<N>,
    products: &[i64],
) -> Result<(), ShopError> {
    visitor.narrator.step("Put things into a cart without an account: a cookie leads to it");
    visitor.post(ITEMS, &json!({"product_id": products[0], "quantity": 2}), StatusCode::OK).await?;
    visitor.post("/api/cart/add", &json!({"product_id": products[1], "quantity": 1}), StatusCode::OK).await?;
    let cart = visitor.get(CART).await?;
    expect(cart.list_at("/lines")?.len() == 2, &cart, "two lines")?;
    visitor.narrator.step("It can't be ordered like that");
    let key = Uuid::new_v4().to_string();
    let refusal = visitor.post_once("/cart-api/cart/checkout", &key, StatusCode::UNAUTHORIZED).await?;
    refused(&refusal, "unauthenticated")
}

/// After the login the lines are in the customer's cart.
pub(super) async fn merge<N: Narrator>(visitor: &mut Visitor<N>, products: &[i64]) -> Result<(), ShopError> {
    visitor.narrator.step("After the login it is the customer's, line by line");
    visitor.post("/cart-api/cart/merge", &json!({}), StatusCode::OK).await?;
    let cart = visitor.get(CART).await?;
    let lines = cart.list_at("/lines")?;
    let holds = |product: i64, quantity: i64| {
        lines.iter().any(|line| line["product_id"] == product && line["quantity"] == quantity)
    };
    expect(lines.len() == 2 && holds(products[0], 2) && holds(products[1], 1), &cart, "the lines of before")
}

/// Adds under a key, twice; sets, removes; and what a second tab gets that has not looked.
pub(super) async fn manage<N: Narrator>(visitor: &mut Visitor<N>, products: &[i64]) -> Result<(), ShopError> {
    visitor.narrator.step("Add a product, and once more under the same key, as a client does that heard no answer");
    let (key, line) = (Uuid::new_v4().to_string(), json!({"product_id": products[2], "quantity": 1}));
    let key = [("idempotency-key", key.as_str())];
    let added = visitor.ask(Method::POST, ITEMS, &key, Some(&line), StatusCode::OK).await?;
    let again = visitor.ask(Method::POST, ITEMS, &key, Some(&line), StatusCode::OK).await?;
    expect(added.text == again.text, &again, "it was added twice")?;
    visitor.narrator.step("Make it three, and take the product before it out");
    let item = |product: i64| format!("{ITEMS}/{product}");
    visitor.put(&item(products[2]), &json!({"quantity": 3})).await?;
    visitor.delete(&item(products[1]), StatusCode::NO_CONTENT).await?;
    visitor.narrator.step("Another tab that has not looked since: told so, instead of overwriting");
    let stale = added.etag.clone().unwrap_or_default();
    let quantity = json!({"quantity": 9});
    let headers = [("if-match", stale.as_str())];
    let path = item(products[2]);
    let told = visitor.ask(Method::PUT, &path, &headers, Some(&quantity), StatusCode::PRECONDITION_FAILED).await?;
    refused(&told, "precondition-failed")
}

/// More than there is, another price than expected, a field that does not exist.
pub(super) async fn refusals<N: Narrator>(visitor: &mut Visitor<N>, products: &[i64]) -> Result<(), ShopError> {
    visitor.narrator.step("More than there is of it");
    let product = visitor.get(&format!("/api/products/{}", products[3])).await?;
    let more = json!({"product_id": products[3], "quantity": product.integer_at("/stock")? + 1});
    let refusal = visitor.post(ITEMS, &more, StatusCode::CONFLICT).await?;
    refused(&refusal, "out-of-stock")?;
    visitor.narrator.step("Check out, but not for more than it cost when one looked");
    let cart = visitor.get(CART).await?;
    let total = cart.integer_at("/total/amount")?;
    let expected = json!({"expected_total": {"amount": total - 1, "currency": cart.text_at("/currency")?}});
    let key = Uuid::new_v4().to_string();
    let headers = [("idempotency-key", key.as_str())];
    let path = "/cart-api/cart/checkout";
    let refusal = visitor.ask(Method::POST, path, &headers, Some(&expected), StatusCode::CONFLICT).await?;
    refused(&refusal, "price-changed")?;
    visitor.narrator.step("A field that makes no sense is named");
    let wrong = json!({"product_id": products[0], "quantity": 0});
    let refusal = visitor.post(ITEMS, &wrong, StatusCode::UNPROCESSABLE_ENTITY).await?;
    expect(refusal.text.contains("quantity"), &refusal, "the field is not named")
}
