//! What can go wrong, and what the client is told of it.

use std::borrow::Cow;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use shop_outbox::OutboxError;
use shop_runtime::Problem;
use shop_runtime::span::Fault;
use shop_types::{CursorError, OrderId, OrderStatus};

use crate::domain::order::NewOrderError;
use crate::streams::TooManyStreams;

/// Why a request to the order service was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error("the orders' database failed")]
    Database(#[from] sqlx::Error),
    /// An event could not be noted.
    #[error("the outbox failed")]
    Outbox(#[from] OutboxError),
    /// The order makes no sense.
    #[error(transparent)]
    Invalid(#[from] NewOrderError),
    /// There is no such order, or it is another's, which is nobody's business.
    #[error("there is no order {0} for this customer")]
    NotFound(OrderId),
    /// It is too late to call the order off.
    #[error("order {0} is {1} and can't be cancelled")]
    CannotCancel(OrderId, OrderStatus),
    /// No step of the machine leads there.
    #[error("order {id} can't go from {from} to {to}")]
    IllegalStep {
        /// The order.
        id: OrderId,
        /// Where it is.
        from: OrderStatus,
        /// Where it was to go.
        to: OrderStatus,
    },
    /// The customer, or everybody together, follows too many orders at a time.
    #[error(transparent)]
    TooManyStreams(#[from] TooManyStreams),
    /// There is another order by this identifier.
    #[error("order {0} was made with other content")]
    Differs(OrderId),
    /// There was an order by this identifier.
    #[error("order {0} was made and deleted")]
    Deleted(OrderId),
    /// The place to go on from is not one of ours.
    #[error(transparent)]
    Cursor(#[from] CursorError),
}

impl Fault for Error {
    fn kind(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Database(error) => error.kind(),
            Self::Outbox(error) => error.kind(),
            _ => None,
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) => error.into(),
            Error::Outbox(error) => error.into(),
            Error::Invalid(error) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-order", "The order makes no sense")
                    .detail(error.to_string())
            }
            Error::NotFound(id) => Self::new(StatusCode::NOT_FOUND, "order-not-found", "There is no such order")
                .detail(format!("you have no order {id}")),
            Error::CannotCancel(id, status) => {
                Self::new(StatusCode::CONFLICT, "cannot-cancel", "It is too late to cancel the order")
                    .detail(format!("order {id} is {status}; an order can be cancelled until it is shipped"))
                    .with("order_status", status)
            }
            Error::IllegalStep { id, from, to } => {
                Self::new(StatusCode::CONFLICT, "illegal-step", "The order can't take this step")
                    .detail(format!("order {id} is {from}, from where no step leads to {to}"))
                    .with("order_status", from)
            }
            Error::TooManyStreams(TooManyStreams::OfUser) => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-streams", "You follow too many orders at a time")
                    .detail("close one of the streams of events first")
                    .retry_after(Duration::from_secs(5))
            }
            Error::TooManyStreams(TooManyStreams::InAll) => {
                Self::unavailable("overloaded", "Too many orders are followed at the moment")
            }
            Error::Differs(id) => {
                Self::new(StatusCode::CONFLICT, "order-differs", "There is another order by this identifier")
                    .detail(format!("order {id} was made with other lines, another total or for another customer"))
            }
            Error::Deleted(id) => Self::new(StatusCode::GONE, "order-deleted", "The order was made and deleted")
                .detail(format!("order {id} was finished long ago")),
            Error::Cursor(error) => Self::bad_request(error.to_string()),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
