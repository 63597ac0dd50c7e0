//! Customers who all do the same, until they are told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::FIRST_ANSWER;
use super::operation::Operation;
use crate::load::{Customer, Shelf};
use crate::shop::ShopError;

/// How long a customer waits after a refusal: a checkout is allowed once a second when the first thirty are used up.
const PAUSE: Duration = Duration::from_millis(250);

/// How it went.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How often it was done.
    pub answers: u64,
    /// How often it was not.
    pub refused: u64,
    /// What came instead, the last time.
    pub last_refusal: String,
    /// From the first request to the last answer.
    pub lasted: Duration,
}

/// Customers at work.
pub(super) struct Drive {
    began: Instant,
    shared: Arc<Shared>,
    customers: Vec<JoinHandle<(Customer, Tally)>>,
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    numbers: AtomicU64,
    answered: Notify,
}

impl Drive {
    pub(super) fn start(operation: Operation, customers: Vec<Customer>, shelf: &Shelf) -> Self {
        let (shared, products) = (Arc::new(Shared::default()), shelf.products());
        let work = |customer: Customer| {
            let (shared, products) = (Arc::clone(&shared), products.clone());
            tokio::spawn(async move {
                let tally = repeat(operation, &customer, &products, &shared).await;
                (customer, tally)
            })
        };
        Self { began: Instant::now(), customers: customers.into_iter().map(work).collect(), shared }
    }

    /// Returns when the first answer is there, or is too long in coming.
    pub(super) async fn under_way(&self) {
        tokio::time::timeout(FIRST_ANSWER, self.shared.answered.notified()).await.ok();
    }

    /// Lets everyone finish what they are at.
    pub(super) async fn stop(self) -> Result<(Vec<Customer>, Tally), ShopError> {
        self.shared.over.store(true, Ordering::SeqCst);
        let (mut customers, mut all) = (Vec::new(), Tally::default());
        for customer in self.customers {
            let (customer, tally) =
                customer.await.map_err(|error| ShopError::NotSeen(format!("a customer gave up: {error}")))?;
            customers.push(customer);
            all.answers += tally.answers;
            all.refused += tally.refused;
            if !tally.last_refusal.is_empty() {
                all.last_refusal = tally.last_refusal;
            }
        }
        all.lasted = self.began.elapsed();
        Ok((customers, all))
    }
}

async fn repeat(operation: Operation, customer: &Customer, products: &[i64], shared: &Shared) -> Tally {
    let mut tally = Tally::default();
    while !shared.over.load(Ordering::SeqCst) {
        let number = usize::try_from(shared.numbers.fetch_add(1, Ordering::Relaxed)).unwrap_or_default();
        match operation.once(customer, products, number).await {
            Ok(()) => {
                tally.answers += 1;
                shared.answered.notify_one();
            }
            Err(came) => {
                tally.refused += 1;
                tally.last_refusal = came;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    tally
}
