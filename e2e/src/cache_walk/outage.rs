//! Redis stops in the middle: answers go on, slower, and right.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::shop::{Narrator, ShopError};

use super::Walk;

/// Visitors who go on asking.
const VISITORS: usize = 8;
/// How long they go on without Redis.
const WITHOUT: Duration = Duration::from_secs(5);

/// What the visitors saw.
#[derive(Debug, Default)]
struct Seen {
    answers: usize,
    failures: Vec<String>,
    slowest: Duration,
}

pub(super) async fn show<N: Narrator>(walk: &mut Walk<N>) -> Result<(), ShopError> {
    walk.admin.narrator.step("Redis stops while visitors go on asking");
    let over = Arc::new(AtomicBool::new(false));
    let visitors: Vec<_> = (0..VISITORS).map(|_| tokio::spawn(visit(walk.url.clone(), Arc::clone(&over)))).collect();
    walk.cluster.pause(true).await?;
    let outcome = without_redis(walk).await;
    walk.cluster.run_redis(true).await?;
    walk.cluster.pause(false).await?;
    walk.admin.narrator.note("Redis is back");
    over.store(true, Ordering::SeqCst);
    let mut seen = Seen::default();
    for visitor in visitors {
        if let Ok(one) = visitor.await {
            seen.answers += one.answers;
            seen.failures.extend(one.failures);
            seen.slowest = seen.slowest.max(one.slowest);
        }
    }
    outcome?;
    let slowest = seen.slowest.as_secs_f64() * 1e3;
    let failed = seen.failures.len();
    walk.admin.narrator.note(&format!("{} answers, {failed} failed, the slowest took {slowest:.0} ms", seen.answers));
    match seen.failures.first() {
        None => Ok(()),
        Some(first) => Err(ShopError::NotSeen(format!("{failed} answers failed, the first: {first}"))),
    }
}

/// A change is seen at once without Redis too.
async fn without_redis<N: Narrator>(walk: &mut Walk<N>) -> Result<(), ShopError> {
    walk.cluster.run_redis(false).await?;
    walk.admin.narrator.note("Redis is gone");
    let until = Instant::now() + WITHOUT;
    walk.admin.get("/api/products/5").await?;
    let mut quantity = 1;
    while Instant::now() < until {
        let line = json!({"quantity": quantity});
        let mut quiet = walk.customer()?;
        quiet.put("/cart-api/cart/items/5", &line).await?;
        let cart = quiet.get("/api/cart").await?;
        if cart.integer_at("/lines/0/quantity")? != quantity {
            return Err(ShopError::NotSeen(format!("the cart does not show what was just written: {}", cart.text)));
        }
        quantity = quantity % 9 + 1;
    }
    walk.admin.narrator.note("every cart was read as it had just been written");
    Ok(())
}

async fn visit(url: String, over: Arc<AtomicBool>) -> Seen {
    let (http, mut seen, mut product) = (reqwest::Client::new(), Seen::default(), 1);
    while !over.load(Ordering::SeqCst) {
        let began = Instant::now();
        product = product % 50 + 1;
        match http.get(format!("{url}/api/products/{product}")).send().await {
            Ok(answer) if answer.status().is_success() => seen.answers += 1,
            Ok(answer) => seen.failures.push(answer.status().to_string()),
            Err(error) => seen.failures.push(error.to_string()),
        }
        seen.slowest = seen.slowest.max(began.elapsed());
    }
    seen
}
