//! Coming and going.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;
use uuid::Uuid;

use super::{expect, refused};
use crate::shop::{Narrator, ShopError, Visitor};

/// How soon every service must have heard that a session has ended.
const HEARD_WITHIN: Duration = Duration::from_secs(10);

/// A new account; the name.
pub(super) async fn register_and_log_in<N: Narrator>(visitor: &mut Visitor<N>) -> Result<String, ShopError> {
    let username = format!("guest-{}", &Uuid::new_v4().simple().to_string()[..12]);
    let password = Uuid::new_v4().to_string();
    visitor.narrator.step("Register");
    let account = json!({"username": username, "password": password, "full_name": "A Guest"});
    visitor.post("/user-api/users/register", &account, StatusCode::CREATED).await?;
    visitor.narrator.step("Log in, and trade the refresh token for new ones");
    let token = visitor.post_form("/user-api/token", &[("username", &username), ("password", &password)]).await?;
    let refresh = json!({"refresh_token": token.text_at("/refresh_token")?});
    let token = visitor.post("/user-api/token/refresh", &refresh, StatusCode::OK).await?;
    visitor.token(token.text_at("/access_token")?);
    Ok(username)
}

/// What the shop told of the order; one notice is marked as read.
pub(super) async fn notifications<N: Narrator>(visitor: &mut Visitor<N>, order_id: &str) -> Result<(), ShopError> {
    visitor.narrator.step("The notices of it, one of which is marked as read");
    let began = Instant::now();
    let notices = loop {
        let notices = visitor.get("/user-api/notifications?limit=20").await?;
        let told = notices.list_at("/items")?.iter();
        let delivered = |notice: &&serde_json::Value| notice["order_id"] == order_id && notice["status"] == "DELIVERED";
        if told.filter(delivered).count() == 1 {
            break notices;
        }
        expect(began.elapsed() < HEARD_WITHIN, &notices, "no notice of the delivery")?;
        tokio::time::sleep(Duration::from_millis(250)).await;
    };
    let id = notices.text_at("/items/0/id")?;
    let path = format!("/user-api/notifications/{id}/read");
    visitor.ask(Method::POST, &path, &[], None, StatusCode::NO_CONTENT).await?;
    Ok(())
}

/// Every session ends, and every service hears of it.
pub(super) async fn log_out_everywhere<N: Narrator>(visitor: &mut Visitor<N>) -> Result<(), ShopError> {
    visitor.narrator.step("Log out everywhere: the token is refused, by every service");
    visitor.ask(Method::POST, "/user-api/logout/everywhere", &[], None, StatusCode::NO_CONTENT).await?;
    let began = Instant::now();
    for path in ["/user-api/users/me", "/cart-api/cart", "/order-api/orders"] {
        loop {
            match visitor.ask(Method::GET, path, &[], None, StatusCode::UNAUTHORIZED).await {
                Ok(answer) => {
                    break refused(&answer, "unauthenticated").or_else(|_| refused(&answer, "token-revoked"))?;
                }
                Err(_) if began.elapsed() < HEARD_WITHIN => tokio::time::sleep(Duration::from_millis(100)).await,
                Err(error) => return Err(error),
            }
        }
    }
    visitor.narrator.note(&format!("all have heard of it after {:.2} s", began.elapsed().as_secs_f64()));
    visitor.become_other(None);
    Ok(())
}
