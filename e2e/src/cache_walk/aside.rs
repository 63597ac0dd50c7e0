//! Cache-aside: filled when read, dropped by name or by tag.

use std::time::Duration;

use crate::shop::{Narrator, ShopError};

use super::{Walk, hit, miss};

const RECOMMENDATIONS: &str = "/api/recommendations?user_id=1";

pub(super) async fn show<N: Narrator>(walk: &mut Walk<N>) -> Result<(), ShopError> {
    walk.admin.narrator.step("Cache-aside: recommendations for customer 1, a miss and then a hit");
    walk.invalidate("recommendations").await?;
    let first = walk.admin.get(RECOMMENDATIONS).await?;
    miss(&first)?;
    let second = walk.admin.get(RECOMMENDATIONS).await?;
    hit(&second)?;
    walk.admin.narrator.note(&compare(first.took, second.took));

    walk.admin
        .narrator
        .step("Invalidated by name, it is a miss again; another name is refused with those that there are");
    walk.invalidate("recommendations").await?;
    miss(&walk.admin.get(RECOMMENDATIONS).await?)?;
    let unknown = serde_json::json!({"cache_type": "secrets"});
    walk.admin.post("/api/cache/invalidate", &unknown, reqwest::StatusCode::UNPROCESSABLE_ENTITY).await?;

    walk.admin
        .narrator
        .step("Invalidated by tag: a product of the list is renamed, and every list that has it is void");
    let answer = walk.admin.get(RECOMMENDATIONS).await?;
    hit(&answer)?;
    let id = answer.integer_at("/items/0/product/id")?;
    let name = answer.text_at("/items/0/product/name/en")?.to_owned();
    let path = format!("/api/products/{id}");
    let renamed =
        serde_json::json!({"name": {"en": format!("{name} (new)"), "ru": answer.text_at("/items/0/product/name/ru")?}});
    walk.admin.patch(&path, &renamed).await?;
    miss(&walk.admin.get(RECOMMENDATIONS).await?)?;
    let back = serde_json::json!({"name": {"en": name, "ru": answer.text_at("/items/0/product/name/ru")?}});
    walk.admin.patch(&path, &back).await?;
    Ok(())
}

fn compare(miss: Duration, hit: Duration) -> String {
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1e3;
    format!("miss {:.1} ms, hit {:.1} ms", milliseconds(miss), milliseconds(hit))
}
