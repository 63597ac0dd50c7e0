#![doc = include_str!("../README.md")]

mod ids;
mod money;
mod order;
mod page;
mod quantity;
mod text;

pub use ids::{EventId, OrderId, ProductId, ProductIdError, UserId};
pub use money::{Currency, Money};
pub use order::{OrderLine, OrderStatus, UnknownOrderStatus};
pub use page::{Cursor, CursorError, Page, PageLimit, PageLimitError};
pub use quantity::{Quantity, QuantityError};
pub use text::LocalizedText;
