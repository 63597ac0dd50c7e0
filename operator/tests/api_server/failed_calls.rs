//! Every single call from an empty namespace to a Store that is Ready fails once, and the Store comes to the same end.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::{Value, json};
use shopkeeper_operator::{
    client::{ANSWER_WITHIN, client},
    metrics::Metrics,
};

use crate::support::{Mishap, Mishaps, Shape, World, shape, until_shaped};

/// So many worlds at a time.
const AT_ONCE: usize = 8;

/// The ways in which calls fail, reads, lists, watches and writes alike.
const WAYS: [Mishap; 6] = [
    Mishap::Conflict,
    Mishap::TooManyRequests,
    Mishap::InternalError,
    Mishap::NoAnswer,
    Mishap::RequestLost,
    Mishap::AnswerLost,
];

fn spec() -> Value {
    json!({"demo": {"products": 1}})
}

/// Counts calls, and lets one of them go wrong.
fn one_fails(failing: usize, way: Mishap) -> (Mishaps, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let mishaps = Mishaps::new(move |_| (count.fetch_add(1, Ordering::SeqCst) == failing).then_some(way));
    (mishaps, calls)
}

/// Each call in one of the ways: all of them together in every run, and each way for a sixth of the calls.
#[tokio::test(flavor = "multi_thread")]
async fn whichever_call_fails_in_whatever_way_the_store_comes_to_the_same_end() {
    all_converge("call", |call| vec![WAYS[call % WAYS.len()]]).await;
}

/// Each call in each of the ways: some six hundred Stores.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes seven minutes alone: cargo test --test api_server -- --ignored whichever_call_fails_in_each_way"]
async fn whichever_call_fails_in_each_way_the_store_comes_to_the_same_end() {
    all_converge("each-call", |_| WAYS.to_vec()).await;
}

async fn all_converge(name: &str, ways: impl Fn(usize) -> Vec<Mishap>) {
    let whole = World::new(&format!("{name}-none")).await;
    let (none, calls) = one_fails(usize::MAX, Mishap::Conflict);
    let operator = whole.operator_through(&none);
    whole.apply("demo", spec()).await;
    whole.ready("demo").await;
    let expected = shape(&whole).await;
    operator.stop().await;
    let calls = calls.load(Ordering::SeqCst);
    assert!(calls > 80, "{calls} calls");

    let combinations: Vec<_> = (0..calls).flat_map(|call| ways(call).into_iter().map(move |way| (call, way))).collect();
    let tried = combinations.len();
    let came_about = stream::iter(combinations)
        .map(|(call, way)| converges_though_one_fails(name, call, way, &expected))
        .buffer_unordered(AT_ONCE)
        .filter(|came_about| std::future::ready(*came_about))
        .count()
        .await;
    // Things that happen together are told together, so the last calls of the first run are not made in each.
    assert!(came_about * 10 >= tried * 9, "{came_about} of {tried} calls were there to fail");
}

#[tokio::test]
async fn an_answer_that_never_comes_is_not_waited_for_without_end() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", silent.local_addr().expect("an address"));
    let metrics = Metrics::new().expect("metrics");
    let client = client(kube::Config::new(address.parse().expect("an address")), &metrics).expect("a client");
    // The clock runs ahead while everybody waits.
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let answer = kube::Api::<ConfigMap>::default_namespaced(client).list(&kube::api::ListParams::default()).await;
    assert!(answer.is_err());
    assert!(begun.elapsed() >= ANSWER_WITHIN);
}

/// Whether there was such a call.
async fn converges_though_one_fails(name: &str, call: usize, way: Mishap, expected: &Shape) -> bool {
    let world = World::new(&format!("{name}-{call}-{way:?}").to_lowercase()).await;
    let (mishaps, calls) = one_fails(call, way);
    let operator = world.operator_through(&mishaps);
    world.apply("demo", spec()).await;
    world.ready("demo").await;
    until_shaped(&world, expected, &format!("the same end when call {call} meets {way:?}")).await;
    operator.stop().await;
    calls.load(Ordering::SeqCst) > call
}
