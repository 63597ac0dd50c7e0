//! What is measured: each case in its turn, round after round, so that whatever else the machine does falls on all of them alike.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{bail, ensure};

use crate::client::{self, Client};
use crate::proc::{Spent, Watched};
use crate::report::{Row, Sample, median, table};
use crate::server::PRODUCTS;
use crate::setup::{Server, Shop};

/// One case.
struct Case<'a> {
    name: &'static str,
    server: &'a Server,
    path: fn(u64) -> String,
    /// What the answers' Cache-Status must hold, so that it is known that the case is what it is called.
    status: Option<&'static str>,
    /// The case that it is compared with, by its place in the list.
    against: Option<usize>,
    /// Microseconds of CPU, from the architecture's figures.
    limit: Option<f64>,
}

/// As many waiters as in a stampede.
const WAITERS: usize = 200;

/// Few enough keys to be in memory soon.
const HOT: u64 = 100;

fn cases(shop: &Shop) -> Vec<Case<'_>> {
    let case = |name, server, path, status, against| Case { name, server, path, status, against, limit: None };
    let bare = &shop.bare;
    vec![
        case("a bare axum handler", bare, |n| format!("/bare/{}", n % HOT), None, None),
        case("a bare Redis GET", bare, |n| format!("/get/{}", n % HOT), None, None),
        case("a bare query", bare, |n| format!("/query/{}", n % HOT), None, None),
        case("cache: from memory", bare, |n| format!("/local/{}", n % HOT), Some("detail=local"), Some(0)),
        case("cache: from Redis", bare, |n| format!("/remote/{}", n % HOT), Some("detail=redis"), Some(1)),
        case(
            "cache: miss (load, store)",
            bare,
            |n| format!("/remote/{}", 1_000_000 + n),
            Some("fwd=miss; stored"),
            Some(2),
        ),
        case("cache: pattern None", bare, |n| format!("/bypass/{}", n % HOT), Some("fwd=bypass"), Some(2)),
        case("cache: a tag invalidated", bare, |n| format!("/tag/{}", n % HOT), None, Some(1)),
        Case {
            limit: Some(35.0),
            ..case("catalog: product from memory", &shop.catalog_local, product, Some("detail=local"), Some(0))
        },
        Case {
            limit: Some(50.0),
            ..case("catalog: product from Redis", &shop.catalog_remote, product, Some("detail=redis"), Some(1))
        },
        Case {
            limit: Some(170.0),
            ..case("catalog: product not cached", &shop.catalog_uncached, product, Some("fwd=bypass"), Some(2))
        },
        Case {
            limit: Some(250.0),
            ..case("catalog: 20 products of a category", &shop.catalog_uncached, category, None, Some(2))
        },
    ]
}

fn product(number: u64) -> String {
    format!("/api/products/{}", number % HOT + 1)
}

fn category(_number: u64) -> String {
    "/api/products?category=fruit&limit=20".to_owned()
}

/// Every case, as a table.
pub(crate) async fn run(shop: &Shop, rounds: usize, turn: Duration, connections: usize) -> anyhow::Result<String> {
    ensure!(shop.owns_database()?, "PostgreSQL was not started from here, so its CPU time can't be told");
    let cases = cases(shop);
    let numbers = Arc::new(AtomicU64::new(0));
    for case in &cases {
        client::keep_busy(case.server.address, connections, turn / 2, &numbers, case.path).await?;
        check(case, &numbers).await?;
    }
    let mut samples: Vec<Vec<Sample>> = cases.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (case, samples) in cases.iter().zip(&mut samples) {
            let watched = Watched { server: case.server.pid };
            let before = watched.read()?;
            let answered = client::keep_busy(case.server.address, connections, turn, &numbers, case.path).await?;
            samples.push(Sample::new(watched.read()?.since(&before), answered));
        }
    }
    let rows = cases.iter().zip(&samples).map(|(case, own)| Row {
        name: case.name,
        samples: own,
        against: case.against.map(|at| (cases[at].name, samples[at].as_slice())),
        limit: case.limit,
    });
    Ok(table(rows))
}

async fn check(case: &Case<'_>, numbers: &AtomicU64) -> anyhow::Result<()> {
    let Some(status) = case.status else { return Ok(()) };
    let number = numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let answer = Client::connect(case.server.address).await?.get(&(case.path)(number)).await?;
    let line = answer.head.lines().find(|line| line.starts_with("cache-status: ")).unwrap_or("no Cache-Status");
    if !line.contains(status) {
        bail!("{}: {line}, not {status}", case.name);
    }
    Ok(())
}

/// Many who ask for the same cold key at once.
pub(crate) async fn stampedes(shop: &Shop, rounds: usize) -> anyhow::Result<String> {
    let address = shop.bare.address;
    let mut control = Client::connect(address).await?;
    let watched = Watched { server: shop.bare.pid };
    let (mut most, mut walls, mut cpu) = (0, Vec::new(), Vec::new());
    for round in 0..rounds {
        let key = 1_000_000_000 + round as u64 * u64::from(PRODUCTS);
        let before = (loads(&mut control).await?, watched.read()?);
        walls.push(client::stampede(address, WAITERS, &format!("/remote/{key}")).await?.as_secs_f64() * 1e3);
        let spent: Spent = watched.read()?.since(&before.1);
        cpu.push(spent.all() as f64 / 1e3 / WAITERS as f64);
        most = most.max(loads(&mut control).await? - before.0);
    }
    Ok(format!(
        "A stampede of {WAITERS} on a cold key, {rounds} times: at most {most} load each, all answered within {:.1} ms (median), \
         {:.1} µs of CPU for an answer, its connection included.\n",
        median(&mut walls),
        median(&mut cpu),
    ))
}

async fn loads(client: &mut Client) -> anyhow::Result<u64> {
    Ok(String::from_utf8(client.get("/loads").await?.body)?.parse()?)
}
