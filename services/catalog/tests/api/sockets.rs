//! What sockets are told of their customers' own, and what becomes of those that say what makes no sense.

use std::time::Duration;

use futures::SinkExt as _;
use serde_json::{Value, json};
use shop_auth::{Claims, Revocation, Role};
use shop_catalog::hub;
use shop_catalog::sockets::SocketLimits;
use shop_testkit::eventually;
use shop_types::{OrderId, SessionId, UserId};
use time::OffsetDateTime;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::events::{Client, has_open_sockets};
use crate::order_events::status;
use crate::support::{Catalog, Setup};

impl Catalog {
    /// Tells of an order that it has this status now.
    async fn order_is(&self, user: UserId, order: OrderId, name: &str, version: i64) {
        let answer = self.internal("POST", "/internal/order-events", status(user, order, name, version)).await;
        assert_eq!(answer.status, 204, "{answer:?}");
    }

    fn metric(&self, line: &str) -> bool {
        let metrics = shop_runtime::metrics::encode(&self.registry).expect("the registry can be written");
        metrics.lines().any(|metric| metric == line)
    }
}

fn token(catalog: &Catalog, user: UserId) -> Value {
    json!({"authenticate": catalog.keys.token(user, Role::User)})
}

/// A client that has said who it is, and hears of its own from here on.
async fn authenticated(catalog: &Catalog, user: UserId) -> Client {
    let mut client = Client::with(catalog, "").await;
    assert_eq!(client.message().await["kind"], "hello");
    client.say(&token(catalog, user)).await;
    assert_eq!(client.message().await["kind"], "authenticated");
    client
}

#[tokio::test]
async fn a_customer_hears_of_his_own_orders_at_whichever_replica_and_nobody_else_does() {
    let catalog = Catalog::with_products(8).await;
    let other = Catalog::start(catalog.replica().await).await;
    let (user, order) = (UserId::generate(), OrderId::generate());
    let mut own = authenticated(&other, user).await;
    let mut somebody = authenticated(&other, UserId::generate()).await;
    let mut nobody = Client::with(&other, "").await;
    nobody.message().await;

    catalog.order_is(user, order, "CREATED", 1).await;
    let event = own.message().await;
    assert_eq!((&event["seq"], &event["kind"]), (&json!(1), &json!("order_status")));
    assert_eq!((&event["order_id"], &event["status"]), (&json!(order), &json!("CREATED")));
    assert!(event.get("user_id").is_none(), "{event}");

    // What is sent next is the first thing that the others hear.
    catalog.sale(1, 100).await;
    for client in [&mut somebody, &mut nobody] {
        assert_eq!(client.message().await["kind"], "flash_sale_started");
    }
    assert_eq!(own.sale().await["kind"], "flash_sale_started");
    let mut late = Client::with(&other, "?since=0").await;
    while let message = late.message().await
        && message["kind"] != "hello"
    {
        assert_ne!(message["kind"], "order_status");
    }
    assert!(other.metric("websocket_connections_authenticated 2"));
    assert!(other.metric("websocket_authentications_total{outcome=\"accepted\"} 2"));
    assert!(other.metric("shop_events_total{kind=\"order_status\"} 1"));
}

#[tokio::test]
async fn who_comes_back_and_says_so_is_told_everything_in_the_order_of_the_numbers() {
    let catalog = Catalog::with_products(8).await;
    let (user, order) = (UserId::generate(), OrderId::generate());
    for (index, name) in ["CREATED", "PROCESSING", "SHIPPING"].into_iter().enumerate() {
        let product = i64::try_from(index).expect("small") + 1;
        catalog.order_is(user, order, name, product).await;
        catalog.order_is(UserId::generate(), OrderId::generate(), name, product).await;
        catalog.sale(product, 100).await;
        catalog.settled(product * 4).await;
    }
    // Found in the database by one, heard of by the other.
    let other = Catalog::start(catalog.replica().await).await;
    for replica in [&catalog, &other] {
        eventually("the replica has heard of all", async || {
            Client::with(replica, "").await.message().await["seq"] == 12
        })
        .await;
        let mut client = Client::with(replica, "?since=1&own=true").await;
        client.say(&token(replica, user)).await;
        let mut seqs = Vec::new();
        loop {
            let message = client.message().await;
            let seq = message["seq"].as_i64().expect("all have numbers");
            match message["kind"].as_str() {
                Some("authenticated") => assert_eq!(message, json!({"kind": "authenticated", "seq": 12, "gap": false})),
                Some("hello") => break assert_eq!(seq, 12),
                _ => seqs.push(seq),
            }
        }
        assert_eq!(seqs, [3, 4, 5, 7, 8, 9, 11, 12], "2, 6 and 10 are others', 1 was seen");

        // The same in the middle: first everyone's, then what is one's own.
        let mut client = Client::with(replica, "?since=1").await;
        while client.message().await["kind"] != "hello" {}
        client.say(&token(replica, user)).await;
        let own = [client.message().await, client.message().await, client.message().await];
        assert_eq!(own.map(|message| message["seq"].as_i64().expect("a number")), [5, 9, 12]);

        // The number may come with the token.
        let mut client = Client::with(replica, "").await;
        client.message().await;
        let mut said = token(replica, user);
        said["since"] = json!(8);
        client.say(&said).await;
        assert_eq!(client.message().await["seq"], 9);
    }
}

#[tokio::test]
async fn what_of_ones_own_is_not_known_any_more_is_a_gap() {
    let catalog = Catalog::empty().await;
    let user = UserId::generate();
    for version in 1..=3 {
        catalog.order_is(user, OrderId::generate(), "CREATED", version).await;
    }
    sqlx::query("UPDATE own_events SET at = now() - interval '25 hours' WHERE seq <= 2")
        .execute(catalog.db.pool())
        .await
        .expect("the table is ours");
    hub::forget_some(&catalog.pool).await.expect("the database is there");
    for (since, gap) in [(0, true), (1, true), (2, false), (3, false), (4, true), (-5, true)] {
        let mut client = Client::with(&catalog, &format!("?since={since}&own=true")).await;
        client.say(&token(&catalog, user)).await;
        let mut message = client.message().await;
        if since < 3 {
            assert_eq!(message["seq"], 3, "{message}");
            message = client.message().await;
        }
        assert_eq!(message, json!({"kind": "authenticated", "seq": 3, "gap": gap}), "since {since}");
    }
}

#[tokio::test]
async fn a_token_that_expires_ends_what_is_ones_own_and_another_goes_on_where_it_ended() {
    let catalog = Catalog::with_products(8).await;
    let (user, order) = (UserId::generate(), OrderId::generate());
    let mut client = Client::with(&catalog, "").await;
    client.message().await;
    let short = catalog.keys.signer().issue(user, "U", Role::User, Duration::from_secs(8)).expect("it can be signed");
    client.say(&json!({"authenticate": short})).await;
    assert_eq!(client.message().await["kind"], "authenticated");
    catalog.order_is(user, order, "CREATED", 1).await;
    assert_eq!(client.message().await["status"], "CREATED");

    let ended = client.message().await;
    assert_eq!((&ended["kind"], &ended["reason"]), (&json!("authentication_ended"), &json!("expired")));
    catalog.order_is(user, order, "PROCESSING", 2).await;
    catalog.sale(1, 100).await;
    assert_eq!(client.message().await["kind"], "flash_sale_started", "everyone's goes on, one's own does not");

    client.say(&token(&catalog, user)).await;
    let mut next = client.sale().await;
    assert_eq!(next["status"], "PROCESSING", "{next}");
    next = client.sale().await;
    assert_eq!(next["kind"], "authenticated");
    // A fresh token before the old one is over changes nothing else.
    client.say(&token(&catalog, user)).await;
    assert_eq!(client.sale().await["kind"], "authenticated");
    catalog.order_is(user, order, "SHIPPING", 3).await;
    assert_eq!(client.sale().await["status"], "SHIPPING");
    assert!(catalog.metric("websocket_authentications_total{outcome=\"ended\"} 1"));
    assert!(catalog.metric("websocket_connections_authenticated 1"));
}

#[tokio::test]
async fn a_session_that_is_ended_ends_what_is_ones_own_and_its_token_is_refused() {
    let catalog = Catalog::with_products(8).await;
    let (user, session) = (UserId::generate(), SessionId::generate());
    let token = json!({"authenticate": catalog.keys.token_of_session(user, Role::User, session)});
    let mut client = Client::with(&catalog, "").await;
    client.message().await;
    client.say(&token).await;
    assert_eq!(client.message().await["kind"], "authenticated");

    let until = OffsetDateTime::now_utc().unix_timestamp() + 900;
    catalog.auth.revocations().note([Revocation { session, until }]);
    // Whether the look at the token comes first or this does: it is not told.
    catalog.order_is(user, OrderId::generate(), "CREATED", 1).await;
    let ended = client.message().await;
    assert_eq!((&ended["kind"], &ended["reason"]), (&json!("authentication_ended"), &json!("revoked")));
    client.say(&token).await;
    assert_eq!(client.message().await, json!({"kind": "authentication_failed", "reason": "invalid_token"}));
}

#[tokio::test]
async fn who_can_not_say_who_he_is_is_told_so_and_shown_the_door_the_third_time() {
    let catalog = Catalog::with_products(8).await;
    let mut client = Client::with(&catalog, "?since=0&own=true").await;
    let foreign = shop_testkit::Keys::generate().token(UserId::generate(), Role::Admin);
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let over = Claims {
        iat: now - 900,
        exp: now - 60,
        ..catalog.auth.authenticate(&catalog.keys.token(UserId::generate(), Role::User)).await.expect("it is good")
    };
    let over = catalog.keys.signer().sign(&over).expect("it can be signed");
    client.say(&json!({"authenticate": foreign})).await;
    let failed = json!({"kind": "authentication_failed", "reason": "invalid_token"});
    assert_eq!(client.message().await, failed);
    assert_eq!(client.message().await["kind"], "hello", "everyone's is told all the same");
    client.say(&json!({"authenticate": over})).await;
    assert_eq!(client.message().await, failed);
    client.say(&json!({"authenticate": "x"})).await;
    let (code, said) = client.end().await;
    assert_eq!((code, said), (Some(CloseCode::Policy), vec![failed]));
    assert!(catalog.metric("websocket_authentications_total{outcome=\"refused\"} 3"));
    eventually("it is counted", async || catalog.metric("websocket_connections_closed_total{reason=\"refused\"} 1"))
        .await;
}

#[tokio::test]
async fn who_said_that_he_would_say_who_he_is_and_does_not_hears_what_everyone_does() {
    let setup = Setup::new().await;
    let sockets = SocketLimits { introduction: Duration::from_millis(100), ..setup.sockets };
    let catalog = Catalog::start(Setup { sockets, ..setup }).await.filled(8).await;
    let mut client = Client::with(&catalog, "?own=true").await;
    assert_eq!(client.message().await, json!({"kind": "authentication_failed", "reason": "no_token"}));
    assert_eq!(client.message().await["kind"], "hello");
    catalog.sale(1, 100).await;
    assert_eq!(client.message().await["kind"], "flash_sale_started");
}

#[tokio::test]
async fn a_customer_has_only_so_many_sockets() {
    let setup = Setup::new().await;
    let sockets = SocketLimits { of_customer: 1, ..setup.sockets };
    let catalog = Catalog::start(Setup { sockets, ..setup }).await;
    let user = UserId::generate();
    let first = authenticated(&catalog, user).await;
    let mut second = Client::with(&catalog, "").await;
    second.message().await;
    second.say(&token(&catalog, user)).await;
    assert_eq!(second.message().await, json!({"kind": "authentication_failed", "reason": "too_many_sockets"}));
    drop(first);
    drop(second);
    eventually("the place is free again", async || !has_open_sockets(&catalog)).await;
    authenticated(&catalog, user).await;
}

#[tokio::test]
async fn what_makes_no_sense_is_answered_and_what_is_no_text_or_too_long_ends_the_socket() {
    let catalog = Catalog::with_products(8).await;
    let mut client = Client::with(&catalog, "").await;
    client.message().await;
    for nonsense in [
        "",
        "hello",
        "null",
        "[]",
        "{}",
        "{\"authenticate\": 7}",
        "{\"kind\":\"flash_sale_started\"}",
        "{\"authenticate\":\"x\",\"role\":\"admin\"}",
        "\u{0}",
        "{\"authenticate\":\"x\",\"since\":1e99}",
    ] {
        client.0.send(Message::text(nonsense)).await.expect("it is open");
        assert_eq!(client.message().await["kind"], "not_understood", "{nonsense}");
    }
    catalog.sale(1, 100).await;
    assert_eq!(client.message().await["kind"], "flash_sale_started", "it goes on");

    for (message, code) in [
        (Message::binary(vec![0xff; 10]), CloseCode::Unsupported),
        (Message::text("x".repeat(5_000)), CloseCode::Size),
        (Message::text("x".repeat(5_000_000)), CloseCode::Size),
        (Message::binary(vec![0; 5_000_000]), CloseCode::Size),
    ] {
        let mut client = Client::with(&catalog, "").await;
        client.message().await;
        // What is much too long is not read to its end.
        let _ = client.0.send(message).await;
        let (closed, _) = client.end().await;
        assert!(closed == Some(code) || closed.is_none(), "{closed:?} instead of {code:?}");
    }
    eventually("they are counted", async || {
        catalog.metric("websocket_connections_closed_total{reason=\"too_long\"} 3")
            && catalog.metric("websocket_connections_closed_total{reason=\"nonsense\"} 1")
    })
    .await;
}

#[tokio::test]
async fn who_talks_without_end_is_closed() {
    let catalog = Catalog::empty().await;
    let mut client = Client::with(&catalog, "").await;
    client.message().await;
    for _ in 0..200 {
        if client.0.send(Message::Ping("x".into())).await.is_err() {
            break;
        }
    }
    let (code, _) = client.end().await;
    assert!(matches!(code, Some(CloseCode::Policy) | None), "{code:?}");
    eventually("it is counted", async || catalog.metric("websocket_connections_closed_total{reason=\"too_much\"} 1"))
        .await;
}

#[tokio::test]
async fn a_number_that_is_none_is_refused_before_the_socket_opens() {
    let catalog = Catalog::empty().await;
    for query in ["since=", "since=x", "since=1.5", "since=99999999999999999999", "since=0x10", "own=perhaps"] {
        catalog.get(&format!("/ws?{query}")).await.assert_problem(400, "bad-request");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_that_follows_with_since_never_misses_what_commits_later_than_it_began() {
    let catalog = Catalog::empty().await;
    let user = UserId::generate();
    let mut client = authenticated(&catalog, user).await;
    let append = "WITH n AS (UPDATE shop_event_counter SET last = last + 1 RETURNING last)
                  INSERT INTO own_events (seq, user_id, order_id, kind, payload)
                  SELECT last, $1, gen_random_uuid(), 'order_status', jsonb_build_object('of', $2::text) FROM n";
    let mut first = catalog.pool.begin().await.expect("the database is there");
    sqlx::query(append).bind(user.as_uuid()).bind("first").execute(&mut *first).await.expect("it is ours");
    // The second comes while the first is open: it waits, instead of being seen before a lower number is.
    let second = catalog.order_is(user, OrderId::generate(), "CREATED", 1);
    let commit = async {
        eventually("the second waits for the first", async || {
            let waiting: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
            .fetch_one(catalog.db.pool())
            .await
            .expect("the server tells");
            waiting > 0
        })
        .await;
        let seen: i64 = sqlx::query_scalar("SELECT last FROM shop_event_counter")
            .fetch_one(catalog.db.pool())
            .await
            .expect("it is ours");
        assert_eq!(seen, 0, "nothing is to be seen of either");
        first.commit().await.expect("the database is there");
    };
    tokio::join!(second, commit);
    let told = [client.message().await, client.message().await];
    assert_eq!([&told[0]["seq"], &told[1]["seq"]], [1, 2]);
    assert_eq!((&told[0]["of"], &told[1]["status"]), (&json!("first"), &json!("CREATED")));

    // A number that is given back is given again: there is no hole to wait for.
    let mut undone = catalog.pool.begin().await.expect("the database is there");
    sqlx::query(append).bind(user.as_uuid()).bind("undone").execute(&mut *undone).await.expect("it is ours");
    undone.rollback().await.expect("the database is there");
    catalog.order_is(user, OrderId::generate(), "CREATED", 1).await;
    assert_eq!(client.message().await["seq"], 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_a_rolling_update_a_client_that_comes_back_misses_nothing_and_hears_nothing_twice() {
    let catalog = Catalog::with_products(8).await;
    let (user, order) = (UserId::generate(), OrderId::generate());
    let mut replicas = Vec::new();
    for _ in 0..4 {
        replicas.push(Catalog::start(catalog.replica().await).await);
    }
    let tell = async {
        for version in 1..=120 {
            catalog.order_is(user, order, "SHIPPING", version).await;
            if version % 10 == 0 {
                let sale = catalog.sale(version / 10 % 8 + 1, 100).await;
                assert_eq!(catalog.stop_sale(&sale).await.status, 204);
            }
        }
    };
    let follow = async {
        let (mut seen, mut versions, mut sales) = (0, Vec::new(), 0);
        let mut replica = replicas.pop();
        while versions.last() != Some(&120) || sales < 24 {
            let at = replica.as_ref().unwrap_or(&catalog);
            let mut client = Client::with(at, &format!("?since={seen}&own=true")).await;
            client.say(&token(at, user)).await;
            let mut stopping = None;
            loop {
                let message = client.message().await;
                let seq = message["seq"].as_i64().expect("all have numbers");
                match message["kind"].as_str() {
                    Some("authenticated" | "hello") => assert_ne!(message["gap"], true),
                    Some("goodbye") => break,
                    Some("gap") => panic!("a gap behind {seen}"),
                    kind => {
                        assert!(seq > seen, "{seq} after {seen}");
                        if kind == Some("order_status") {
                            versions.push(message["version"].as_i64().expect("a number"));
                        }
                        sales += i32::from(kind.is_some_and(|kind| kind.starts_with("flash_sale")));
                    }
                }
                seen = seen.max(seq);
                if versions.last() == Some(&120) && sales == 24 {
                    break;
                }
                // The next replica is updated in the middle of it all.
                if versions.len() % 25 == 20 && stopping.is_none() {
                    stopping = replica.take().map(|replica| tokio::spawn(replica.stop()));
                }
            }
            if let Some(stopping) = stopping {
                stopping.await.expect("it stops");
            }
            replica = replica.or_else(|| replicas.pop());
        }
        (versions, sales)
    };
    let ((), (versions, sales)) = tokio::join!(tell, follow);
    assert_eq!(versions, (1..=120).collect::<Vec<_>>());
    assert_eq!(sales, 24);
}
