//! Everything that can go wrong in the catalog, and how a client hears of it.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use shop_cache::LoadError;
use shop_outbox::OutboxError;
use shop_runtime::Problem;
use shop_runtime::conditional::{ETag, precondition_failed};
use shop_runtime::problem::FieldError;
use shop_runtime::rate_limit::Limited;
use shop_runtime::span::Fault;
use shop_types::{CommentId, CursorError, FlashSaleId, OrderId, ProductId};

use crate::domain::flash_sale::SaleTimeError;
use crate::domain::listing::{ListingError, PositionError};
use crate::domain::product::StockRangeError;
use crate::domain::reservation::{BasketError, Shortage};
use crate::turns::Crowded;

/// Why a request to the catalog was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not do its part.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A value was neither in its cache nor could it be loaded.
    #[error(transparent)]
    Load(#[from] LoadError<sqlx::Error>),
    /// An invalidation could not be noted.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// A place in a list could not be written down.
    #[error("can't make a cursor")]
    Cursor(#[from] CursorError),
    /// A list was asked to go on from where it never was.
    #[error("the cursor does not fit")]
    Position(#[from] PositionError),
    /// There can be no such list.
    #[error("there can be no such list")]
    Listing(#[from] ListingError),
    /// Too many searches at a time.
    #[error(transparent)]
    Crowded(#[from] Crowded),
    /// A list was asked for of a category that there is not.
    #[error("there is no category {0}")]
    UnknownCategory(String),
    /// A product was to be put into a category that there is not.
    #[error("a product can't be in category {0}, which there is not")]
    MisplacedProduct(String),
    /// There is no such product, or not any more.
    #[error("there is no product {0}")]
    NoProduct(ProductId),
    /// The product is in another state than those that the client's headers name.
    #[error("product {id} is at version {current}")]
    Outdated {
        /// Which product.
        id: ProductId,
        /// The state that it is in.
        state: ETag,
        /// The version that it has.
        current: i64,
    },
    /// The product has another version than the client's body names.
    #[error("product {id} is at version {current}")]
    VersionConflict {
        /// Which product.
        id: ProductId,
        /// The version that it has.
        current: i64,
    },
    /// A product was to be replaced by somebody who does not say what was seen of it.
    #[error("the product's version is not named")]
    Unconditional,
    /// The stock can't become what was asked for.
    #[error("the stock can't change so")]
    StockRange(#[from] StockRangeError),
    /// The lines of an order make no sense.
    #[error("the lines are no basket")]
    Basket(#[from] BasketError),
    /// Some products have too little.
    #[error("{} products have too little stock", .0.len())]
    OutOfStock(Vec<Shortage>),
    /// An order wants what is not sold.
    #[error("{} products are not sold", .0.len())]
    NotSold(Vec<ProductId>),
    /// The order was called off, or never reserved anything.
    #[error("order {0} has no stock")]
    Released(OrderId),
    /// The order has reserved something else.
    #[error("order {0} has reserved other lines")]
    OtherLines(OrderId),
    /// The product has no such comment.
    #[error("there is no comment {0}")]
    NoComment(CommentId),
    /// A customer comments on a product once.
    #[error("the customer has commented on product {0} before")]
    AlreadyCommented(ProductId),
    /// What somebody has said is changed by nobody else.
    #[error("comment {0} is another's")]
    OthersComment(CommentId),
    /// Customers do not vote on what they wrote themselves.
    #[error("comment {0} is the voter's own")]
    OwnComment(CommentId),
    /// Somebody writes faster than people do.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// There is no such sale, or it is over.
    #[error("there is no open flash sale {0}")]
    NoSale(FlashSaleId),
    /// The times of a sale make no sense.
    #[error("the sale can't be then")]
    SaleTime(#[from] SaleTimeError),
    /// A sale would not make the product cheaper.
    #[error("a sale is below the regular price")]
    SalePrice(ProductId),
    /// The product has a sale at that time already.
    #[error("product {0} has another flash sale at that time")]
    SaleOverlaps(ProductId),
}

impl Fault for Error {
    fn kind(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Database(error) => error.kind(),
            Self::Load(error) => error.kind(),
            Self::Outbox(error) => error.kind(),
            _ => None,
        }
    }
}

/// A problem with one field of the request.
fn field(problem: Problem, field: &'static str, message: &str) -> Problem {
    let error = FieldError::new(field, "invalid", message.to_owned());
    problem.detail(format!("{field}: {message}")).with("errors", [error])
}

fn invalid_input() -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-input", "The request's values are not valid")
}

fn no_product(ids: &[ProductId]) -> Problem {
    let detail = match ids {
        [id] => format!("product {id} is not sold here, or not any more"),
        _ => "`product_ids` has the products that are not sold here".to_owned(),
    };
    Problem::new(StatusCode::NOT_FOUND, "product-not-found", "There is no such product")
        .detail(detail)
        .with("product_ids", ids)
}

fn conflict(slug: &'static str, title: &'static str) -> Problem {
    Problem::new(StatusCode::CONFLICT, slug, title)
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) => error.into(),
            Error::Load(error) => error.into(),
            Error::Outbox(error) => error.into(),
            Error::Cursor(error) => Self::internal(error),
            Error::Position(error) => field(Self::bad_request(""), "cursor", &error.to_string()),
            Error::Listing(error) => field(Self::bad_request(""), error.field(), &error.to_string()),
            Error::Crowded(error) => {
                Self::unavailable("too-many-searches", "There are too many searches at the moment").caused_by(error)
            }
            Error::UnknownCategory(slug) => {
                field(Self::bad_request(""), "category", &format!("there is no category `{slug}`"))
            }
            Error::MisplacedProduct(slug) => {
                field(invalid_input(), "/category", &format!("there is no category `{slug}`"))
            }
            Error::NoProduct(id) => no_product(&[id]),
            Error::NotSold(ids) => no_product(&ids),
            Error::Outdated { id, state, current } => precondition_failed(Some(&state))
                .detail(format!("product {id} is at version {current}; read it again and repeat the change"))
                .with("current_version", current),
            Error::VersionConflict { id, current } => conflict("version-conflict", "The product was changed meanwhile")
                .detail(format!("product {id} is at version {current}; read it again and repeat the change"))
                .with("current_version", current),
            Error::Unconditional => {
                let status = StatusCode::PRECONDITION_REQUIRED;
                Self::new(status, "precondition-required", "It must be known which version is to be replaced")
                    .detail("send the product's ETag as If-Match, or its `version` in the body")
            }
            Error::StockRange(error) => conflict("stock-out-of-range", "The stock can't become that")
                .detail(error.to_string())
                .with("available", error.available),
            Error::Basket(error) => field(invalid_input(), "/lines", &error.to_string()),
            Error::OutOfStock(lines) => conflict("out-of-stock", "There is not enough of everything")
                .detail("nothing was reserved; `lines` has the products of which there is too little")
                .with("lines", lines),
            Error::Released(order) => conflict("reservation-released", "The reservation was released")
                .detail(format!("order {order} was called off, has waited too long or has never reserved anything")),
            Error::OtherLines(order) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "reservation-mismatch",
                "The order has reserved other lines",
            )
            .detail(format!("order {order} was reserved before, with other products or quantities")),
            Error::NoComment(id) => Self::new(StatusCode::NOT_FOUND, "comment-not-found", "There is no such comment")
                .detail(format!("the product has no comment {id}")),
            Error::AlreadyCommented(product) => conflict("already-commented", "You have commented on this before")
                .detail(format!("you have a comment on product {product}; there is one for each customer")),
            Error::OthersComment(_) => {
                Self::new(StatusCode::FORBIDDEN, "others-comment", "The comment is another customer's")
                    .detail("only who wrote it can change it, and administrators can take it away")
            }
            Error::OwnComment(_) => Self::new(StatusCode::FORBIDDEN, "own-comment", "The comment is your own")
                .detail("only others can say whether it is helpful"),
            Error::Limited(limited) => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-comments", "Too many comments or votes")
                    .retry_after(limited.retry_after)
            }
            Error::NoSale(id) => {
                Self::new(StatusCode::NOT_FOUND, "flash-sale-not-found", "There is no such flash sale")
                    .detail(format!("flash sale {id} is over or never was"))
            }
            Error::SaleTime(error) => field(invalid_input(), error.field(), &error.to_string()),
            Error::SalePrice(product) => {
                field(invalid_input(), "/price", &format!("it is not below the regular price of product {product}"))
            }
            Error::SaleOverlaps(product) => conflict("flash-sale-overlaps", "There is another flash sale at that time")
                .detail(format!("product {product} has a flash sale that runs or is planned for a part of that time")),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
