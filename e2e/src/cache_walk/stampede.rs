//! A stampede: two hundred want what nobody has yet, and the database is asked once.

use futures::future::join_all;

use crate::shop::{Narrator, ShopError};

use super::Walk;

const REQUESTS: usize = 200;
const PRODUCT: &str = "/api/products/4711";

pub(super) async fn show<N: Narrator>(walk: &mut Walk<N>) -> Result<(), ShopError> {
    walk.admin.narrator.step("Stampede: 200 requests at once for a product that is in no cache");
    walk.invalidate("products").await?;
    let before = walk.cluster.figure("catalog", "products", "loads").await?;
    let http = reqwest::Client::new();
    let url = format!("{}{PRODUCT}", walk.url);
    let answers = join_all((0..REQUESTS).map(|_| http.get(&url).send())).await;
    let good = answers.iter().flatten().filter(|answer| answer.status().is_success()).count();
    let loads = walk.cluster.figure("catalog", "products", "loads").await? - before;
    walk.admin.narrator.note(&format!("{good} of {REQUESTS} answered, {loads} load from the database"));
    if good == REQUESTS && loads == 1 {
        return Ok(());
    }
    Err(ShopError::NotSeen(format!("one load for {REQUESTS} answers: there were {loads} for {good}")))
}
