//! The catalog: prices, and stock for an order.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shop_runtime::client::{Sibling, SiblingError};
use shop_types::{OrderId, OrderLine, ProductId};

use super::{Outcome, not_accepted};
use crate::domain::cart::{Item, Product};
use crate::domain::checkout::{Refusal, Shortage};
use crate::domain::expectation::RefusedLine;

/// The catalog service.
#[derive(Clone, Debug)]
pub struct Catalog(Sibling);

#[derive(Serialize)]
struct Wanted<'a> {
    product_ids: &'a [ProductId],
}

#[derive(Deserialize)]
struct Quote {
    products: Vec<Product>,
}

#[derive(Serialize)]
struct Lines<'a> {
    lines: &'a [Item],
}

#[derive(Deserialize)]
struct Reservation {
    lines: Vec<OrderLine>,
}

impl Catalog {
    /// The catalog behind this client.
    pub const fn new(sibling: Sibling) -> Self {
        Self(sibling)
    }

    /// What the catalog says of these products now; those that it does not sell are left out.
    pub async fn quote(&self, product_ids: &[ProductId]) -> Result<Vec<Product>, SiblingError> {
        if product_ids.is_empty() {
            return Ok(Vec::new());
        }
        let quote: Quote = self.0.post_idempotent("/internal/products/quote", &Wanted { product_ids }).await?;
        Ok(quote.products)
    }

    /// Sets the stock aside for this order, or hears again what was set aside before.
    pub async fn reserve(&self, order: OrderId, items: &[Item]) -> Outcome<Vec<OrderLine>> {
        match self.0.put::<Reservation>(&reservation(order), &Lines { lines: items }).await {
            Ok(reservation) => Ok(Ok(reservation.lines)),
            Err(error) => refusal(error).map(Err),
        }
    }

    /// Tells that the order's stock is sold.
    pub async fn commit(&self, order: OrderId) -> Outcome<()> {
        match self.0.post_idempotent::<()>(&format!("{}/commit", reservation(order)), &()).await {
            Ok(()) => Ok(Ok(())),
            Err(error) => refusal(error).map(Err),
        }
    }

    /// Gives back whatever was set aside for the order; nothing can be set aside for it afterwards.
    pub async fn release(&self, order: OrderId) -> Result<(), SiblingError> {
        self.0.delete(&reservation(order)).await
    }
}

fn reservation(order: OrderId) -> String {
    format!("/internal/reservations/{order}")
}

/// What the catalog has refused for certain; anything else is handed back as the error that it is.
fn refusal(error: SiblingError) -> Result<Refusal, SiblingError> {
    match error.slug() {
        Some("out-of-stock") => {
            let short = told::<Shortage>(&error, "lines").into_iter();
            let lines = short.map(|it| RefusedLine::out_of_stock(it.product_id, it.requested, it.available));
            Ok(Refusal::Lines(lines.collect()))
        }
        Some("product-not-found") => {
            let products = told::<ProductId>(&error, "product_ids").into_iter();
            Ok(Refusal::Lines(products.map(RefusedLine::not_sold).collect()))
        }
        Some("reservation-released" | "reservation-not-found") => Ok(Refusal::ReservationLost),
        _ => not_accepted(&error).ok_or(error),
    }
}

/// A list that the catalog tells along with its refusal.
fn told<T: DeserializeOwned>(error: &SiblingError, member: &str) -> Vec<T> {
    let list = error.problem().and_then(|problem| problem.extensions.get(member));
    list.and_then(|list| Vec::deserialize(list).ok()).unwrap_or_default()
}
