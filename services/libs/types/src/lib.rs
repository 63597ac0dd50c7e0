#![doc = include_str!("../README.md")]

mod demo;
mod ids;
mod money;
mod order;
mod page;
mod quantity;
mod text;

pub use demo::{DemoCustomer, DemoCustomerError};
pub use ids::{CommentId, EventId, FlashSaleId, OrderId, ProductId, ProductIdError, SessionId, UserId};
pub use money::{Currency, Money};
pub use order::{OrderLine, OrderStatus, UnknownOrderStatus};
pub use page::{Cursor, CursorError, Page, PageLimit, PageLimitError};
pub use quantity::{Quantity, QuantityError};
pub use text::LocalizedText;
