//! Events that are given up, and what an admin can do about them.
#![expect(clippy::expect_used, reason = "a test that can't go on fails with the reason")]

use std::sync::atomic::{AtomicU32, Ordering};

use axum::extract::FromRef;
use futures::future::join_all;
use prometheus::Registry;
use reqwest::Method;
use serde_json::{Value, json};
use shop_auth::{AuthState, Role};
use shop_outbox::{DeadLetters, DeliveryError, Event, OutboxMetrics, Relay, dead_letters, enqueue};
use shop_runtime::client::SiblingError;
use shop_testkit::{Keys, TestDb};
use shop_types::{EventId, UserId};
use sqlx::migrate::Migrator;

static MIGRATOR: Migrator = sqlx::migrate!("tests/migrations");

/// A service that has nothing but an outbox.
#[derive(Clone)]
struct App {
    auth: AuthState,
    letters: DeadLetters,
}

impl FromRef<App> for AuthState {
    fn from_ref(app: &App) -> Self {
        app.auth.clone()
    }
}

impl FromRef<App> for DeadLetters {
    fn from_ref(app: &App) -> Self {
        app.letters.clone()
    }
}

struct Service {
    db: TestDb,
    keys: Keys,
    registry: Registry,
    relay: Relay,
    url: String,
    http: reqwest::Client,
}

impl Service {
    async fn new() -> Self {
        let (db, keys, registry) = (TestDb::new(&MIGRATOR, "outbox_test").await, Keys::generate(), Registry::new());
        let relay = Relay::new(db.pool().clone(), OutboxMetrics::register(&registry).expect("new"));
        let app = App { auth: keys.auth_state(), letters: DeadLetters::new(db.pool().clone()) };
        let routes = utoipa_axum::router::OpenApiRouter::new().nest("/x-api", dead_letters::router::<App>());
        let url = shop_testkit::spawn(routes.with_state(app).into()).await;
        Self { db, keys, registry, relay, url, http: reqwest::Client::new() }
    }

    async fn add(&self, payload: Value) -> EventId {
        let mut connection = self.db.pool().acquire().await.expect("a connection");
        enqueue(&mut connection, "numbers", &payload).await.expect("stored")
    }

    /// Tries what is due, and what will be.
    async fn try_all(&self, outcome: impl Fn() -> Result<(), DeliveryError>) -> usize {
        sqlx::query("UPDATE outbox SET next_attempt_at = now() WHERE next_attempt_at < 'infinity'")
            .execute(self.db.pool())
            .await
            .expect("time passes");
        self.relay.deliver_due(&async |_: Event| outcome()).await.expect("the database is there")
    }

    async fn ask(&self, method: Method, path: &str, role: Role) -> (u16, Value) {
        let request = self.http.request(method, format!("{}/x-api/admin/dead-letters{path}", self.url));
        let request = request.bearer_auth(self.keys.token(UserId::generate(), role));
        let response = request.send().await.expect("the service answers");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let (status, body) = (response.status().as_u16(), response.text().await.expect("the body arrives"));
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    async fn listed(&self, query: &str) -> Value {
        let (status, page) = self.ask(Method::GET, query, Role::Admin).await;
        assert_eq!(status, 200, "{page}");
        page
    }

    fn metric(&self, name: &str) -> f64 {
        let family = self.registry.gather().into_iter().find(|family| family.name() == name).expect("it is registered");
        family.get_metric()[0].get_gauge().get_value()
    }
}

fn refused(status: u16) -> Result<(), DeliveryError> {
    let status = http::StatusCode::from_u16(status).expect("a status");
    Err(SiblingError::Refused { sibling: "user", status, problem: None }.into())
}

fn away() -> Result<(), DeliveryError> {
    Err(SiblingError::Unavailable { sibling: "user", source: "nobody listens".into() }.into())
}

#[tokio::test]
async fn an_event_that_is_refused_for_good_is_given_up_at_once_and_shown() {
    let service = Service::new().await;
    let event = service.add(json!({"number": 1, "password": "hunter2"})).await;
    assert_eq!(service.try_all(|| refused(422)).await, 1);
    assert_eq!(service.try_all(|| Ok(())).await, 0, "it is not tried any more");
    let page = service.listed("").await;
    let [letter] = &page["items"].as_array().expect("a list")[..] else { panic!("one letter, not {page}") };
    assert_eq!((&letter["event_id"], &letter["attempts"]), (&json!(event), &json!(1)));
    assert_eq!(letter["last_error"], "user refused with 422 Unprocessable Entity ");
    assert_eq!((&letter["payload"]["number"], &letter["payload"]["password"]), (&json!(1), &json!("[left out]")));
    assert_eq!((service.metric("outbox_dead_letters"), service.metric("outbox_lag_seconds")), (1.0, 0.0));
}

#[tokio::test]
async fn an_event_that_fails_twelve_times_is_given_up_and_one_whose_receiver_is_away_never() {
    let service = Service::new().await;
    service.add(json!(1)).await;
    for _ in 0..20 {
        assert_eq!(service.try_all(away).await, 1);
    }
    for _ in 0..12 {
        assert_eq!(service.listed("").await["items"], json!([]));
        // A route that is not there yet may be there after the roll-out.
        assert_eq!(service.try_all(|| refused(404)).await, 1);
    }
    assert_eq!(service.try_all(|| Ok(())).await, 0);
    assert_eq!(service.listed("").await["items"][0]["attempts"], 32);
}

#[tokio::test]
async fn a_delivery_that_panics_is_a_failure_and_not_the_end_of_the_relay() {
    let service = Service::new().await;
    service.add(json!(1)).await;
    let panics = async |_: Event| panic!("a bug");
    assert_eq!(service.relay.deliver_due(&panics).await.expect("the relay lives"), 1);
    let error: String =
        sqlx::query_scalar("SELECT last_error FROM outbox").fetch_one(service.db.pool()).await.expect("it waits");
    assert_eq!(error, "the delivery panicked");
}

#[tokio::test]
async fn a_letter_that_several_admins_replay_at_once_is_delivered_once_more() {
    let service = Service::new().await;
    let event = service.add(json!(1)).await;
    service.try_all(|| refused(400)).await;
    let path = format!("/{event}/replay");
    let answers = join_all((0..8).map(|_| service.ask(Method::POST, &path, Role::Admin))).await;
    assert!(answers.iter().all(|(status, _)| *status == 202), "{answers:?}");
    let delivered = AtomicU32::new(0);
    let deliver = async |_: Event| {
        delivered.fetch_add(1, Ordering::Relaxed);
        Ok::<(), DeliveryError>(())
    };
    let (one, other) = tokio::join!(service.relay.deliver_due(&deliver), service.relay.deliver_due(&deliver));
    assert_eq!(one.expect("read") + other.expect("read"), 1);
    assert_eq!(delivered.load(Ordering::Relaxed), 1);
    let (status, problem) = service.ask(Method::POST, &path, Role::Admin).await;
    assert_eq!((status, &problem["title"]), (404, &json!("There is no such dead letter")), "it has arrived");
}

#[tokio::test]
async fn a_letter_that_is_replayed_gets_all_its_attempts_again_and_its_age_begins_anew() {
    let service = Service::new().await;
    let event = service.add(json!(1)).await;
    sqlx::query("UPDATE outbox SET created_at = now() - interval '3 days'")
        .execute(service.db.pool())
        .await
        .expect("old");
    service.try_all(|| refused(400)).await;
    assert_eq!(service.ask(Method::POST, &format!("/{event}/replay"), Role::Admin).await.0, 202);
    for _ in 0..11 {
        assert_eq!(service.try_all(|| Err("hm".into())).await, 1);
    }
    assert!(service.metric("outbox_lag_seconds") < 3600.0, "what was forgotten for days is no lag");
    assert_eq!(service.try_all(|| Ok(())).await, 1, "eleven failures are not twelve");
    assert_eq!(service.listed("").await["items"], json!([]));
}

#[tokio::test]
async fn a_letter_is_either_replayed_or_deleted_and_what_is_not_given_up_cannot_be_deleted() {
    let service = Service::new().await;
    let event = service.add(json!(1)).await;
    let (replay, path) = (format!("/{event}/replay"), format!("/{event}"));
    assert_eq!(service.ask(Method::DELETE, &path, Role::Admin).await.0, 404, "it may still arrive");
    service.try_all(|| refused(400)).await;
    let (replayed, deleted) =
        tokio::join!(service.ask(Method::POST, &replay, Role::Admin), service.ask(Method::DELETE, &path, Role::Admin));
    assert!(matches!((replayed.0, deleted.0), (202, 404) | (404, 204)), "{replayed:?} {deleted:?}");
    let waiting: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox WHERE dead_at IS NULL")
        .fetch_one(service.db.pool())
        .await
        .expect("a number");
    assert_eq!(waiting, i64::from(replayed.0 == 202));
}

#[tokio::test]
async fn letters_are_listed_page_by_page_the_latest_first() {
    let service = Service::new().await;
    let mut events = Vec::new();
    for number in 0..5 {
        events.insert(0, json!(service.add(json!(number)).await));
        service.try_all(|| refused(400)).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = service.listed(&format!("?limit=2{cursor}")).await;
        seen.extend(page["items"].as_array().expect("a list").iter().map(|letter| letter["event_id"].clone()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, events);
    for query in ["?limit=0", "?limit=101", "?cursor=e30", "?cursor=%25", "?cursor=W10", "?offset=1"] {
        assert_eq!(service.ask(Method::GET, query, Role::Admin).await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn only_admins_see_and_touch_dead_letters() {
    let service = Service::new().await;
    let event = service.add(json!(1)).await;
    service.try_all(|| refused(400)).await;
    let (one, replay) = (format!("/{event}"), format!("/{event}/replay"));
    for (method, path) in [(Method::GET, ""), (Method::POST, &*replay), (Method::DELETE, &*one)] {
        assert_eq!(service.ask(method.clone(), path, Role::User).await.0, 403, "{method} {path}");
        let url = format!("{}/x-api/admin/dead-letters{path}", service.url);
        let open = service.http.request(method.clone(), url).send().await.expect("the service answers");
        assert_eq!(open.status(), 401, "{method} {path}");
    }
    assert_eq!(service.ask(Method::POST, "/not-an-id/replay", Role::Admin).await.0, 404);
    assert_eq!(service.listed("").await["items"][0]["event_id"], json!(event), "it is as it was");
}
