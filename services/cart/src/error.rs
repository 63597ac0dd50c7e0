//! What can go wrong, and what the client is told of it.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use shop_cache::LoadError;
use shop_outbox::OutboxError;
use shop_runtime::Problem;
use shop_runtime::client::SiblingError;
use shop_runtime::conditional::{ETag, IfMatch, precondition_failed};
use shop_runtime::problem::{FieldError, Outage as _};
use shop_runtime::rate_limit::Limited;
use shop_runtime::span::Fault;
use shop_types::{OrderId, ProductId, Quantity};

use crate::domain::cart::{LineRefusal, MAX_LINES, PriceError};
use crate::domain::checkout::{Refusal, TwoPrices};
use crate::domain::expectation::{LineReason, RefusedLine};
use crate::domain::idempotency::IdempotencyKeyError;

/// Why a request to the cart was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error("the cart's database failed")]
    Database(#[from] sqlx::Error),
    /// A sibling failed.
    #[error("a sibling of the cart failed")]
    Sibling(#[from] SiblingError),
    /// The cart can't be read.
    #[error("the cart can't be read")]
    Unread(#[from] LoadError<Error>),
    /// A sibling answered what does not fit the question.
    #[error("{sibling} answered for other lines than were asked for")]
    WrongAnswer {
        /// Who.
        sibling: &'static str,
    },
    /// The prices do not add up.
    #[error(transparent)]
    Price(#[from] PriceError),
    /// The catalog does not sell this product.
    #[error("product {0} is not sold")]
    ProductNotFound(ProductId),
    /// The line cannot have that many pieces.
    #[error("the cart can't take the line: {1:?} of product {0}")]
    Line(ProductId, LineRefusal),
    /// A checkout came without a key.
    #[error("the checkout has no idempotency key")]
    KeyMissing,
    /// The key cannot be one.
    #[error(transparent)]
    Key(#[from] IdempotencyKeyError),
    /// The key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// There is nothing to order.
    #[error("the cart is empty")]
    CartEmpty,
    /// The request was meant for another version of the cart.
    #[error("the cart is at version {0}, for which the request was not meant")]
    OtherVersion(i64),
    /// The cart of the cookie is in a user's cart now.
    #[error("the anonymous cart was merged at login")]
    CartMerged,
    /// Others change the cart so often that it could not be merged.
    #[error("the cart changes too often to be merged")]
    CartBusy,
    /// Somebody who has not logged in wants to order.
    #[error("nobody has logged in")]
    LoginNeeded,
    /// A product is expected at more than one price.
    #[error(transparent)]
    TwoPrices(#[from] TwoPrices),
    /// The customer saw another cart.
    #[error("the cart is at version {0}")]
    CartChanged(i64),
    /// This checkout is on its way and its end not known yet.
    #[error("the checkout of order {0} is on its way")]
    InFlight(OrderId),
    /// Another checkout of the same cart is on its way.
    #[error("another checkout, of order {0}, is on its way")]
    OtherInFlight(OrderId),
    /// Too many checkouts of one customer.
    #[error("too many checkouts of one customer")]
    TooManyCheckouts(#[source] Limited),
    /// Too many new anonymous carts from one address.
    #[error("too many new carts from one address")]
    TooManyCarts(#[source] Limited),
    /// What the service keeps of a checkout makes no sense.
    #[error("the checkout of order {order} is broken: {what}")]
    Broken {
        /// The order.
        order: OrderId,
        /// What is wrong with it.
        what: &'static str,
    },
    /// An answer could not be written as JSON.
    #[error("the answer can't be written")]
    Encode(#[source] serde_json::Error),
}

impl Fault for Error {
    fn kind(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Database(error) => error.kind(),
            Self::Sibling(error) => error.kind(),
            Self::Unread(error) => error.kind(),
            Self::WrongAnswer { .. } | Self::Price(_) | Self::Broken { .. } | Self::Encode(_) => {
                Some("unexpected".into())
            }
            _ => None,
        }
    }
}

/// When to ask again for a checkout that is on its way.
const ASK_AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

/// The tag of a version of a cart.
pub fn version_tag(version: i64) -> ETag {
    ETag::strong(version)
}

/// Refuses a request that was not meant for this version of the cart. A cart that nothing was put in yet has version 0.
pub fn check_version(seen: &IfMatch, present: i64) -> Result<(), Error> {
    if seen.allows(Some(&version_tag(present))) { Ok(()) } else { Err(Error::OtherVersion(present)) }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let conflict = |slug, title| Self::new(StatusCode::CONFLICT, slug, title);
        let unprocessable = |slug, title| Self::new(StatusCode::UNPROCESSABLE_ENTITY, slug, title);
        let too_many = |slug, title| Self::new(StatusCode::TOO_MANY_REQUESTS, slug, title);
        match error {
            Error::Database(error) => error.into(),
            Error::Sibling(error @ SiblingError::Unreadable { sibling, .. }) => dependency_unavailable(sibling, error),
            Error::Sibling(error) => error.into(),
            Error::WrongAnswer { sibling } => dependency_unavailable(sibling, error),
            Error::Unread(error) => unread(error),
            Error::ProductNotFound(id) => {
                Self::new(StatusCode::NOT_FOUND, "product-not-found", "The shop does not sell this product")
                    .detail(format!("there is no product {id}"))
            }
            Error::Line(id, LineRefusal::OutOfStock { requested, available }) => {
                conflict("out-of-stock", "There are not that many pieces")
                    .detail(format!("product {id}: {requested} wanted, {available} there"))
                    .with("lines", [crate::domain::checkout::Shortage { product_id: id, requested, available }])
            }
            Error::Line(id, LineRefusal::TooManyPieces) => {
                unprocessable("too-many-pieces", "A line can't have that many pieces")
                    .detail(format!("product {id}: a line has at most {} pieces", Quantity::MAX))
            }
            Error::Line(_, LineRefusal::TooManyLines) => conflict("cart-full", "The cart can't hold another product")
                .detail(format!("a cart holds at most {MAX_LINES} products")),
            Error::OtherVersion(version) => precondition_failed(Some(&version_tag(version))).with("version", version),
            Error::CartMerged => conflict("cart-merged", "This cart was taken over when its customer logged in")
                .detail("log in to see it; whoever does not log in begins with an empty cart"),
            Error::CartBusy => Self::unavailable("cart-busy", "The cart is being changed at the moment"),
            Error::LoginNeeded => Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "You have to log in first")
                .detail("who wants to order has to log in; what is in the cart comes along")
                .authenticate("Bearer"),
            Error::TwoPrices(error) => {
                Self::invalid([FieldError::new("/expected_prices", "duplicate", error.to_string())])
            }
            Error::KeyMissing => Self::bad_request("a checkout needs an Idempotency-Key header"),
            Error::Key(error) => Self::bad_request(error.to_string()),
            Error::KeyReused => unprocessable("idempotency-key-reused", "The key was used for another request")
                .detail("the Idempotency-Key belongs to a checkout with another body; a new wish needs a new key"),
            Error::CartEmpty => unprocessable("cart-empty", "There is nothing in the cart"),
            Error::CartChanged(version) => conflict("cart-changed", "The cart has changed meanwhile")
                .detail(format!("the cart is at version {version} now; look at it again"))
                .with("cart_version", version),
            Error::InFlight(order) => conflict("checkout-in-flight", "The checkout is on its way")
                .detail("its end is not known yet; ask again with the same Idempotency-Key")
                .with("order_id", order)
                .retry_after(ASK_AGAIN),
            Error::OtherInFlight(order) => conflict("other-checkout-in-flight", "Another checkout is on its way")
                .detail("this cart is being ordered under another Idempotency-Key; ask again when that is done")
                .with("order_id", order)
                .retry_after(ASK_AGAIN),
            Error::TooManyCheckouts(Limited { retry_after }) => {
                too_many("too-many-checkouts", "Too many checkouts").retry_after(retry_after)
            }
            Error::TooManyCarts(Limited { retry_after }) => {
                too_many("too-many-carts", "Too many new carts from one address")
                    .detail("whoever has a cart, or logs in, can go on at once")
                    .retry_after(retry_after)
            }
            error @ (Error::Price(_) | Error::Broken { .. } | Error::Encode(_)) => Self::internal(error),
        }
    }
}

/// A sibling that answers rubbish is as good as away: asking again may meet another replica of it.
fn dependency_unavailable(sibling: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> Problem {
    Problem::unavailable("dependency-unavailable", "A part of the shop can't be reached at the moment")
        .with("dependency", sibling)
        .caused_by(error)
}

/// Others may have waited for the same load, so its error is not ours alone.
fn unread(error: LoadError<Error>) -> Problem {
    let away = |slug, title| Problem::unavailable(slug, title);
    match &error {
        LoadError::Source(source) => match &**source {
            Error::Sibling(SiblingError::Unavailable { sibling, .. } | SiblingError::Unreadable { sibling, .. }) => {
                dependency_unavailable(sibling, error)
            }
            Error::Database(database) if database.is_outage() => {
                away("database-unavailable", "The database can't be reached at the moment").caused_by(error)
            }
            _ => Problem::internal(error),
        },
        LoadError::TimedOut(_) => {
            away("dependency-unavailable", "A part of the shop is too slow at the moment").caused_by(error)
        }
        LoadError::Panicked => Problem::internal(error),
    }
}

impl From<OutboxError> for Error {
    fn from(error: OutboxError) -> Self {
        match error {
            OutboxError::Store(error) => Self::Database(error),
            OutboxError::Payload(error) => Self::Encode(error),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        let conflict = |slug, title| Self::new(StatusCode::CONFLICT, slug, title);
        match refusal {
            Refusal::Lines(lines) => lines_refused(lines),
            Refusal::PriceChanged { lines, expected_total, total } => {
                let problem = lines_refused(lines).with("total", total);
                match expected_total {
                    Some(expected) => problem.with("expected_total", expected),
                    None => problem,
                }
            }
            Refusal::GivenUp => conflict("checkout-given-up", "The checkout took too long")
                .detail("a part of the shop could not be reached; nothing was ordered, and the cart is as it was"),
            Refusal::ReservationLost => conflict("reservation-lost", "The checkout took too long")
                .detail("the stock was given back and nothing was ordered; try again with a new Idempotency-Key"),
            Refusal::Price(error) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "total-too-large", "The lines do not add up")
                    .detail(error.to_string())
            }
            Refusal::NotAccepted(why) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "order-not-accepted", "The shop does not take this order")
                    .detail(why.clone())
            }
        }
    }
}

/// One document for all lines that can't be ordered, of the kind that they share if they share one.
fn lines_refused(lines: &[RefusedLine]) -> Problem {
    let all = |reason| lines.iter().all(|line| line.reason == reason);
    let of = |reason| lines.iter().filter(move |line| line.reason == reason).map(|line| line.product_id);
    let (slug, title) = if all(LineReason::PriceChanged) {
        ("price-changed", "It costs something else by now")
    } else if all(LineReason::OutOfStock) {
        ("out-of-stock", "There are not that many pieces")
    } else if all(LineReason::NotSold) {
        ("product-not-sold", "Something is not sold any more")
    } else {
        ("lines-refused", "The cart can't be ordered as it is")
    };
    let problem = Problem::new(StatusCode::CONFLICT, slug, title)
        .detail("nothing was ordered and the cart is as it was; look at it again, and order with a new Idempotency-Key")
        .with("lines", lines);
    let not_sold: Vec<_> = of(LineReason::NotSold).collect();
    if not_sold.is_empty() { problem } else { problem.with("product_ids", not_sold) }
}
