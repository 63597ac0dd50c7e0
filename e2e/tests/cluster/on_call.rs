//! An alert reaches whoever is on call, and so does its end. `make alerts` does the same for all of them.

use shopkeeper_e2e::on_call::{OnCall, sections};
use tokio_util::sync::CancellationToken;

use crate::kubernetes::{DEMO, SHOP, client, ready, shop_url};

const GUIDE: &str = include_str!("../../../docs/src/provoking-alerts.md");

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn a_fault_is_told_to_whoever_is_on_call_and_so_is_its_end() {
    ready(&client().await, SHOP, DEMO, std::time::Duration::from_secs(120)).await;
    let section = sections(GUIDE).into_iter().find(|it| it.title() == "RedisDown").expect("the page has it");
    let on_call = OnCall::begin(&shop_url(), CancellationToken::new()).await.expect("alerts can be sent here");
    let seen = on_call.provoke(&section).await;
    on_call.end().await.expect("alerts go where they went");
    let seen = seen.expect("a message came, and another one when it was over");
    println!(
        "told {:.0} s after the fault, and {:.0} s after it was mended that it is over",
        seen.told_after.as_secs_f64(),
        seen.over_after.as_secs_f64()
    );
}
