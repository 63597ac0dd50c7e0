//! The memory of an entry, in both tiers.

use anyhow::Context as _;
use redis::aio::MultiplexedConnection;

use crate::client::Client;
use crate::proc;
use crate::setup::Shop;

/// So many entries more.
const ENTRIES: u64 = 20_000;

/// Fills both tiers with entries, and divides what they take.
pub(crate) async fn run(shop: &Shop) -> anyhow::Result<String> {
    let mut client = Client::connect(shop.bare.address).await?;
    let mut redis =
        redis::Client::open(format!("redis://{}", shop.redis.address()))?.get_multiplexed_async_connection().await?;
    let idle: Vec<u64> = [&shop.catalog_local, &shop.catalog_remote, &shop.catalog_uncached]
        .into_iter()
        .map(|server| proc::resident(server.pid))
        .collect::<Result<_, _>>()?;
    let first = 2_000_000_000;
    let length = client.get(&format!("/local/{first}")).await?.body.len();
    let before = (proc::resident(shop.bare.pid)?, used(&mut redis).await?);
    for key in first..first + ENTRIES {
        client.get(&format!("/local/{key}")).await?;
    }
    let after = (proc::resident(shop.bare.pid)?, used(&mut redis).await?);
    let each = |after: u64, before: u64| after.saturating_sub(before) as f64 / ENTRIES as f64;
    let megabytes = |bytes: &u64| format!("{:.1}", *bytes as f64 / 1e6);
    Ok(format!(
        "An entry of {length} bytes of JSON takes {:.0} bytes in a pod's memory and {:.0} bytes in Redis (of {ENTRIES}). \
         The catalogs take {} MB after the load.\n",
        each(after.0, before.0),
        each(after.1, before.1),
        idle.iter().map(megabytes).collect::<Vec<_>>().join(", "),
    ))
}

async fn used(redis: &mut MultiplexedConnection) -> anyhow::Result<u64> {
    let info: String = redis::cmd("INFO").arg("memory").query_async(redis).await?;
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory:")).context("INFO tells it")?;
    Ok(line.trim().parse()?)
}
