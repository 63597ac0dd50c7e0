//! The walk of a customer: the quick tests of both older systems, in one.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::shop::{Answer, Narrator, ShopError, Visitor};

/// How long an order may take to be delivered: twice the sample Store's `deliveredAfter`, and some for a busy machine.
const DELIVERY_LIMIT: Duration = Duration::from_secs(90);
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// What the walk left behind, for a test to look at.
#[derive(Debug)]
pub struct Travelled {
    /// The name that was registered.
    pub username: String,
    /// The order that was delivered.
    pub order_id: String,
    /// The states in which the order was seen, in order, each once.
    pub seen: Vec<String>,
    /// The order as it was read last.
    pub order: Value,
    /// The profile that was read last.
    pub profile: Value,
}

/// Registers, logs in, browses, fills a cart, checks out, watches the order until it is delivered and reads the profile.
pub async fn walk<N: Narrator>(visitor: &mut Visitor<N>) -> Result<Travelled, ShopError> {
    let username = register_and_log_in(visitor).await?;
    let products = browse(visitor).await?;
    fill_cart(visitor, &products).await?;
    let order_id = check_out(visitor).await?;
    let (seen, order) = watch(visitor, &order_id).await?;
    visitor.narrator.step("The profile joins cart and orders");
    let profile = visitor.get("/user-api/users/me/profile").await?.body;
    Ok(Travelled { username, order_id, seen, order, profile })
}

async fn register_and_log_in<N: Narrator>(visitor: &mut Visitor<N>) -> Result<String, ShopError> {
    let username = format!("guest-{}", &Uuid::new_v4().simple().to_string()[..12]);
    let password = Uuid::new_v4().to_string();
    visitor.narrator.step("Register");
    let account = json!({"username": username, "password": password, "full_name": "A Guest"});
    visitor.post("/user-api/users/register", &account, StatusCode::CREATED).await?;
    visitor.narrator.step("Log in");
    let token = visitor.post_form("/user-api/token", &[("username", &username), ("password", &password)]).await?;
    visitor.token(token.text_at("/access_token")?);
    Ok(username)
}

async fn browse<N: Narrator>(visitor: &mut Visitor<N>) -> Result<Vec<i64>, ShopError> {
    visitor.narrator.step("Which categories are there?");
    let categories = visitor.get("/api/products/categories/list").await?;
    let category = categories.text_at("/categories/0/slug")?.to_owned();
    visitor.narrator.step("Browse the first, two pages of it");
    let first = visitor.get(&format!("/api/products?category={category}&limit=3")).await?;
    let cursor = first.text_at("/next_cursor")?;
    let second = visitor.get(&format!("/api/products?category={category}&limit=3&cursor={cursor}")).await?;
    let products = product_ids(&first)?.into_iter().chain(product_ids(&second)?).collect::<Vec<_>>();
    if let Some(id) = products.first() {
        visitor.get(&format!("/api/products/{id}")).await?;
    }
    Ok(products)
}

fn product_ids(page: &Answer) -> Result<Vec<i64>, ShopError> {
    (0..page.list_at("/items")?.len()).map(|index| page.integer_at(&format!("/items/{index}/id"))).collect()
}

async fn fill_cart<N: Narrator>(visitor: &mut Visitor<N>, products: &[i64]) -> Result<(), ShopError> {
    visitor.narrator.step("Put two products into the cart");
    for product in products.iter().take(2) {
        let line = json!({"product_id": product, "quantity": 2});
        visitor.post("/cart-api/cart/items", &line, StatusCode::OK).await?;
    }
    visitor.get("/cart-api/cart").await?;
    Ok(())
}

async fn check_out<N: Narrator>(visitor: &mut Visitor<N>) -> Result<String, ShopError> {
    let key = Uuid::new_v4().to_string();
    visitor.narrator.step("Check out");
    let receipt = visitor.post_once("/cart-api/cart/checkout", &key, StatusCode::CREATED).await?;
    visitor.narrator.step("Check out again under the same key, as a client does that heard no answer");
    let again = visitor.post_once("/cart-api/cart/checkout", &key, StatusCode::CREATED).await?;
    let order_id = receipt.text_at("/order_id")?.to_owned();
    if again.text == receipt.text {
        visitor.narrator.note("the same bytes: one order, however often it is asked for");
        Ok(order_id)
    } else {
        Err(ShopError::Missing { path: again.path, field: "equal to the first receipt".to_owned(), body: again.body })
    }
}

async fn watch<N: Narrator>(visitor: &mut Visitor<N>, order_id: &str) -> Result<(Vec<String>, Value), ShopError> {
    visitor.narrator.step("Watch the order on its way");
    let path = format!("/order-api/orders/{order_id}");
    let began = Instant::now();
    let mut seen: Vec<String> = Vec::new();
    loop {
        let order = visitor.get(&path).await?;
        let status = order.text_at("/status")?.to_owned();
        if seen.last() != Some(&status) {
            visitor.narrator.note(&format!("{:>5.1} s  {status}", began.elapsed().as_secs_f64()));
            seen.push(status.clone());
        }
        if status == "DELIVERED" {
            return Ok((seen, order.body));
        }
        if began.elapsed() > DELIVERY_LIMIT {
            return Err(ShopError::Late { order_id: order_id.to_owned(), status, waited: began.elapsed() });
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}
