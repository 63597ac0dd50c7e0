//! The database lost in the middle of a commit: what the caller sees, and what is there afterwards.

use std::time::Duration;

use futures::future::join;
use serde_json::json;
use shop_order::jobs;
use shop_testkit::{ChaosProxy, eventually};
use shop_types::{OrderId, UserId};
use tokio_util::sync::CancellationToken;

use crate::support::{AT_ONCE, Answer, NEVER, Service, order};

/// How a commit is lost.
#[derive(Clone, Copy, Debug)]
enum Lost {
    /// It takes place, but nobody hears of it.
    Answer,
    /// It does not take place.
    Commit,
}

const BOTH: [Lost; 2] = [Lost::Answer, Lost::Commit];

/// Has every commit that writes history wait for a lock, so that a test can come between.
const GATE: &str = "
    CREATE FUNCTION wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER gate AFTER INSERT ON order_history DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION wait_at_the_gate();";

const AT_THE_GATE: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'advisory' AND query = 'COMMIT'";

const KILL: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'advisory'";

/// Does something, and loses the database while it is committed.
async fn in_the_middle_of_a_commit<T>(
    service: &Service,
    proxy: &ChaosProxy,
    lost: Lost,
    act: impl Future<Output = T>,
) -> T {
    let mut gate = service.pool.acquire().await.expect("the database is there");
    sqlx::query("SELECT pg_advisory_lock(7)").execute(&mut *gate).await.expect("the gate is closed");
    let meanwhile = async {
        eventually("the commit is at the gate", async || service.count(AT_THE_GATE).await == 1).await;
        match lost {
            Lost::Answer => proxy.break_networking(),
            Lost::Commit => assert_eq!(service.count(KILL).await, 1),
        }
        sqlx::query("SELECT pg_advisory_unlock(7)").execute(&mut *gate).await.expect("the gate is open");
    };
    let (done, ()) = join(act, meanwhile).await;
    eventually("the commit has come to its end", async || service.count(AT_THE_GATE).await == 0).await;
    proxy.restore_networking();
    done
}

/// What a client does that was told to come back. More than once, since every connection of the pool was cut.
async fn asked_again(ask: impl AsyncFn() -> Answer) -> Answer {
    let mut answer = None;
    eventually("the database is there", async || {
        let got = ask().await;
        let is_there = got.status != 503;
        answer = Some(got);
        is_there
    })
    .await;
    answer.expect("it was asked")
}

async fn gated(times: [Duration; 3]) -> (Service, ChaosProxy) {
    let (service, proxy) = Service::over_a_network(times).await;
    for statement in GATE.split_inclusive("$$;") {
        sqlx::query(statement).execute(&service.pool).await.expect("the gate can be built");
    }
    (service, proxy)
}

#[tokio::test]
async fn an_order_is_made_once_though_the_database_was_lost_while_it_was_committed() {
    for lost in BOTH {
        let (service, proxy) = gated(NEVER).await;
        let (id, request) = (OrderId::generate(), order(UserId::generate()));
        let answer = in_the_middle_of_a_commit(&service, &proxy, lost, service.put(id, &request)).await;
        answer.assert_problem(503, "database-unavailable");
        let again = asked_again(async || service.put(id, &request).await).await;
        assert_eq!(again.status, if matches!(lost, Lost::Answer) { 200 } else { 201 }, "{lost:?}");
        assert_eq!(service.count("SELECT count(*) FROM orders").await, 1);
        assert_eq!(service.count("SELECT count(*) FROM order_history").await, 1);
        for topic in ["order_status", "order_news", "order_placed"] {
            assert_eq!(service.told(topic, id).await.len(), 1, "{lost:?}: {topic}");
        }
    }
}

#[tokio::test]
async fn an_order_is_cancelled_once_though_the_database_was_lost_while_that_was_committed() {
    for lost in BOTH {
        let (service, proxy) = gated(NEVER).await;
        let user = UserId::generate();
        let id = service.order_of(user).await;
        let answer = in_the_middle_of_a_commit(&service, &proxy, lost, service.cancel(id, user)).await;
        answer.assert_problem(503, "database-unavailable");
        let again = asked_again(async || service.cancel(id, user).await).await;
        assert_eq!((again.status, &again.body["status"]), (200, &json!("CANCELLED")), "{lost:?}");
        assert_eq!(service.way(id, user).await, ["CREATED", "CANCELLED"]);
        assert_eq!(service.told("order_cancelled", id).await.len(), 1, "{lost:?}");
        assert_eq!(service.told("order_status", id).await.len(), 2, "{lost:?}");
    }
}

#[tokio::test]
async fn the_clock_moves_an_order_once_though_the_database_was_lost_while_that_was_committed() {
    for lost in BOTH {
        let (service, proxy) = gated([Duration::ZERO, Duration::from_secs(3600), Duration::from_secs(3600)]).await;
        let user = UserId::generate();
        let id = service.order_of(user).await;
        let moved = in_the_middle_of_a_commit(&service, &proxy, lost, service.orders.tick(10)).await;
        assert!(moved.is_err(), "{lost:?}: it is not known whether it was moved");
        let mut again = None;
        eventually("the database is there", async || {
            again = service.orders.tick(10).await.ok();
            again.is_some()
        })
        .await;
        assert_eq!(again, Some(usize::from(matches!(lost, Lost::Commit))), "{lost:?}");
        assert_eq!(service.way(id, user).await, ["CREATED", "PROCESSING"]);
        assert_eq!(service.told("order_news", id).await.len(), 2, "{lost:?}");
    }
}

#[tokio::test]
async fn while_the_database_is_away_everything_says_so_and_the_clock_goes_on_afterwards() {
    let (service, proxy) = Service::over_a_network(AT_ONCE).await;
    let user = UserId::generate();
    let id = service.order_of(user).await;
    let stop = CancellationToken::new();
    proxy.break_networking();
    let clock = tokio::spawn(jobs::clock(service.orders.clone(), Duration::from_millis(10), stop.clone()));
    let own = format!("/order-api/orders/{id}");
    service.get(&own, user).await.assert_problem(503, "database-unavailable");
    service.get("/order-api/orders", user).await.assert_problem(503, "database-unavailable");
    service.get(&format!("{own}/events"), user).await.assert_problem(503, "database-unavailable");
    service.cancel(id, user).await.assert_problem(503, "database-unavailable");
    service.advance(id, "PROCESSING").await.assert_problem(503, "database-unavailable");
    service.put(OrderId::generate(), &order(user)).await.assert_problem(503, "database-unavailable");
    service.as_admin("GET", "/order-api/admin/figures", None).await.assert_problem(503, "database-unavailable");
    service.as_admin("GET", "/order-api/admin/dead-letters", None).await.assert_problem(503, "database-unavailable");
    proxy.restore_networking();
    eventually("the order is delivered", async || {
        service.count("SELECT count(*) FROM orders WHERE status = 'DELIVERED'").await == 1
    })
    .await;
    stop.cancel();
    clock.await.expect("the clock stops when it is told to");
}
