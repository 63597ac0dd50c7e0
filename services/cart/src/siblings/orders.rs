//! The order service: makes orders.

use serde::{Deserialize, Serialize};
use shop_runtime::client::Sibling;
use shop_types::{Money, OrderId, OrderLine, UserId};

use super::{Outcome, not_accepted};

/// The order service.
#[derive(Clone, Debug)]
pub struct Orders(Sibling);

#[derive(Serialize)]
struct NewOrder<'a> {
    user_id: UserId,
    lines: &'a [OrderLine],
    total: Money,
}

/// What of the answer says that it is one to this question.
#[derive(Deserialize)]
struct Made {
    id: OrderId,
}

impl Orders {
    /// The order service behind this client.
    pub const fn new(sibling: Sibling) -> Self {
        Self(sibling)
    }

    /// Makes the order, or finds it made.
    pub async fn create(&self, id: OrderId, user_id: UserId, lines: &[OrderLine], total: Money) -> Outcome<OrderId> {
        match self.0.put::<Made>(&format!("/internal/orders/{id}"), &NewOrder { user_id, lines, total }).await {
            Ok(made) => Ok(Ok(made.id)),
            // It was made, lived its life and was deleted before this checkout came back to it.
            Err(error) if error.slug() == Some("order-deleted") => Ok(Ok(id)),
            Err(error) => not_accepted(&error).map(Err).ok_or(error),
        }
    }
}
