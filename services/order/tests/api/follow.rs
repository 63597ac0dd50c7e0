//! Customers who follow an order.

use std::time::Duration;

use serde_json::Value;
use shop_auth::{Revocation, Role};
use shop_order::streams::StreamLimits;
use shop_testkit::eventually;
use shop_types::{OrderId, SessionId, UserId};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use crate::support::{NEVER, Service};

/// Streams that hear of moves only by the notices of the database.
const SILENT: StreamLimits = StreamLimits {
    total: 100,
    per_user: 100,
    heartbeat: Duration::from_secs(3600),
    lifetime: Duration::from_secs(3600),
};

/// A stream as its client reads it.
struct Events {
    response: reqwest::Response,
    text: String,
}

impl Events {
    /// The lines of the next event or comment; none once the stream has ended.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(event);
            }
            let chunk = tokio::time::timeout(Duration::from_secs(60), self.response.chunk()).await;
            let chunk = chunk.expect("the stream is not silent for a minute").expect("the stream is not cut off")?;
            self.text.push_str(std::str::from_utf8(&chunk).expect("it is text"));
        }
    }

    /// The id and the status of the next event; comments are passed over.
    async fn moved(&mut self) -> Option<(String, String)> {
        loop {
            let event = self.next().await?;
            let field =
                |name| event.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
            let Some(id) = field("id:") else { continue };
            assert_eq!(field("event:").as_deref(), Some("order_status"));
            let data: Value = serde_json::from_str(&field("data:").expect("an event has data")).expect("it is JSON");
            assert_eq!(data["version"].to_string(), id);
            assert!(data["order_id"].is_string() && data["occurred_at"].is_string());
            return Some((id, data["status"].as_str().expect("a status").to_owned()));
        }
    }

    /// Only when to come back is told, and the stream ends.
    async fn ends_with_a_hint(&mut self) {
        let last = self.next().await.expect("a hint");
        let retry = last.lines().find_map(|line| line.strip_prefix("retry:")).expect("when to come back");
        assert!((500..=3_050).contains(&retry.trim().parse::<u32>().expect("milliseconds")), "{last}");
        assert_eq!(self.next().await, None);
    }

    async fn rest(mut self) -> Vec<String> {
        let mut rest = Vec::new();
        while let Some((_, status)) = self.moved().await {
            rest.push(status);
        }
        rest
    }
}

impl Service {
    async fn open(&self, url: &str, id: OrderId, user: UserId, last: Option<&str>) -> reqwest::Response {
        self.open_with(url, id, &self.keys.token(user, Role::User), last).await
    }

    async fn open_with(&self, url: &str, id: OrderId, token: &str, last: Option<&str>) -> reqwest::Response {
        let request = self.client.get(format!("{url}/order-api/orders/{id}/events")).bearer_auth(token);
        let request = last.into_iter().fold(request, |request, last| request.header("last-event-id", last));
        request.send().await.expect("the service answers")
    }

    async fn follow(&self, url: &str, id: OrderId, user: UserId, last: Option<&str>) -> Events {
        self.follow_with(url, id, &self.keys.token(user, Role::User), last).await
    }

    async fn follow_with(&self, url: &str, id: OrderId, token: &str, last: Option<&str>) -> Events {
        let response = self.open_with(url, id, token, last).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Events { response, text: String::new() }
    }

    fn streams(&self) -> i64 {
        self.counter("order_streams_active", &[])
    }
}

fn event(id: &str, status: &str) -> (String, String) {
    (id.to_owned(), status.to_owned())
}

#[tokio::test]
async fn a_follower_hears_at_once_of_moves_that_another_replica_makes_until_the_order_has_come_to_its_end() {
    let service = Service::streaming(SILENT).await;
    let user = UserId::generate();
    let id = service.order_of(user).await;
    let mut events = service.follow(&service.url, id, user, None).await;
    assert_eq!(events.moved().await, Some(event("1", "CREATED")));
    // With connections of its own, as any replica.
    let other = service.another_replica(NEVER);
    for (version, to) in [("2", "PROCESSING"), ("3", "SHIPPING"), ("4", "DELIVERED")] {
        other.advance(id, to.parse().expect("a status")).await.expect("a legal step");
        assert_eq!(events.moved().await, Some(event(version, to)));
    }
    assert_eq!(events.next().await, None, "nothing follows");
    eventually("its place is free", async || service.streams() == 0).await;
}

#[tokio::test]
async fn a_follower_who_comes_back_to_another_replica_misses_nothing_and_is_told_nothing_twice() {
    let service = Service::streaming(SILENT).await;
    let twin = service.twin().await;
    let user = UserId::generate();
    let id = service.order_of(user).await;
    let mut events = service.follow(&service.url, id, user, None).await;
    assert_eq!(events.moved().await, Some(event("1", "CREATED")));
    drop(events);
    service.advance(id, "PROCESSING").await;
    service.advance(id, "SHIPPING").await;
    let mut events = service.follow(&twin, id, user, Some("1")).await;
    assert_eq!(events.moved().await, Some(event("2", "PROCESSING")));
    assert_eq!(events.moved().await, Some(event("3", "SHIPPING")));
    service.advance(id, "DELIVERED").await;
    assert_eq!(events.rest().await, ["DELIVERED"]);

    assert_eq!(service.open(&twin, id, user, Some("4")).await.status(), 204, "a browser does not come back then");
    let whole = ["CREATED", "PROCESSING", "SHIPPING", "DELIVERED"];
    assert_eq!(service.follow(&twin, id, user, None).await.rest().await, whole);
    assert_eq!(service.follow(&twin, id, user, Some("99")).await.rest().await, whole, "of another shop, maybe");
    for rubbish in ["x", "-1", "1.5", "99999999999"] {
        assert_eq!(service.open(&twin, id, user, Some(rubbish)).await.status(), 400, "{rubbish}");
    }
}

#[tokio::test]
async fn a_move_whose_notice_was_lost_is_found_at_the_next_heartbeat() {
    let service = Service::streaming(StreamLimits { heartbeat: Duration::from_millis(100), ..SILENT }).await;
    let user = UserId::generate();
    let id = service.order_of(user).await;
    let mut events = service.follow(&service.url, id, user, Some("1")).await;
    assert_eq!(events.next().await.as_deref(), Some(": still here"));
    sqlx::query(
        "INSERT INTO order_history (order_id, version, from_status, to_status) VALUES ($1, 2, 'CREATED', 'CANCELLED')",
    )
    .bind(id)
    .execute(&service.pool)
    .await
    .expect("it can be written");
    assert_eq!(events.rest().await, ["CANCELLED"]);
}

#[tokio::test]
async fn streams_are_limited_and_one_that_ends_makes_room() {
    let limits = StreamLimits { total: 3, per_user: 2, heartbeat: Duration::from_millis(100), ..SILENT };
    let service = Service::streaming(limits).await;
    let (ann, bob) = (UserId::generate(), UserId::generate());
    let (hers, his) = (service.order_of(ann).await, service.order_of(bob).await);
    let first = service.follow(&service.url, hers, ann, None).await;
    let _second = service.follow(&service.url, hers, ann, None).await;
    let refused = service.open(&service.url, hers, ann, None).await;
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(shop_testkit::problem(refused).await.slug(), Some("too-many-streams"));
    let _third = service.follow(&service.url, his, bob, None).await;
    let refused = shop_testkit::problem(service.open(&service.url, his, bob, None).await).await;
    assert_eq!((refused.status, refused.slug()), (503, Some("overloaded")));
    assert_eq!(service.streams(), 3);
    drop(first);
    eventually("whoever has gone is forgotten", async || service.streams() == 2).await;
    service.follow(&service.url, his, bob, None).await;
}

#[tokio::test]
async fn streams_end_when_the_service_stops_and_say_when_to_come_back() {
    let service = Service::streaming(SILENT).await;
    let user = UserId::generate();
    let id = service.order_of(user).await;
    let mut events = service.follow(&service.url, id, user, None).await;
    assert_eq!(events.moved().await, Some(event("1", "CREATED")));
    service.stop.cancel();
    events.ends_with_a_hint().await;
    eventually("its place is free", async || service.streams() == 0).await;
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_the_customers_other_session_goes_on() {
    let service = Service::streaming(SILENT).await;
    let (user, ended) = (UserId::generate(), SessionId::generate());
    let id = service.order_of(user).await;
    let token = |session| service.keys.token_of_session(user, Role::User, session);
    let mut events = service.follow_with(&service.url, id, &token(ended), None).await;
    let mut others = service.follow_with(&service.url, id, &token(SessionId::generate()), None).await;
    for stream in [&mut events, &mut others] {
        assert_eq!(stream.moved().await, Some(event("1", "CREATED")));
    }
    service.auth.revocations().note([Revocation { session: ended, until: i64::MAX }]);
    events.ends_with_a_hint().await;
    eventually("its place is free", async || service.streams() == 1).await;
    assert_eq!(service.open_with(&service.url, id, &token(ended), Some("1")).await.status(), 401);
    service.advance(id, "PROCESSING").await;
    assert_eq!(others.moved().await, Some(event("2", "PROCESSING")));
}

#[tokio::test]
async fn a_move_after_the_end_of_the_session_is_not_told() {
    let service = Service::streaming(SILENT).await;
    let (user, session) = (UserId::generate(), SessionId::generate());
    let id = service.order_of(user).await;
    let token = service.keys.token_of_session(user, Role::User, session);
    let mut events = service.follow_with(&service.url, id, &token, None).await;
    assert_eq!(events.moved().await, Some(event("1", "CREATED")));
    // Whether the look at the session comes first or the move does.
    service.auth.revocations().note([Revocation { session, until: i64::MAX }]);
    service.advance(id, "PROCESSING").await;
    events.ends_with_a_hint().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let service = Service::streaming(SILENT).await;
    let user = UserId::generate();
    let id = service.order_of(user).await;
    let lifetime = Duration::from_secs(2);
    let token = service.keys.signer().issue(user, "U", Role::User, lifetime).expect("it can be signed");
    let mut events = service.follow_with(&service.url, id, &token, Some("1")).await;
    events.ends_with_a_hint().await;
    eventually("its place is free", async || service.streams() == 0).await;
    service.advance(id, "PROCESSING").await;
    let mut events = service.follow(&service.url, id, user, Some("1")).await;
    assert_eq!(events.moved().await, Some(event("2", "PROCESSING")), "with a fresh token nothing is missed");
}

#[tokio::test]
async fn a_server_that_stops_does_not_wait_for_those_who_follow_an_order() {
    let service = Service::streaming(SILENT).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it has an address"));
    let grace = Duration::from_secs(600);
    let server = tokio::spawn(shop_runtime::serve::serve(listener, service.routes(), service.stop.clone(), grace));
    let user = UserId::generate();
    let id = service.order_of(user).await;
    let mut events = service.follow(&url, id, user, None).await;
    assert_eq!(events.moved().await, Some(event("1", "CREATED")));
    service.stop.cancel();
    let stopped = tokio::time::timeout(Duration::from_secs(30), server).await;
    stopped.expect("it stops long before its grace is over").expect("it does not panic");
    assert_eq!(events.rest().await, Vec::<String>::new(), "the client was told the end, not cut off");
}

#[tokio::test]
async fn a_client_that_never_reads_has_its_place_only_for_a_streams_life() {
    let limits = StreamLimits { heartbeat: Duration::from_millis(10), lifetime: Duration::from_millis(500), ..SILENT };
    let service = Service::streaming(limits).await;
    let user = UserId::generate();
    let id = service.order_of(user).await;
    let mut deaf = TcpStream::connect(service.url.trim_start_matches("http://")).await.expect("it listens");
    let bearer = service.bearer(user, Role::User);
    let request = format!("GET /order-api/orders/{id}/events HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer}\r\n\r\n");
    deaf.write_all(request.as_bytes()).await.expect("it can be sent");
    eventually("it has a place", async || service.streams() == 1).await;
    eventually("it has it no more", async || service.streams() == 0).await;
    drop(deaf);
}

#[tokio::test]
async fn a_stream_outlives_its_database_being_away() {
    let (service, proxy) = Service::over_a_network(NEVER).await;
    let user = UserId::generate();
    let id = service.order_of(user).await;
    let mut events = service.follow(&service.url, id, user, None).await;
    assert_eq!(events.moved().await, Some(event("1", "CREATED")));
    proxy.break_networking();
    eventually("it is seen to be away", async || service.orders.tick(1).await.is_err()).await;
    // Made by a replica that sees the database.
    service.another_replica(NEVER).cancel(user, id).await.expect("it can be cancelled");
    proxy.restore_networking();
    assert_eq!(events.rest().await, ["CANCELLED"]);
}

#[tokio::test]
async fn nobody_follows_anothers_order() {
    let service = Service::new(NEVER).await;
    let id = service.order_of(UserId::generate()).await;
    let path = format!("/order-api/orders/{id}/events");
    service.get(&path, UserId::generate()).await.assert_problem(404, "order-not-found");
    service.get("/order-api/orders/1/events", UserId::generate()).await.assert_problem(404, "not-found");
    service.send("GET", &path, None, None).await.assert_problem(401, "unauthenticated");
    assert_eq!(service.streams(), 0);
}
