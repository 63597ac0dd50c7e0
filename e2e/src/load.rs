//! Customers who shop all at once and write down everything that the shop told them, so that it can be held to it afterwards.
//!
//! Each goes on in a closed loop over a connection of its own. Nothing is tried again behind their backs: an answer that is neither
//! what was asked for nor a refusal that the shop declares is a failure, and so is a connection that breaks. Only then a customer asks
//! again, as one does who must know, and the failure stays on the record.

mod audit;
mod customer;
mod history;
mod shelf;
mod shopping;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;
use uuid::Uuid;

use crate::shop::{ShopError, Silent, Visitor};

pub use audit::{Audit, audit};
pub use customer::Customer;
pub use history::{Failure, History, Receipt};
pub use shelf::Shelf;

/// Registrations and logins at a time: each costs the shop a good deal of work, on purpose.
const AT_THE_DOOR: usize = 8;

/// Customers who shop until they are stopped.
pub struct Load {
    over: Arc<AtomicBool>,
    customers: Vec<tokio::task::JoinHandle<(Customer, History)>>,
}

impl Load {
    /// Lets the customers in.
    pub fn start(customers: Vec<Customer>, shelf: &Shelf) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let shop = |customer: Customer| {
            let (over, shelf) = (Arc::clone(&over), shelf.clone());
            tokio::spawn(async move { customer.shop_until(&over, &shelf).await })
        };
        Self { customers: customers.into_iter().map(shop).collect(), over }
    }

    /// Lets everyone finish what they are at, and takes their notes.
    pub async fn stop(self) -> Result<(Vec<Customer>, Vec<History>), ShopError> {
        self.over.store(true, Ordering::SeqCst);
        let (mut customers, mut histories) = (Vec::new(), Vec::new());
        for customer in self.customers {
            let (customer, history) =
                customer.await.map_err(|error| ShopError::NotSeen(format!("a customer gave up: {error}")))?;
            customers.push(customer);
            histories.push(history);
        }
        Ok((customers, histories))
    }
}

/// So many new customers, registered and logged in.
pub async fn crowd(url: &str, count: usize) -> Result<Vec<Customer>, ShopError> {
    use futures::{StreamExt as _, TryStreamExt as _};
    let arriving = (0..count).map(|_| arrive(url.to_owned()));
    futures::stream::iter(arriving).buffer_unordered(AT_THE_DOOR).try_collect().await
}

/// Somebody new.
async fn arrive(url: String) -> Result<Customer, ShopError> {
    let unreachable = |source| ShopError::Unreachable { method: reqwest::Method::GET, path: String::new(), source };
    let mut visitor = Visitor::new(&url, Silent).map_err(unreachable)?;
    let name = format!("guest-{}", &Uuid::new_v4().simple().to_string()[..16]);
    let password = Uuid::new_v4().to_string();
    let account = json!({"username": name, "password": password, "full_name": "One of Many"});
    visitor.post("/user-api/users/register", &account, StatusCode::CREATED).await?;
    let answer = visitor.post_form("/user-api/token", &[("username", &name), ("password", &password)]).await?;
    Customer::new(&url, answer.text_at("/access_token")?).map_err(unreachable)
}

/// The administrator of the demo, whom nobody hears.
pub async fn administrator(url: &str) -> Result<Visitor<Silent>, ShopError> {
    let unreachable = |source| ShopError::Unreachable { method: reqwest::Method::GET, path: String::new(), source };
    let mut visitor = Visitor::new(url, Silent).map_err(unreachable)?;
    let answer = visitor.post_form("/user-api/token", &[("username", "admin"), ("password", "admin123")]).await?;
    let token = answer.text_at("/access_token")?.to_owned();
    visitor.token(&token);
    Ok(visitor)
}

/// What many customers saw, in one sentence.
pub fn summary(histories: &[History], lasted: Duration) -> String {
    let mut times: Vec<Duration> = histories.iter().flat_map(|history| history.times.iter().copied()).collect();
    times.sort();
    let at = |share: usize| times.get((times.len() * share / 1000).min(times.len().saturating_sub(1))).copied();
    let milliseconds = |share| at(share).unwrap_or_default().as_secs_f64() * 1e3;
    let orders: usize = histories.iter().map(|history| history.receipts.len()).sum();
    let failed: usize = histories.iter().map(|history| history.failures.len()).sum();
    let mut refusals = std::collections::BTreeMap::<&str, usize>::new();
    for (slug, count) in histories.iter().flat_map(|history| &history.refusals) {
        *refusals.entry(slug).or_default() += count;
    }
    format!(
        "{} customers, {:.0} s: {} answers, {orders} orders, {failed} failed, refused as declared {refusals:?}; \
         p50 {:.1} ms, p99 {:.1} ms, slowest {:.0} ms",
        histories.len(),
        lasted.as_secs_f64(),
        times.len(),
        milliseconds(500),
        milliseconds(990),
        milliseconds(1000),
    )
}

/// A clock that every note of a load is on.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// From now on.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Since then.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
