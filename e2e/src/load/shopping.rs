//! How a customer shops: looks around, fills a cart, buys, and notices when the shop contradicts itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::seq::IndexedRandom as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::customer::{ASKS_AGAIN, Customer, PATIENCE, parsed};
use super::history::{History, Receipt};
use super::shelf::{Shelf, pieces};

/// A customer looks at what came before asking for more.
const THINKS: Duration = Duration::from_millis(15);

/// A new checkout of one customer not sooner than this after the last, so that the shop's limit of checkouts is never met.
const BETWEEN_CHECKOUTS: Duration = Duration::from_millis(1_500);

impl Customer {
    /// Shops until it is over, and then still finds out how the last request ended.
    pub(super) async fn shop_until(mut self, closed: &AtomicBool, goods: &Shelf) -> (Self, History) {
        let (products, mut history) = (goods.products(), History::default());
        self.came = Instant::now();
        while !closed.load(Ordering::SeqCst) {
            let product = products.choose(&mut rand::rng()).copied().unwrap_or(1);
            match rand::random_range(0..16) {
                0..=3 => self.look(&format!("/api/products/{product}"), &mut history).await,
                4 | 5 => self.look("/api/products?category=fruit&limit=10", &mut history).await,
                6 => self.look("/api/products?q=apple&limit=10", &mut history).await,
                7 => self.look("/api/bestsellers", &mut history).await,
                8..=10 => self.add(product, &mut history).await,
                11 | 12 => self.read_cart(&mut history).await,
                13 | 14 => self.read_orders(&mut history).await,
                _ => self.buy(&mut history).await,
            }
            tokio::time::sleep(THINKS).await;
        }
        (self, history)
    }

    async fn look(&self, path: &str, history: &mut History) {
        self.ask(Method::GET, path, None, None, history).await.ok();
    }

    /// One piece more of a product; refused only when there is not that much of it.
    async fn add(&mut self, product: i64, history: &mut History) {
        let (path, key) = ("/cart-api/cart/items", Uuid::new_v4().to_string());
        let body = json!({"product_id": product, "quantity": 1});
        let added = self.find_out(path, &key, Some(&body), &["out-of-stock"], history).await;
        if let Some((StatusCode::OK, text)) = added {
            *self.cart.entry(product).or_default() += 1;
            let told = parsed(&text).pointer("/line/quantity").and_then(Value::as_i64);
            if told != self.cart.get(&product).copied() {
                let due = format!("{:?} pieces were due: {text}", self.cart.get(&product));
                self.fail(&Method::POST, path, due, history);
            }
        }
    }

    /// The cart holds what was put into it, all of it and nothing else.
    async fn read_cart(&self, history: &mut History) {
        let path = "/cart-api/cart";
        let Ok((_, text)) = self.ask(Method::GET, path, None, None, history).await else { return };
        let held = pieces(&parsed(&text)["lines"]);
        if held != self.cart {
            self.fail(
                &Method::GET,
                path,
                format!("{:?} was put into the cart, which holds {held:?}", self.cart),
                history,
            );
        }
    }

    /// The last order that was acknowledged is the first of the list.
    async fn read_orders(&self, history: &mut History) {
        let path = "/order-api/orders?limit=5";
        let Ok((_, text)) = self.ask(Method::GET, path, None, None, history).await else { return };
        let first = parsed(&text).pointer("/items/0/id").and_then(Value::as_str).map(str::to_owned);
        if first != self.last_order {
            self.fail(&Method::GET, path, format!("{:?} was ordered last: {text}", self.last_order), history);
        }
    }

    /// Orders what is in the cart.
    async fn buy(&mut self, history: &mut History) {
        if self.cart.is_empty() || self.ordered_at.is_some_and(|at| at.elapsed() < BETWEEN_CHECKOUTS) {
            return;
        }
        self.ordered_at = Some(Instant::now());
        let (path, key) = ("/cart-api/cart/checkout", Uuid::new_v4().to_string());
        match self.find_out(path, &key, None, &["out-of-stock"], history).await {
            Some((StatusCode::CREATED, bytes)) => self.ordered(key, bytes, history),
            // Somebody was faster: the short lines are taken out, as a customer does who is told of them.
            Some((StatusCode::CONFLICT, text)) => {
                for line in parsed(&text)["lines"].as_array().into_iter().flatten() {
                    self.remove(line["product_id"].as_i64().unwrap_or_default(), history).await;
                }
            }
            Some(_) | None => {}
        }
    }

    fn ordered(&mut self, key: String, bytes: String, history: &mut History) {
        let receipt = parsed(&bytes);
        let order_id = receipt["order_id"].as_str().unwrap_or_default().to_owned();
        let bought = pieces(&receipt["lines"]);
        if bought != self.cart {
            let wrong = format!("the cart held {:?}, and {bought:?} was ordered", self.cart);
            self.fail(&Method::POST, "/cart-api/cart/checkout", wrong, history);
        }
        self.cart.clear();
        self.last_order = Some(order_id.clone());
        history.receipts.push(Receipt { key, order_id, bytes });
    }

    async fn remove(&mut self, product: i64, history: &mut History) {
        let path = format!("/cart-api/cart/items/{product}");
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if self.ask(Method::DELETE, &path, None, None, history).await.is_ok() {
                self.cart.remove(&product);
                return;
            }
            tokio::time::sleep(ASKS_AGAIN).await;
        }
    }
}
