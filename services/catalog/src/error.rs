//! Everything that can go wrong in the catalog, and how a client hears of it.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;
use shop_cache::LoadError;
use shop_outbox::OutboxError;
use shop_runtime::Problem;
use shop_runtime::rate_limit::Limited;
use shop_types::{CommentId, CursorError, FlashSaleId, OrderId, ProductId};

use crate::domain::flash_sale::SaleTimeError;
use crate::domain::listing::PositionError;
use crate::domain::product::StockRangeError;
use crate::domain::reservation::{BasketError, Shortage};

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
    /// A list was asked for of a category that there is not.
    #[error("there is no category {0}")]
    UnknownCategory(String),
    /// A product was to be put into a category that there is not.
    #[error("a product can't be in category {0}, which there is not")]
    MisplacedProduct(String),
    /// There is no such product, or not any more.
    #[error("there is no product {0}")]
    NoProduct(ProductId),
    /// The product was changed since the version that the client knows.
    #[error("product {id} is at version {current}")]
    Outdated {
        /// Which product.
        id: ProductId,
        /// The version that it has.
        current: i64,
    },
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

/// A problem with one field of the request.
fn field(problem: Problem, field: &'static str, message: &str) -> Problem {
    problem.detail(format!("{field}: {message}")).with("errors", [json!({"field": field, "message": message})])
}

fn invalid_input() -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-input", "The request's values are not valid")
}

fn no_product(ids: &[ProductId]) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "product-not-found", "There is no such product")
        .detail("`product_ids` has the products that are not sold here")
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
            Error::UnknownCategory(slug) => {
                field(Self::bad_request(""), "category", &format!("there is no category `{slug}`"))
            }
            Error::MisplacedProduct(slug) => {
                field(invalid_input(), "category", &format!("there is no category `{slug}`"))
            }
            Error::NoProduct(id) => no_product(&[id]),
            Error::NotSold(ids) => no_product(&ids),
            Error::Outdated { id, current } => {
                Self::new(StatusCode::PRECONDITION_FAILED, "version-outdated", "The product was changed meanwhile")
                    .detail(format!("product {id} is at version {current}; read it again and repeat the change"))
                    .with("current_version", current)
            }
            Error::StockRange(error) => conflict("stock-out-of-range", "The stock can't become that")
                .detail(error.to_string())
                .with("available", error.available),
            Error::Basket(error) => field(invalid_input(), "lines", &error.to_string()),
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
            Error::SaleTime(error) => field(invalid_input(), "ends_at", &error.to_string()),
            Error::SalePrice(product) => {
                field(invalid_input(), "price", &format!("it is not below the regular price of product {product}"))
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
