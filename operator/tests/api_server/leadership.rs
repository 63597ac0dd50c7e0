//! Several replicas: one works, the others stand by with warm caches, and there are never two that write.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use http::{Method, Request as HttpRequest, Response};
use kube::{
    Api,
    api::{DeleteParams, DynamicObject},
    client::{Body, ClientBuilder},
};
use nix::sys::signal::Signal;
use serde_json::json;
use shopkeeper_operator::{
    client::{USER_AGENT_NAME, as_replica},
    kind::Kind,
    lease::Role,
    metrics::Metrics,
};
use tower::{BoxError, Layer, Service};

use crate::support::{Process, Replica, Request, Strict, World, config, eventually, figures, lease_settings};

/// Longer than any test waits: whoever takes over sooner was told.
const LONG: u64 = 300;
/// Short enough to be waited for.
const SHORT: u64 = 8;

/// Deletes a child and waits until somebody has made it again.
async fn repaired(world: &World) {
    let services: Api<DynamicObject> =
        Api::namespaced_with(world.client.clone(), &world.namespace, &Kind::Service.resource());
    let uid = services.get("demo-cart").await.expect("the Service").metadata.uid;
    services.delete("demo-cart", &DeleteParams::default()).await.expect("to delete");
    eventually("the Service to come back", || async {
        let found = services.get_opt("demo-cart").await.expect("an answer");
        if found.is_some_and(|found| found.metadata.uid != uid) { Ok(()) } else { Err("not there".to_owned()) }
    })
    .await;
}

fn stores_that_are_ready(metrics: &Metrics) -> String {
    let text = figures(metrics, None);
    text.lines().find(|line| line.starts_with("operator_stores{ready=\"True\"}")).unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_sees_everything_writes_nothing_and_takes_over_when_it_is_told() {
    let world = World::new("standby").await;
    let lease = |identity: &str| lease_settings(&world.namespace, identity, LONG);
    let first = Replica::start(&world.config, world.settings(), lease("first"));
    first.until(Role::Holding).await;
    let second = Replica::start(&world.config, world.settings(), lease("second"));
    second.warm().await;
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    eventually("the standby to see the Store", || async {
        let seen = stores_that_are_ready(&second.metrics);
        if seen.ends_with(" 1") { Ok(()) } else { Err(seen) }
    })
    .await;
    assert_eq!((second.metrics.total_writes(), second.metrics.refused_writes()), (0, 0));
    assert_eq!(second.metrics.reconciles.with_label_values(&["store", "ok"]).get(), 0);
    assert_eq!((first.metrics.leader.get(), second.metrics.leader.get()), (1, 0));
    assert_eq!(*second.role.borrow(), Role::StandingBy);

    first.stop().await;
    second.until(Role::Holding).await;
    repaired(&world).await;
    assert_eq!(second.metrics.leader.get(), 1);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_died_is_not_taken_for_its_successor_of_the_same_name() {
    let world = World::new("successor").await;
    let settings = || lease_settings(&world.namespace, "one_a", LONG);
    let first = Replica::start(&world.config, world.settings(), settings());
    first.until(Role::Holding).await;
    let same_pod = shopkeeper_operator::lease::LeaseSettings { identity: "one_b".into(), ..settings() };
    let second = Replica::start(&world.config, world.settings(), same_pod);
    second.warm().await;
    assert_eq!(*second.role.borrow(), Role::StandingBy);
    first.stop().await;
    second.until(Role::Holding).await;
    second.stop().await;
}

/// Lets no renewal through any more once it is closed; everything else goes on.
#[derive(Clone, Default)]
struct Cut(Arc<AtomicBool>);

impl<S> Layer<S> for Cut {
    type Service = CutService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CutService { inner, closed: self.0.clone() }
    }
}

struct CutService<S> {
    inner: S,
    closed: Arc<AtomicBool>,
}

impl<S, B> Service<HttpRequest<Body>> for CutService<S>
where
    S: Service<HttpRequest<Body>, Response = Response<B>, Error = BoxError>,
    S::Future: Send + 'static,
    B: 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: HttpRequest<Body>) -> Self::Future {
        if self.closed.load(Ordering::SeqCst) && *request.method() == Method::PUT {
            return Box::pin(std::future::pending());
        }
        Box::pin(self.inner.call(request))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_cannot_renew_writes_nothing_once_another_one_may() {
    let world = World::new("cut-off").await;
    let cut = Cut::default();
    let mut config = as_replica(config().await, "first");
    config.default_retry = false;
    let claiming = ClientBuilder::try_from(config).expect("a client").with_layer(&cut).build();
    let (metrics, lease) = (Metrics::new().expect("metrics"), lease_settings(&world.namespace, "first", SHORT));
    // It goes on reconciling whatever becomes of its Lease, as a process does that does not know yet.
    let first = Replica::start_with(&world.config, world.settings(), lease, claiming, metrics);
    first.until(Role::Holding).await;
    world.apply("demo", json!({})).await;
    world.ready("demo").await;

    cut.0.store(true, Ordering::SeqCst);
    let second = Replica::start(&world.config, world.settings(), lease_settings(&world.namespace, "second", SHORT));
    second.until(Role::Holding).await;
    let before = first.metrics.total_writes();
    for _ in 0..3 {
        repaired(&world).await;
    }
    eventually("the first to try as well", || async {
        if first.metrics.refused_writes() > 0 { Ok(()) } else { Err("it has not".to_owned()) }
    })
    .await;
    assert_eq!(first.metrics.total_writes(), before, "the first has written while the second held the Lease");
    second.stop().await;
}

/// The writes of a process to anything but the Lease.
fn writes_of(requests: &[Request], process: &str) -> Vec<Request> {
    let agent = format!("{USER_AGENT_NAME} ({process}_");
    requests
        .iter()
        .filter(|it| it.is_write() && it.resource != "leases" && it.agent.starts_with(&agent))
        .cloned()
        .collect()
}

/// When a process took the Lease.
fn took_lease(requests: &[Request], process: &str) -> String {
    let agent = format!("{USER_AGENT_NAME} ({process}_");
    let taken = requests.iter().find(|it| {
        it.is_write() && it.resource == "leases" && it.agent.starts_with(&agent) && (200..300).contains(&it.code)
    });
    taken.expect("it took the Lease").received.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_was_stopped_and_one_that_was_killed_are_replaced_and_never_write_again() {
    let strict = Strict::start().await;
    let world = World::on(strict.admin().await, "stalled").await;
    let start = |name: &str| Process::start(&world, &strict.kubeconfig(), name, SHORT);
    let mut first = start("first");
    first.until("working").await;
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    let second = start("second");
    second.until("standing by").await;
    assert!(writes_of(&strict.requests(), "second").is_empty(), "a standby has written");

    // It is stopped with something to do: the change is on its way to it, or being worked on.
    world.apply("demo", json!({"profile": "Standard"})).await;
    first.signal(Signal::SIGSTOP);
    second.until("working").await;
    world.ready("demo").await;
    repaired(&world).await;
    world.apply("demo", json!({"profile": "Laptop"})).await;
    first.signal(Signal::SIGCONT);
    let status = first.end().await;
    assert_eq!(status.code(), Some(1), "{}", first.log());
    world.ready("demo").await;
    let requests = strict.requests();
    let taken = took_lease(&requests, "second");
    let late: Vec<_> = writes_of(&requests, "first").into_iter().filter(|it| it.received > taken).collect();
    assert!(late.is_empty(), "the stalled one wrote after {taken}: {late:#?}");
    assert!(!writes_of(&requests, "first").is_empty() && !writes_of(&requests, "second").is_empty());

    let third = start("third");
    third.until("standing by").await;
    second.signal(Signal::SIGKILL);
    third.until("working").await;
    repaired(&world).await;
    let requests = strict.requests();
    let taken = took_lease(&requests, "third");
    assert!(writes_of(&requests, "second").into_iter().all(|it| it.received < taken));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_told_to_end_hands_over_at_once() {
    let strict = Strict::start().await;
    let world = World::on(strict.admin().await, "told").await;
    let start = |name: &str| Process::start(&world, &strict.kubeconfig(), name, LONG);
    let mut first = start("first");
    first.until("working").await;
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    let second = start("second");
    second.until("standing by").await;

    first.signal(Signal::SIGTERM);
    assert_eq!(first.end().await.code(), Some(0), "{}", first.log());
    // Its Lease would have run for minutes.
    second.until("working").await;
    repaired(&world).await;
    let requests = strict.requests();
    let taken = took_lease(&requests, "second");
    assert!(writes_of(&requests, "first").into_iter().all(|it| it.received < taken));
    let (status, alive) = second.get("/livez").await;
    assert_eq!(status, 200, "{alive}");
}
