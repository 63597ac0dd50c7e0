//! Behind the counter.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{expect, refused};
use crate::shop::{Narrator, ShopError, Visitor};

/// What administrators see, and nobody else.
pub(super) async fn look_behind<N: Narrator>(visitor: &mut Visitor<N>, order_id: &str) -> Result<(), ShopError> {
    visitor.narrator.step("Behind the counter nobody gets who is not an administrator");
    let figures = "/order-api/admin/figures";
    let refusal = visitor.ask(Method::GET, figures, &[], None, StatusCode::FORBIDDEN).await?;
    refused(&refusal, "forbidden")?;

    visitor.narrator.step("An administrator sees figures, everybody's orders, and who is a customer");
    let customer = visitor.become_other(None);
    let admin = visitor.post_form("/user-api/token", &[("username", "admin"), ("password", "admin123")]).await?;
    visitor.token(admin.text_at("/access_token")?);
    visitor.get(figures).await?;
    let delivered = visitor.get("/order-api/admin/orders?status=DELIVERED&limit=100").await?;
    let ours = delivered.list_at("/items")?.iter().any(|order| order["id"] == order_id);
    expect(ours, &delivered, "the order is not among those that were delivered")?;
    visitor.get("/user-api/admin/users?limit=3").await?;
    visitor.narrator.step("What was delivered can't be shipped again");
    let path = format!("/order-api/admin/orders/{order_id}/advance");
    visitor.post(&path, &json!({"to": "SHIPPING"}), StatusCode::CONFLICT).await?;
    visitor.narrator.step("No event was given up by any of the services");
    for prefix in ["/api", "/cart-api", "/order-api", "/user-api"] {
        let letters = visitor.get(&format!("{prefix}/admin/dead-letters")).await?;
        expect(letters.list_at("/items")?.is_empty(), &letters, "there are dead letters")?;
    }
    visitor.become_other(customer);
    Ok(())
}
