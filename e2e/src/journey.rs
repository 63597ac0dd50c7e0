//! The walk of a customer: both older systems' walks in one, and what they could not do.

mod account;
mod basket;
mod browse;
mod counter;
mod delivery;
mod order;

use serde_json::Value;

use crate::shop::{Answer, Narrator, ShopError, Visitor};

/// What the walk left behind, for a test to look at.
#[derive(Debug)]
pub struct Travelled {
    /// The name that was registered.
    pub username: String,
    /// The order that was delivered.
    pub order_id: String,
    /// The order that was cancelled.
    pub cancelled: String,
    /// The states that the server told the customer of while the order was on its way, in their order.
    pub seen: Vec<String>,
    /// The same as the WebSocket told it.
    pub seen_on_socket: Vec<String>,
    /// The order as it was read last.
    pub order: Value,
    /// The profile that was read last.
    pub profile: Value,
}

/// Registers, browses and searches, fills a cart before and after the login, checks out, cancels, watches an order until it is
/// delivered, looks behind the counter, and logs out everywhere.
pub async fn walk<N: Narrator>(visitor: &mut Visitor<N>) -> Result<Travelled, ShopError> {
    browse::documents(visitor).await?;
    let products = browse::shelves(visitor).await?;
    browse::search(visitor).await?;
    basket::fill_without_account(visitor, &products).await?;
    let account = account::register_and_log_in(visitor).await?;
    basket::merge(visitor, &products).await?;
    basket::manage(visitor, &products).await?;
    basket::refusals(visitor, &products).await?;
    let order_id = order::check_out(visitor).await?;
    let cancelled = order::order_and_cancel(visitor, products[1]).await?;
    let delivery = delivery::watch(visitor, &order_id).await?;
    let order = visitor.get(&format!("/order-api/orders/{order_id}")).await?.body;
    account::notifications(visitor, &order_id).await?;
    visitor.narrator.step("The profile joins cart and orders");
    let profile = visitor.get("/user-api/users/me/profile").await?.body;
    counter::look_behind(visitor, &order_id).await?;
    account::log_out_everywhere(visitor).await?;
    Ok(Travelled {
        username: account,
        order_id,
        cancelled,
        seen: delivery.told,
        seen_on_socket: delivery.on_socket,
        order,
        profile,
    })
}

/// The walk stops where something is not as it should be.
fn expect(holds: bool, answer: &Answer, what: &str) -> Result<(), ShopError> {
    if holds { Ok(()) } else { Err(ShopError::NotSeen(format!("{}: {what}: {}", answer.path, answer.text))) }
}

/// The problem document names the problem.
fn refused(answer: &Answer, slug: &str) -> Result<(), ShopError> {
    let kind = answer.text_at("/type")?;
    expect(kind.ends_with(&format!("/{slug}")), answer, &format!("expected {slug}"))
}
