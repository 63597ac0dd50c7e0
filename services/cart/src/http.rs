//! The routes. Handlers read the request, ask one thing of the service and write the answer.

pub mod cart;
pub mod checkout;
pub mod health;
pub mod internal;
pub mod system_a;
pub(crate) mod visitor;

use http::{HeaderMap, HeaderName};

use crate::domain::idempotency::IdempotencyKey;
use crate::error::Error;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The key of the request, if it has one.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Error> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    // What is not ASCII is not a key either.
    Ok(Some(value.to_str().unwrap_or_default().parse::<IdempotencyKey>()?))
}
