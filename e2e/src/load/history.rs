//! What one customer was told.

use std::collections::BTreeMap;
use std::time::Duration;

/// Something that a customer must never see.
#[derive(Clone, Debug)]
pub struct Failure {
    /// When, since the customer came.
    pub at: Duration,
    /// What was asked for: `POST /cart-api/cart/items`.
    pub asked: String,
    /// What came instead of an answer.
    pub came: String,
}

/// An order that the shop acknowledged.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The idempotency key that it was asked for with.
    pub key: String,
    /// Which order.
    pub order_id: String,
    /// The answer, byte for byte.
    pub bytes: String,
}

/// Everything that one customer was told.
#[derive(Debug, Default)]
pub struct History {
    /// How long each answer took.
    pub times: Vec<Duration>,
    /// Refusals that the shop declares, by the name of the problem.
    pub refusals: BTreeMap<String, usize>,
    /// Failures, in the order in which they came.
    pub failures: Vec<Failure>,
    /// Orders that were acknowledged, in their order.
    pub receipts: Vec<Receipt>,
}
