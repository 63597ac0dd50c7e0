//! What is measured: each case in its turn, round after round, so that whatever else the machine does falls on all of them alike.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::bail;

use crate::client::{self, Call, Client, Script};
use crate::customers::{HOT, add, order};
use crate::proc::Watched;
use crate::report::{Row, Sample, median, table};
use crate::server::PRODUCTS;
use crate::setup::{Server, Shop};

/// As many waiters as in a stampede.
const WAITERS: usize = 200;

/// One case.
struct Case<'a> {
    name: &'static str,
    server: &'a Server,
    /// Whether the CPU time of all four services counts, since they ask each other.
    everywhere: bool,
    script: Script,
    /// What the answers' Cache-Status must hold, so that it is known that the case is what it is called.
    status: Option<&'static str>,
    /// The case that it is compared with, by its place in the list.
    against: Option<usize>,
    /// Microseconds of CPU, from the architecture's figures.
    limit: Option<f64>,
}

impl<'a> Case<'a> {
    fn new(name: &'static str, server: &'a Server, script: Script) -> Self {
        Self { name, server, everywhere: false, script, status: None, against: None, limit: None }
    }

    fn cached(self, status: &'static str) -> Self {
        Self { status: Some(status), ..self }
    }

    fn against(self, place: usize) -> Self {
        Self { against: Some(place), ..self }
    }

    fn at_most(self, limit: f64) -> Self {
        Self { limit: Some(limit), ..self }
    }

    fn everywhere(self) -> Self {
        Self { everywhere: true, ..self }
    }

    fn watched(&self, shop: &Shop) -> Watched {
        let all = || shop.services.iter().map(|server| server.pid).collect();
        Watched { servers: if self.everywhere { all() } else { vec![self.server.pid] } }
    }
}

const HANDLER: usize = 0;
const GET: usize = 1;
const QUERY: usize = 2;
const WRITE: usize = 3;

fn cases(shop: &Shop) -> Vec<Case<'_>> {
    let mut cases = bare(shop);
    cases.extend(reads(shop));
    cases.extend(customers(shop));
    cases
}

/// The barest means, and the cache library alone.
fn bare(shop: &Shop) -> Vec<Case<'_>> {
    let case = |name, script| Case::new(name, &shop.bare, script);
    vec![
        case("a bare axum handler", |_, n| vec![Call::get(format!("/bare/{}", n % HOT))]),
        case("a bare Redis GET", |_, n| vec![Call::get(format!("/get/{}", n % HOT))]),
        case("a bare query", |_, n| vec![Call::get(format!("/query/{}", n % HOT))]),
        case("a bare write", |_, n| vec![Call::post(format!("/write/{}", n % u64::from(PRODUCTS)))]),
        case("cache: from memory", |_, n| vec![Call::get(format!("/local/{}", n % HOT))])
            .cached("detail=local")
            .against(HANDLER),
        case("cache: from Redis", |_, n| vec![Call::get(format!("/remote/{}", n % HOT))])
            .cached("detail=redis")
            .against(GET),
        case("cache: miss (load, store)", |_, n| vec![Call::get(format!("/remote/{}", 1_000_000 + n))])
            .cached("fwd=miss; stored")
            .against(QUERY),
        case("cache: pattern None", |_, n| vec![Call::get(format!("/bypass/{}", n % HOT))])
            .cached("fwd=bypass")
            .against(QUERY),
        case("cache: a tag invalidated", |_, n| vec![Call::get(format!("/tag/{}", n % HOT))]).against(GET),
    ]
}

/// What everybody reads.
fn reads(shop: &Shop) -> Vec<Case<'_>> {
    let product: Script = |_, n| vec![Call::get(format!("/api/products/{}", n % HOT + 1))];
    vec![
        Case::new("product, from memory", shop.catalog(), product)
            .cached("detail=local")
            .against(HANDLER)
            .at_most(35.0),
        Case::new("product, from Redis", &shop.catalog_remote, product)
            .cached("detail=redis")
            .against(GET)
            .at_most(50.0),
        Case::new("product, not cached", &shop.catalog_uncached, product)
            .cached("fwd=bypass")
            .against(QUERY)
            .at_most(170.0),
        Case::new("20 products of a category", shop.catalog(), |_, _| {
            vec![Call::get("/api/products?category=fruit&limit=20")]
        })
        .against(QUERY)
        .at_most(250.0),
        Case::new("search, 20 found", shop.catalog(), |_, n| {
            const WORDS: [&str; 4] = ["apple", "milk", "chocolate", "bread"];
            let word = WORDS[usize::try_from(n).unwrap_or_default() % WORDS.len()];
            vec![Call::get(format!("/api/products?q={word}&limit=20"))]
        })
        .against(QUERY),
        Case::new("search, misspelt", shop.catalog(), |_, n| {
            const WORDS: [&str; 4] = ["aple", "mlik", "chocolte", "braed"];
            let word = WORDS[usize::try_from(n).unwrap_or_default() % WORDS.len()];
            vec![Call::get(format!("/api/products?q={word}&limit=20"))]
        })
        .against(QUERY),
        Case::new("bestsellers", shop.catalog(), |_, _| vec![Call::get("/api/bestsellers")])
            .cached("hit")
            .against(HANDLER),
    ]
}

/// What a customer does.
fn customers(shop: &Shop) -> Vec<Case<'_>> {
    vec![
        Case::new("cart, read", shop.cart(), |customers, n| vec![Call::get("/cart-api/cart").by(customers.regular(n))])
            .everywhere()
            .cached("hit")
            .against(GET)
            .at_most(60.0),
        Case::new("cart, add a line", shop.cart(), |customers, n| {
            vec![add(customers.collector(n), n / 7 % (HOT / 2) + 1)]
        })
        .everywhere()
        .against(WRITE)
        .at_most(450.0),
        Case::new("an order: two adds and the checkout", shop.cart(), |customers, n| order(customers.buyer(n), n))
            .everywhere()
            .against(WRITE)
            .at_most(3_000.0),
        Case::new("own orders, 20 of them at most", shop.order(), |customers, n| {
            vec![Call::get("/order-api/orders?limit=20").by(customers.regular(n))]
        })
        .everywhere()
        .against(QUERY),
        Case::new("profile, with cart and orders", shop.user(), |customers, n| {
            vec![Call::get("/user-api/users/me/profile").by(customers.regular(n))]
        })
        .everywhere()
        .against(QUERY),
    ]
}

/// Every case whose name has this in it, and what they are compared with, as a table.
pub(crate) async fn run(
    shop: &Shop,
    only: &str,
    rounds: usize,
    turn: Duration,
    connections: usize,
) -> anyhow::Result<String> {
    // The bare ones stand first, where the others look for them.
    let wanted = |(place, case): &(usize, Case<'_>)| *place <= WRITE || case.name.contains(only);
    let cases: Vec<Case<'_>> = cases(shop).into_iter().enumerate().filter(wanted).map(|(_, case)| case).collect();
    let numbers = Arc::new(AtomicU64::new(0));
    let busy = async |case: &Case<'_>, lasts| {
        client::keep_busy(case.server.address, connections, lasts, &shop.customers, &numbers, case.script).await
    };
    for case in &cases {
        busy(case, turn / 2).await?;
        check(case, shop, &numbers).await?;
    }
    let mut samples: Vec<Vec<Sample>> = cases.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (case, samples) in cases.iter().zip(&mut samples) {
            let watched = case.watched(shop);
            shop.settle().await?;
            let before = watched.read()?;
            let played = busy(case, turn).await?;
            if case.everywhere {
                // What follows from an order belongs to it: its outboxes are empty before the time is read.
                shop.settle().await?;
            }
            samples.push(Sample::new(watched.read()?.since(&before), played));
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

async fn check(case: &Case<'_>, shop: &Shop, numbers: &AtomicU64) -> anyhow::Result<()> {
    let Some(status) = case.status else { return Ok(()) };
    let mut client = Client::connect(case.server.address).await?;
    for call in (case.script)(&shop.customers, numbers.fetch_add(1, Ordering::Relaxed)) {
        let answer = client.send(&call).await?;
        let line = answer.head.lines().find(|line| line.starts_with("cache-status: ")).unwrap_or("no Cache-Status");
        if !line.contains(status) {
            bail!("{}: {line}, not {status}", case.name);
        }
    }
    Ok(())
}

/// Many who ask for the same cold key at once.
pub(crate) async fn stampedes(shop: &Shop, rounds: usize) -> anyhow::Result<String> {
    let address = shop.bare.address;
    let mut control = Client::connect(address).await?;
    let watched = Watched { servers: vec![shop.bare.pid] };
    let (mut most, mut walls, mut cpu) = (0, Vec::new(), Vec::new());
    for round in 0..rounds {
        let key = 1_000_000_000 + round as u64 * u64::from(PRODUCTS);
        let before = (loads(&mut control).await?, watched.read()?);
        walls.push(client::stampede(address, WAITERS, &format!("/remote/{key}")).await?.as_secs_f64() * 1e3);
        cpu.push(watched.read()?.since(&before.1).all() as f64 / 1e3 / WAITERS as f64);
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
