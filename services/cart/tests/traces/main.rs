//! A checkout as those who collect traces see it: through all services, and with everything that comes of it later.
#![expect(clippy::expect_used, reason = "a test that can't go on fails with the reason")]

mod shop;

use std::collections::{BTreeSet, HashMap, HashSet};

use shop_order::events::{ORDER_NEWS, ORDER_STATUS};
use shop_runtime::trace::TraceContext;
use shop_testkit::{Collected, Collector};

use crate::shop::Shop;

/// What a span may say. Whatever is added here must say nothing of who somebody is, and have few values or be a number that means nothing.
const SAID: [&str; 23] = [
    "attempt",
    "cache.name",
    "cache.outcome",
    "cache.reason",
    "cache.tier",
    "checkout.state",
    "db.operation.name",
    "db.system.name",
    "error.type",
    "http.request.method",
    "http.request.resend_count",
    "http.response.status_code",
    "http.route",
    "messaging.batch.message_count",
    "messaging.destination.name",
    "messaging.message.id",
    "messaging.operation.name",
    "order.from",
    "order.to",
    "peer.service",
    "request.id",
    "cache.stale",
    "cancelled",
];

/// The spans of a trace, and how they hang together.
struct Trace {
    spans: Vec<Collected>,
    by_id: HashMap<String, usize>,
}

impl Trace {
    fn new(spans: Vec<Collected>) -> Self {
        let by_id = spans.iter().enumerate().map(|(place, span)| (span.id.clone(), place)).collect();
        Self { spans, by_id }
    }

    fn parent(&self, span: &Collected) -> Option<&Collected> {
        self.by_id.get(&span.parent).map(|place| &self.spans[*place])
    }

    /// Whether there is a span of this name below one of that name, with others in between or not.
    #[track_caller]
    fn assert_below(&self, name: &str, ancestor: &str) {
        let named: Vec<_> = self.spans.iter().filter(|span| span.name == name).collect();
        let is_below = |span: &&Collected| {
            std::iter::successors(self.parent(span), |span| self.parent(span)).any(|above| above.name == ancestor)
        };
        let all: BTreeSet<_> = self.spans.iter().map(|span| &*span.name).collect();
        assert!(named.iter().any(is_below), "no {name} below {ancestor} in {all:#?}");
    }
}

/// The steps of the order have been made, everyone has been told of each, and nothing is missing in between.
fn is_complete(spans: &[Collected]) -> bool {
    let topics = [ORDER_NEWS, ORDER_STATUS].map(str::to_owned);
    let topics = topics.iter().collect::<BTreeSet<_>>();
    let steps: Vec<_> = spans.iter().filter(|span| span.name == "order.transition").collect();
    // Each by itself or together with those of other steps, and more than once where an answer was lost.
    let is_told = |step: &&Collected| {
        let of_step = |span: &&Collected| span.parent == step.id || span.links.contains(&step.id);
        let arrived = spans.iter().filter(|span| span.name == "outbox.deliver" && !span.failed).filter(of_step);
        arrived.filter_map(|span| span.attributes.get("messaging.destination.name")).collect::<BTreeSet<_>>() == topics
    };
    let ids: HashSet<_> = spans.iter().map(|span| &span.id).collect();
    let without_parent = spans.iter().filter(|span| !ids.contains(&span.parent)).count();
    steps.len() == 3 && steps.iter().all(is_told) && without_parent == 1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_is_one_trace_from_the_request_to_the_delivery_of_the_order() {
    let collector = Collector::of_this_process();
    let shop = Shop::start().await;
    let customer = shop.customer();
    customer.add(1, 2).await;
    let caller = TraceContext::generate();
    customer.check_out(caller).await;

    let trace = caller.trace_id().to_string();
    let trace = Trace::new(collector.trace(&trace, is_complete).await);
    let roots: Vec<_> = trace.spans.iter().filter(|span| trace.parent(span).is_none()).collect();
    assert_eq!(roots.iter().map(|span| &*span.name).collect::<Vec<_>>(), ["POST /cart-api/cart/checkout"]);
    assert!(caller.to_string().contains(&roots[0].parent), "it is below its caller");
    for (name, ancestor) in [
        // The request, the catalog's part of it, and the order.
        ("checkout", "POST /cart-api/cart/checkout"),
        ("checkouts.begin", "checkout.begin"),
        ("checkout.step", "checkout"),
        ("PUT catalog", "checkout.step"),
        ("PUT /internal/reservations/{order_id}", "PUT catalog"),
        ("reserve_stock", "PUT /internal/reservations/{order_id}"),
        ("reservations.take", "reserve_stock"),
        ("commit_stock", "POST /internal/reservations/{order_id}/commit"),
        ("create_order", "PUT /internal/orders/{id}"),
        ("orders.insert", "create_order"),
        // The caches and Redis.
        ("cache.put", "checkout.step"),
        ("redis cache.put", "cache.put"),
        ("redis cache.begin", "checkout.step"),
        ("redis rate_limit.admit", "checkout.begin"),
        // What is told to others, and what they do with it.
        ("outbox.insert", "outbox.enqueue"),
        ("outbox.deliver", "outbox.enqueue"),
        ("POST user", "outbox.deliver"),
        ("POST catalog", "outbox.deliver"),
        // What the clock does with the order later.
        ("order.transition", "create_order"),
        ("orders.tick", "create_order"),
        ("moves.make", "orders.tick"),
    ] {
        trace.assert_below(name, ancestor);
    }
    let steps: BTreeSet<_> = trace.spans.iter().filter_map(|span| span.attributes.get("order.to")).collect();
    assert_eq!(steps.into_iter().collect::<Vec<_>>(), ["DELIVERED", "PROCESSING", "SHIPPING"]);

    // The addition is a trace of its own, and reads what it needs.
    let all = collector.spans();
    let addition = all.iter().find(|span| span.name == "add_to_cart").expect("it is collected");
    let of_addition = Trace::new(all.iter().filter(|span| span.trace == addition.trace).cloned().collect());
    of_addition.assert_below("POST /internal/products/quote", "add_to_cart");
    of_addition.assert_below("carts.put_line", "add_to_cart");
    assert_tells_nobody(&all, &customer);
}

/// Spans are seen by many who need not know who buys what.
#[track_caller]
fn assert_tells_nobody(spans: &[Collected], customer: &shop::Customer) {
    let said: BTreeSet<_> = spans.iter().flat_map(|span| span.attributes.keys().map(String::as_str)).collect();
    let unknown: Vec<_> = said.iter().filter(|key| !SAID.contains(key)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let told = format!("{spans:?}");
    for secret in customer.secrets() {
        assert!(!told.contains(&secret), "{secret} is told");
    }
}
