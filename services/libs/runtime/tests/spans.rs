//! What those who collect traces get to see of a service.
#![expect(clippy::expect_used, reason = "a test that can't go on fails with the reason")]

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use futures::FutureExt as _;
use prometheus::Registry;
use shop_runtime::client::Sibling;
use shop_runtime::context::Context;
use shop_runtime::db::Query;
use shop_runtime::layers::{self, Limits};
use shop_runtime::metrics::{DbMetrics, HttpMetrics, Page};
use shop_runtime::span::{self, Kind, Span};
use shop_runtime::trace::{self, TraceContext};
use shop_testkit::{Collected, Collector, spawn};

static QUERY: Query = Query::new("shop_test::store::things", "count");

/// Somebody who is asked by a service.
async fn sibling() -> Sibling {
    let url = served(Router::new().route("/things/{id}", get(async || "1")), &Registry::new(), "other").await;
    Sibling::new("other", &url, &"token".into(), Duration::from_secs(5)).expect("a good address")
}

async fn served(routes: Router, registry: &Registry, service: &'static str) -> String {
    let metrics = HttpMetrics::register(registry, service).expect("new");
    spawn(layers::wrap(routes, metrics, Limits::default())).await
}

/// Asks a sibling and the database, the latter in vain, in a task of its own.
async fn ask(State(other): State<Sibling>) -> String {
    let work = async move {
        let _: u32 = other.get("/things/7").await.expect("it answers");
        QUERY.run(async { Err::<(), _>(sqlx::Error::PoolTimedOut) }).await.expect_err("there is no database");
        trace::written().expect("a place")
    };
    tokio::spawn(Context::current().scope(Span::internal("look_around").run_and(work, |_, _| {})))
        .await
        .expect("no panic")
}

fn named<'a>(spans: &'a [Collected], name: &str) -> &'a Collected {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name} among {spans:#?}"))
}

#[tokio::test]
async fn a_request_is_a_tree_of_spans_whose_ids_are_those_that_are_passed_on() {
    let collector = Collector::of_this_process();
    let registry = Registry::new();
    DbMetrics::register(&registry).expect("new");
    let url =
        served(Router::new().route("/ask/{whom}", get(ask)).with_state(sibling().await), &registry, "first").await;
    let caller = TraceContext::generate();
    let request = reqwest::Client::new().get(format!("{url}/ask/ann-brown?secret=sesame"));
    let request = request.header("traceparent", caller.to_string()).header("tracestate", "rojo=1");
    let place = request.send().await.expect("an answer").text().await.expect("text");

    let id = caller.trace_id().to_string();
    let spans = collector.trace(&id, |spans| spans.len() == 5).await;
    let request = named(&spans, "GET /ask/{whom}");
    let (work, call) = (named(&spans, "look_around"), named(&spans, "GET other"));
    let (answer, query) = (named(&spans, "GET /things/{id}"), named(&spans, "things.count"));
    assert!(caller.to_string().contains(&request.parent));
    for (span, parent) in [(work, request), (call, work), (answer, call), (query, work)] {
        assert_eq!(span.parent, parent.id, "{}", span.name);
    }
    assert_eq!(place, format!("00-{id}-{}-01 rojo=1", work.id), "what is written down is the span that writes");
    assert!(spans.iter().all(|span| span.trace_state == "rojo=1"), "{spans:#?}");
    assert!(query.failed && !request.failed && !call.failed);
    assert_eq!(query.attributes["error.type"], "pool_timed_out");
    assert_eq!(
        (&*query.attributes["db.system.name"], &*query.attributes["db.operation.name"]),
        ("postgresql", "things.count")
    );
    assert_eq!(call.attributes["peer.service"], "other");
    assert_eq!(request.attributes["http.response.status_code"], "200");
    let told = format!("{spans:?}");
    assert!(!told.contains("ann-brown") && !told.contains("sesame") && !told.contains("token"), "{told}");

    // And the metrics lead to it.
    let wanted = [(http::header::ACCEPT, http::HeaderValue::from_static("application/openmetrics-text"))];
    let page = Page::of(&registry, &wanted.into_iter().collect()).expect("a page").text;
    let line = |name: &str, what: &str| page.lines().any(|line| line.starts_with(name) && line.contains(what));
    assert!(line("http_request_duration_seconds", &format!("# {{trace_id=\"{id}\"}}")), "{page}");
    // Which of this process' requests was the last to ask is not known.
    assert!(line("db_query_duration_seconds", "# {trace_id="), "{page}");
}

#[tokio::test]
async fn of_what_the_caller_does_not_want_to_be_collected_nothing_is() {
    let collector = Collector::of_this_process();
    let registry = Registry::new();
    let url =
        served(Router::new().route("/ask/{whom}", get(ask)).with_state(sibling().await), &registry, "second").await;
    let (unwanted, wanted) = (TraceContext::generate().sampled(false), TraceContext::generate());
    let mut pages = Vec::new();
    for caller in [unwanted, wanted] {
        let request = reqwest::Client::new().get(format!("{url}/ask/x")).header("traceparent", caller.to_string());
        let place = request.send().await.expect("an answer").text().await.expect("text");
        assert!(place.starts_with(&format!("00-{}", caller.trace_id())), "{place}");
        // After each, as the next one would take its place in a bucket.
        let accept = [(http::header::ACCEPT, http::HeaderValue::from_static("application/openmetrics-text"))];
        pages.push(Page::of(&registry, &accept.into_iter().collect()).expect("a page").text);
    }
    let [unwanted, wanted] = [unwanted, wanted].map(|caller| caller.trace_id().to_string());
    collector.trace(&wanted, |spans| spans.len() == 5).await;
    assert!(collector.spans().iter().all(|span| span.trace != unwanted));
    assert!(pages.iter().all(|page| !page.contains(&unwanted)), "{pages:#?}");
    assert!(pages[0].contains("http_request_duration_seconds_bucket") && pages[1].contains(&wanted), "{pages:#?}");
}

#[tokio::test]
async fn what_is_given_up_says_so_and_what_is_done_for_several_traces_is_linked_with_each() {
    let collector = Collector::of_this_process();
    let [one, other] = [TraceContext::generate(), TraceContext::generate()];
    let (context, span) = span::follow(Some(&(one, None)), Kind::Consumer, "given_up");
    let pending = context.scope(span.run_and(std::future::pending::<()>(), |_, ()| {}));
    tokio::time::timeout(Duration::from_millis(1), pending).await.expect_err("it never ends");
    let spans = collector.trace(&one.trace_id().to_string(), |spans| spans.len() == 1).await;
    assert_eq!(spans[0].attributes["cancelled"], "true");

    let places = [(one, None), (other, None)];
    let (context, span) = span::follow_all(&places, Kind::Internal, "for_both");
    let own = context.trace().expect("a place").trace_id();
    assert!(![one.trace_id(), other.trace_id()].contains(&own));
    context.scope(span.run_and(async {}, |_, ()| {})).await;
    let spans = collector.trace(&own.to_string(), |spans| spans.len() == 1).await;
    let linked = |place: TraceContext| spans[0].links.iter().any(|link| place.to_string().contains(link));
    assert!(linked(one) && linked(other), "{spans:?}");
    let (context, _) = span::follow_all(&[(one, None), (one.child(), None)], Kind::Internal, "for_one");
    assert_eq!(context.trace().map(TraceContext::trace_id), Some(one.trace_id()));
}

#[tokio::test]
async fn what_panics_has_failed_whether_it_is_dropped_by_the_panic_or_by_who_has_caught_it() {
    let collector = Collector::of_this_process();
    let one = TraceContext::generate();
    let inner = async {
        Span::internal("inner").run_and(async { panic!("for a test") }, |_, ()| {}).await;
    };
    let (context, span) = span::follow(Some(&(one, None)), Kind::Consumer, "outer");
    let outer = Box::pin(span.run_and(inner, |_, ()| {}));
    AssertUnwindSafe(context.scope(outer)).catch_unwind().await.expect_err("it panics");
    let spans = collector.trace(&one.trace_id().to_string(), |spans| spans.len() == 2).await;
    for name in ["inner", "outer"] {
        let span = named(&spans, name);
        assert!(span.failed && !span.attributes.contains_key("cancelled"), "{span:?}");
        assert_eq!(span.attributes["error.type"], "panic", "{span:?}");
    }
}
