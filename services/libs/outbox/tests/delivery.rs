//! Events from one database to another, on a real PostgreSQL.
#![expect(clippy::expect_used, reason = "a test that can't go on fails with the reason")]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use prometheus::Registry;
use serde_json::json;
use shop_outbox::{Courier, DeliveryError, Event, OutboxMetrics, Relay, enqueue, inbox};
use shop_runtime::Context;
use shop_runtime::client::SiblingError;
use shop_runtime::trace::{self, TraceContext, TraceState};
use shop_testkit::{TestDb, eventually};
use shop_types::EventId;
use sqlx::migrate::Migrator;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

static MIGRATOR: Migrator = sqlx::migrate!("tests/migrations");

async fn database() -> TestDb {
    TestDb::new(&MIGRATOR, "outbox_test").await
}

fn relay(db: &TestDb) -> Relay {
    Relay::new(db.pool().clone(), OutboxMetrics::register(&Registry::new()).expect("new"))
}

async fn add(db: &TestDb, number: i32) -> EventId {
    let mut connection = db.pool().acquire().await.expect("a connection");
    enqueue(&mut connection, "numbers", &json!({"number": number})).await.expect("stored")
}

async fn waiting(db: &TestDb) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(db.pool()).await.expect("a number")
}

/// What arrived, and how often.
#[derive(Default)]
struct Receiver(Mutex<BTreeMap<EventId, u32>>);

impl Receiver {
    async fn take(&self, event: Event) -> Result<(), DeliveryError> {
        // Others get a chance to take the same event.
        tokio::task::yield_now().await;
        *self.0.lock().expect("not poisoned").entry(event.event_id).or_default() += 1;
        Ok(())
    }

    fn taken(&self) -> BTreeMap<EventId, u32> {
        self.0.lock().expect("not poisoned").clone()
    }
}

#[tokio::test]
async fn an_event_of_a_transaction_that_is_rolled_back_never_was() {
    let db = database().await;
    let mut transaction = db.pool().begin().await.expect("begun");
    enqueue(&mut transaction, "numbers", &json!(1)).await.expect("stored");
    transaction.rollback().await.expect("rolled back");
    assert_eq!(waiting(&db).await, 0);
}

#[tokio::test]
async fn each_event_arrives_once_though_several_relays_work() {
    let db = database().await;
    for number in 0..50 {
        add(&db, number).await;
    }
    let (receiver, stop) = (Receiver::default(), CancellationToken::new());
    let run = || relay(&db).run(|event| receiver.take(event), stop.clone());
    let all_gone = async {
        eventually("the outbox is empty", async || waiting(&db).await == 0).await;
        stop.cancel();
    };
    tokio::join!(run(), run(), run(), all_gone);
    let taken = receiver.taken();
    assert_eq!(taken.len(), 50);
    assert!(taken.values().all(|times| *times == 1));
}

#[tokio::test]
async fn an_event_that_does_not_arrive_waits_with_its_reason_and_is_tried_again() {
    let db = database().await;
    let event = add(&db, 1).await;
    let relay = relay(&db);
    let fail = async |_: Event| Err::<(), DeliveryError>("nobody at home".into());
    assert_eq!(relay.deliver_due(&fail).await.expect("read"), 1);
    assert_eq!(relay.deliver_due(&fail).await.expect("read"), 0, "not at once again");
    let (attempts, reason): (i32, String) =
        sqlx::query_as("SELECT attempts, last_error FROM outbox").fetch_one(db.pool()).await.expect("it waits");
    assert_eq!((attempts, &*reason), (1, "nobody at home"));

    let receiver = Receiver::default();
    eventually("its pause is over", async || {
        relay.deliver_due(&|event| receiver.take(event)).await.expect("read") == 1
    })
    .await;
    assert_eq!(receiver.taken(), BTreeMap::from([(event, 1)]));
    assert_eq!(waiting(&db).await, 0);
}

#[tokio::test]
async fn an_event_whose_relay_died_is_delivered_by_another_after_its_lease() {
    let db = database().await;
    add(&db, 1).await;
    let relay = relay(&db);
    let begun = Notify::new();
    let never = async |_: Event| {
        begun.notify_one();
        std::future::pending::<Result<(), DeliveryError>>().await
    };
    tokio::select! {
        _ = relay.deliver_due(&never) => panic!("it never ends"),
        () = begun.notified() => {} // it dies in the middle of a delivery
    }
    let receiver = Receiver::default();
    assert_eq!(relay.deliver_due(&|event| receiver.take(event)).await.expect("read"), 0, "it is leased");
    sqlx::query("UPDATE outbox SET next_attempt_at = now()").execute(db.pool()).await.expect("time passes");
    assert_eq!(relay.deliver_due(&|event| receiver.take(event)).await.expect("read"), 1);
}

#[tokio::test]
async fn an_event_knows_how_long_it_waited_by_the_clock_of_the_database() {
    let db = database().await;
    add(&db, 1).await;
    let past = "UPDATE outbox SET created_at = now() - interval '5 seconds'";
    sqlx::query(past).execute(db.pool()).await.expect("time passes");
    let ages = Mutex::new(Vec::new());
    let note = async |event: Event| {
        ages.lock().expect("not poisoned").push(event.age());
        Ok(())
    };
    assert_eq!(relay(&db).deliver_due(&note).await.expect("read"), 1);
    let ages = ages.into_inner().expect("not poisoned");
    assert!((Duration::from_secs(5)..Duration::from_secs(60)).contains(&ages[0]), "{ages:?}");
}

#[tokio::test]
async fn an_inbox_lets_an_event_in_once_and_again_only_if_its_transaction_failed() {
    let db = database().await;
    let event = EventId::generate();
    let receive = async |commit: bool| {
        let mut transaction = db.pool().begin().await.expect("begun");
        let first = inbox::first_time(&mut transaction, event).await.expect("noted");
        if commit {
            transaction.commit().await.expect("committed");
        } else {
            transaction.rollback().await.expect("rolled back");
        }
        first
    };
    assert!(receive(false).await);
    let (one, other) = tokio::join!(receive(true), receive(true));
    assert!(one ^ other, "one of two at the same time");
    assert!(!receive(true).await);
    let mut connection = db.pool().acquire().await.expect("a connection");
    assert_eq!(inbox::forget_older_than(&mut connection, 30).await.expect("done"), 0);
}

#[tokio::test]
async fn an_event_is_delivered_as_a_part_of_the_trace_that_it_comes_from() {
    let db = database().await;
    let request = TraceContext::generate();
    let state = "rojo=1,congo=2".parse::<TraceState>().ok();
    let event = Context::following(Some(request)).with_trace_state(state.clone()).scope(add(&db, 1)).await;
    let without = add(&db, 2).await;
    let seen = Mutex::new(BTreeMap::new());
    let look = async |event: Event| {
        let trace = trace::current().expect("every delivery belongs to a trace");
        seen.lock().expect("not poisoned").insert(event.event_id, (trace, trace::state()));
        Ok::<(), DeliveryError>(())
    };
    assert_eq!(relay(&db).deliver_due(&look).await.expect("read"), 2);
    let seen = seen.into_inner().expect("not poisoned");
    let (trace, told) = &seen[&event];
    assert_eq!((trace.trace_id(), told), (request.trace_id(), &state));
    assert_ne!(*trace, request, "the delivery is a step of its own");
    let (trace, told) = &seen[&without];
    assert!(trace.trace_id() != request.trace_id() && told.is_none());
}

#[tokio::test]
async fn a_relay_that_was_too_slow_leaves_the_event_to_the_one_that_took_it_over() {
    let db = database().await;
    add(&db, 1).await;
    let relay = relay(&db);
    let slow = async |_: Event| {
        // Its lease ends, and another relay takes the event and is still at it.
        sqlx::query("UPDATE outbox SET attempts = attempts + 1, next_attempt_at = now() + interval '1 hour'")
            .execute(db.pool())
            .await
            .map_err(DeliveryError::from)?;
        Err::<(), DeliveryError>("too late".into())
    };
    assert_eq!(relay.deliver_due(&slow).await.expect("read"), 1);
    let (failures, far): (i32, bool) =
        sqlx::query_as("SELECT failures, next_attempt_at > now() + interval '50 minutes' FROM outbox")
            .fetch_one(db.pool())
            .await
            .expect("it waits");
    assert_eq!((failures, far), (0, true));
}

/// A courier that takes several numbers in one call, unless one of them is odd, and whose receiver may be away.
#[derive(Default)]
struct Together {
    calls: Mutex<Vec<usize>>,
    receiver: Receiver,
    away: bool,
}

fn is_odd(event: &Event) -> bool {
    event.payload["number"].as_i64().is_some_and(|number| number % 2 == 1)
}

impl Courier for Together {
    async fn deliver(&self, event: Event) -> Result<(), DeliveryError> {
        self.calls.lock().expect("not poisoned").push(1);
        if is_odd(&event) { Err("it is odd".into()) } else { self.receiver.take(event).await }
    }

    fn takes_together(&self, topic: &str) -> bool {
        topic == "numbers"
    }

    async fn deliver_together(&self, _topic: &str, events: &[Event]) -> Result<(), DeliveryError> {
        self.calls.lock().expect("not poisoned").push(events.len());
        if self.away {
            return Err(SiblingError::Unavailable { sibling: "other", source: "503".into() }.into());
        }
        if events.iter().any(is_odd) {
            return Err("one is odd".into());
        }
        for event in events {
            self.receiver.take(event.clone()).await?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn events_of_a_topic_that_wait_together_go_in_one_call_and_a_single_one_by_itself() {
    let db = database().await;
    let together = Together::default();
    for round in [vec![2, 4, 6], vec![8]] {
        for number in round {
            add(&db, number).await;
        }
        relay(&db).deliver_due(&together).await.expect("read");
    }
    assert_eq!(*together.calls.lock().expect("not poisoned"), [3, 1]);
    assert_eq!((together.receiver.taken().len(), waiting(&db).await), (4, 0));
}

#[tokio::test]
async fn an_event_that_is_not_wanted_does_not_hold_up_those_that_it_waits_with() {
    let db = database().await;
    for number in [1, 2, 4] {
        add(&db, number).await;
    }
    let together = Together::default();
    assert_eq!(relay(&db).deliver_due(&together).await.expect("read"), 3);
    assert_eq!(*together.calls.lock().expect("not poisoned"), [3, 1, 1, 1]);
    assert_eq!((together.receiver.taken().len(), waiting(&db).await), (2, 1));
    let (number, reason): (i64, String) = sqlx::query_as("SELECT (payload->'number')::bigint, last_error FROM outbox")
        .fetch_one(db.pool())
        .await
        .expect("it waits");
    assert_eq!((number, &*reason), (1, "it is odd"));
}

#[tokio::test]
async fn events_for_a_receiver_that_is_away_wait_without_being_tried_one_by_one() {
    let db = database().await;
    for number in [2, 4] {
        add(&db, number).await;
    }
    let together = Together { away: true, ..Together::default() };
    assert_eq!(relay(&db).deliver_due(&together).await.expect("read"), 2);
    assert_eq!(*together.calls.lock().expect("not poisoned"), [2]);
    let uncounted: i64 =
        sqlx::query_scalar("SELECT count(*) FROM outbox WHERE failures = 0 AND next_attempt_at > now()")
            .fetch_one(db.pool())
            .await
            .expect("a number");
    assert_eq!(uncounted, 2);
}
