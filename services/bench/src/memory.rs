//! The memory of the services, at rest and after the load, and of an entry of the cache in both tiers.

use std::fmt::Write as _;

use anyhow::Context as _;
use redis::aio::MultiplexedConnection;

use crate::client::Client;
use crate::proc;
use crate::setup::Shop;

/// So many entries more.
const ENTRIES: u64 = 20_000;

/// Megabytes, from the architecture's figures.
const AT_REST: f64 = 15.0;
const AFTER: f64 = 40.0;

/// What each service holds, as a table; to be asked for after the load.
pub(crate) fn services(shop: &Shop) -> anyhow::Result<String> {
    let mut text = format!(
        "| memory of a service, MB | at rest | after all of this | limits {AT_REST:.0} and {AFTER:.0} |\n| --- | ---: | ---: | --- |\n"
    );
    for (server, (name, at_rest)) in shop.services.iter().zip(&shop.at_rest) {
        let (at_rest, after) = (*at_rest as f64 / 1e6, proc::resident(server.pid)? as f64 / 1e6);
        let verdict = match (at_rest <= AT_REST, after <= AFTER) {
            (true, true) => "reached",
            (true, false) => "missed after the load",
            (false, true) => "missed at rest",
            (false, false) => "missed",
        };
        writeln!(text, "| {name} | {at_rest:.1} | {after:.1} | {verdict} |")?;
    }
    Ok(text)
}

/// Fills both tiers with entries, and divides what they take.
pub(crate) async fn entry(shop: &Shop) -> anyhow::Result<String> {
    let mut client = Client::connect(shop.bare.address).await?;
    let mut redis =
        redis::Client::open(format!("redis://{}", shop.redis.address()))?.get_multiplexed_async_connection().await?;
    let first = 2_000_000_000;
    let length = client.get(&format!("/local/{first}")).await?.body.len();
    let before = (proc::resident(shop.bare.pid)?, used(&mut redis).await?);
    for key in first..first + ENTRIES {
        client.get(&format!("/local/{key}")).await?;
    }
    let after = (proc::resident(shop.bare.pid)?, used(&mut redis).await?);
    let each = |after: u64, before: u64| after.saturating_sub(before) as f64 / ENTRIES as f64;
    Ok(format!(
        "An entry of {length} bytes of JSON takes {:.0} bytes in a pod's memory and {:.0} bytes in Redis (of {ENTRIES}).\n",
        each(after.0, before.0),
        each(after.1, before.1),
    ))
}

async fn used(redis: &mut MultiplexedConnection) -> anyhow::Result<u64> {
    let info: String = redis::cmd("INFO").arg("memory").query_async(redis).await?;
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory:")).context("INFO tells it")?;
    Ok(line.trim().parse()?)
}
