//! Write-through: what was written is read at once, from the cache, whichever replica answers.

use serde_json::json;

use crate::shop::{Narrator, ShopError};

use super::{Walk, hit};

pub(super) async fn show<N: Narrator>(walk: &mut Walk<N>) -> Result<(), ShopError> {
    walk.admin.narrator.step("Write-through: what is put into the cart is in the cache, before it was ever read");
    let added = json!({"product_id": 1, "quantity": 2});
    walk.admin.post("/api/cart/add", &added, reqwest::StatusCode::OK).await?;
    let cart = walk.admin.get("/api/cart").await?;
    hit(&cart)?;
    let lines = cart.list_at("/lines")?;
    if !lines.iter().any(|line| line["product_id"] == 1) {
        return Err(ShopError::NotSeen(format!("the cart lacks what was just put into it: {}", cart.text)));
    }
    walk.admin.delete("/cart-api/cart", reqwest::StatusCode::NO_CONTENT).await?;

    walk.admin.narrator.step("The same with the profile");
    let name = format!("Admin {}", uuid::Uuid::new_v4().simple());
    walk.admin.patch("/user-api/users/me", &json!({"full_name": name})).await?;
    let profile = walk.admin.get("/user-api/users/me").await?;
    hit(&profile)?;
    if profile.text_at("/full_name")? == name {
        return Ok(());
    }
    Err(ShopError::NotSeen(format!("the profile does not have the name that was just given: {}", profile.text)))
}
