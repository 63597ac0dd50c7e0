//! Invalidation by event: a flash sale is seen at once by every replica and by a browser that listens.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::cluster::{Cluster, Replica};
use crate::shop::{Narrator, ShopError};

use super::{Walk, number};

const LIMIT: Duration = Duration::from_secs(15);
const CATALOG_PORT: u16 = 8000;

pub(super) async fn show<N: Narrator>(walk: &mut Walk<N>) -> Result<(), ShopError> {
    walk.admin.narrator.step("By event: a browser listens on /ws, and every replica has the flash sales in its cache");
    let replicas = walk.cluster.replicas("catalog").await?;
    for replica in &replicas {
        walk.cluster.ask(replica, CATALOG_PORT, "/api/flash-sales").await?;
        let again = walk.cluster.ask(replica, CATALOG_PORT, "/api/flash-sales").await?;
        walk.admin.narrator.note(&format!("{}: {}", replica.pod, again.cache_status.unwrap_or_default()));
    }
    let url = format!("{}/ws", walk.url.replacen("http", "ws", 1));
    let broken = |source| ShopError::Socket { url: url.clone(), source: Box::new(source) };
    let (mut socket, _) = connect_async(&url).await.map_err(broken)?;

    walk.admin.narrator.step("The administrator starts a flash sale");
    let product = walk.admin.get("/api/products/2").await?;
    let (price, currency) = (product.integer_at("/price/amount")?, product.text_at("/price/currency")?.to_owned());
    let ends_at = (OffsetDateTime::now_utc() + time::Duration::hours(1)).format(&Rfc3339).unwrap_or_default();
    let sale = json!({"product_id": 2, "price": {"amount": price / 2, "currency": currency}, "ends_at": ends_at});
    let began = Instant::now();
    let started = walk.admin.post("/api/flash-sales", &sale, reqwest::StatusCode::CREATED).await?;
    let id = started.text_at("/id")?.to_owned();
    let notice = tokio::time::timeout(LIMIT, async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) if text.contains("flash_sale") => return Ok(text.to_string()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(broken(error)),
                None => return Err(ShopError::NotSeen("the WebSocket was closed".to_owned())),
            }
        }
    });
    let notice = notice.await.map_err(|_elapsed| ShopError::NotSeen("no notice on /ws".to_owned()))??;
    walk.admin
        .narrator
        .note(&format!("the browser has heard after {:.1} ms: {notice}", began.elapsed().as_secs_f64() * 1e3));
    let seen = everywhere(&walk.cluster, &replicas, true).await;
    if let Ok(took) = &seen {
        walk.admin.narrator.note(&format!(
            "all {} replicas show it {:.1} ms later",
            replicas.len(),
            took.as_secs_f64() * 1e3
        ));
    }
    walk.admin.get("/api/products/2").await?;
    walk.admin.delete(&format!("/api/flash-sales/{id}"), reqwest::StatusCode::NO_CONTENT).await?;
    seen?;
    everywhere(&walk.cluster, &replicas, false).await?;
    walk.admin.narrator.note("stopped, and gone from all replicas");
    Ok(())
}

/// How long it takes until each replica shows the sale, or none does.
async fn everywhere(cluster: &Cluster, replicas: &[Replica], shown: bool) -> Result<Duration, ShopError> {
    let began = Instant::now();
    for replica in replicas {
        let look = async || Ok(has_sale(&cluster.ask(replica, CATALOG_PORT, "/api/flash-sales").await?.body) == shown);
        cluster.until("each replica shows the flash sale, or none does", look).await?;
    }
    Ok(began.elapsed())
}

fn has_sale(body: &Value) -> bool {
    let sales = body["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    sales.iter().any(|sale| number(sale, "/product_id").or_else(|| number(sale, "/product/id")) == Some(2))
}
