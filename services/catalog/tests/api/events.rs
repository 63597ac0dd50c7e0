//! What happens in the shop, as sockets are told.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use shop_catalog::sockets::SocketLimits;
use shop_runtime::db::DbConfig;
use shop_testkit::{ChaosProxy, TestRedis, eventually};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::support::{Catalog, Setup};

/// How long a test waits for a message.
const PATIENCE: Duration = Duration::from_secs(60);

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    /// Connects as soon as the replica knows where the events are.
    async fn connect(catalog: &Catalog, since: Option<i64>) -> Self {
        let query = since.map_or_else(String::new, |since| format!("?since={since}"));
        let url = format!("{}/ws{query}", catalog.url.replace("http://", "ws://"));
        let mut client = None;
        eventually("a WebSocket opens", async || {
            client = tokio_tungstenite::connect_async(&url).await.ok().map(|(socket, _)| socket);
            client.is_some()
        })
        .await;
        Self(client.expect("it is open"))
    }

    async fn frame(&mut self) -> Message {
        timeout(PATIENCE, self.0.next()).await.expect("something comes").expect("it is open").expect("it can be read")
    }

    /// The next message that is no ping.
    async fn message(&mut self) -> Value {
        loop {
            match self.frame().await {
                Message::Text(text) => return serde_json::from_str(&text).expect("messages are JSON"),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("not a message: {other:?}"),
            }
        }
    }

    async fn close_code(mut self) -> Option<CloseCode> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("something comes") {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }
}

fn kinds(messages: &[Value]) -> Vec<(i64, &str)> {
    messages
        .iter()
        .map(|message| (message["seq"].as_i64().unwrap_or(-1), message["kind"].as_str().unwrap_or("?")))
        .collect()
}

async fn messages(client: &mut Client, count: usize) -> Vec<Value> {
    let mut messages = Vec::new();
    for _ in 0..count {
        messages.push(client.message().await);
    }
    messages
}

fn has_open_sockets(catalog: &Catalog) -> bool {
    let metrics = shop_runtime::metrics::encode(&catalog.registry).expect("the registry can be written");
    !metrics.contains("websocket_connections_active 0\n")
}

#[tokio::test]
async fn a_sale_started_at_one_replica_is_told_at_another_which_lists_it_then() {
    let catalog = Catalog::with_products(8).await;
    let other = Catalog::start(catalog.replica().await).await;
    let mut client = Client::connect(&other, None).await;
    assert_eq!(client.message().await, json!({"kind": "hello", "seq": 0}));
    assert_eq!(other.get("/api/flash-sales").await.body, json!({"items": []}));

    let sale = catalog.sale(1, 100).await;

    let told = client.message().await;
    assert_eq!(
        (&told["seq"], &told["kind"], &told["sale"]["id"]),
        (&json!(1), &json!("flash_sale_started"), &json!(sale))
    );
    let listed = other.get("/api/flash-sales").await;
    assert_eq!(listed.body["items"][0]["id"], json!(sale), "who was told sees it");
    assert_eq!(catalog.stop_sale(&sale).await.status, 204);
    assert_eq!(client.message().await["kind"], "flash_sale_stopped");
    assert_eq!(other.get("/api/flash-sales").await.body, json!({"items": []}));
}

#[tokio::test]
async fn it_works_without_redis() {
    let proxy = ChaosProxy::to(TestRedis::shared().await.address()).await;
    proxy.break_networking();
    let redis_url = TestRedis::url_by(proxy.address());
    let catalog = Catalog::start(Setup { redis_url: redis_url.clone(), ..Setup::new().await }).await.filled(8).await;
    let other = Catalog::start(Setup { redis_url, ..catalog.replica().await }).await;
    let mut client = Client::connect(&other, None).await;
    client.message().await;
    for amount in 1..=5 {
        other.get("/api/flash-sales").await;
        let sale = catalog.sale(1, amount).await;
        assert_eq!(client.message().await["sale"]["id"], json!(sale));
        assert_eq!(other.get("/api/flash-sales").await.body["items"][0]["id"], json!(sale));
        assert_eq!(catalog.stop_sale(&sale).await.status, 204);
        client.message().await;
        assert_eq!(other.get("/api/flash-sales").await.body, json!({"items": []}));
    }
}

#[tokio::test]
async fn who_comes_back_is_told_what_was_missed_at_whichever_replica() {
    let catalog = Catalog::with_products(8).await;
    for product in 1..=3 {
        catalog.sale(product, 100).await;
    }
    // This one starts after the events, and finds them in the database.
    let other = Catalog::start(catalog.replica().await).await;
    for replica in [&catalog, &other] {
        eventually("the replica has heard of all", async || {
            let mut client = Client::connect(replica, None).await;
            client.message().await["seq"] == 3
        })
        .await;
        let mut client = Client::connect(replica, Some(1)).await;
        let told = messages(&mut client, 3).await;
        assert_eq!(kinds(&told), [(2, "flash_sale_started"), (3, "flash_sale_started"), (3, "hello")]);
        assert_eq!(told[0]["sale"]["product_id"], 2);
        for unknown in [-1, 4, i64::MAX] {
            let mut client = Client::connect(replica, Some(unknown)).await;
            assert_eq!(client.message().await, json!({"kind": "resync", "seq": 3}));
        }
        let mut all = Client::connect(replica, Some(0)).await;
        assert_eq!(kinds(&messages(&mut all, 4).await)[0], (1, "flash_sale_started"));
    }
}

#[tokio::test]
async fn a_planned_sale_is_told_when_it_is_planned_begins_and_ends_once_whatever_the_number_of_replicas() {
    let catalog = Catalog::with_products(8).await;
    let _other = Catalog::start(catalog.replica().await).await;
    let mut client = Client::connect(&catalog, None).await;
    let (soon, later) = (time::Duration::milliseconds(300), time::Duration::milliseconds(900));
    catalog.start_sale(1, 100, Some(soon), later).await;
    catalog.start_sale(2, 100, None, time::Duration::hours(1)).await;
    let told = messages(&mut client, 5).await;
    let kinds = kinds(&told);
    assert_eq!(kinds.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    let of_first = |index: usize| told[index]["sale"]["product_id"] == 1;
    let story: Vec<_> = (1..5).filter(|index| of_first(*index)).map(|index| kinds[index].1).collect();
    assert_eq!(story, ["flash_sale_planned", "flash_sale_started", "flash_sale_ended"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn events_of_changes_at_the_same_time_have_numbers_without_gaps_in_the_order_in_which_they_come() {
    let catalog = Catalog::with_products(40).await;
    let other = Catalog::start(catalog.replica().await).await;
    let mut clients = [Client::connect(&catalog, None).await, Client::connect(&other, None).await];
    for client in &mut clients {
        client.message().await;
    }
    let starts = (1..=40).map(|product| {
        let replica = if product % 2 == 0 { &catalog } else { &other };
        replica.sale(product, 100)
    });
    futures::future::join_all(starts).await;
    for client in &mut clients {
        let told = messages(client, 40).await;
        assert_eq!(
            told.iter().map(|message| message["seq"].as_i64()).collect::<Vec<_>>(),
            (1..=40).map(Some).collect::<Vec<_>>()
        );
    }
}

#[tokio::test]
async fn what_happens_while_the_database_can_not_be_heard_is_told_afterwards() {
    let catalog = Catalog::with_products(8).await;
    let replica = catalog.replica().await;
    let proxy = ChaosProxy::to(replica.db.address()).await;
    let url = replica.db.url_by(proxy.address());
    let config = DbConfig { acquire_timeout: Duration::from_millis(300), ..DbConfig::new(url, "catalog", "catalog") };
    let other = Catalog::start(Setup { config, ..replica }).await;
    let mut client = Client::connect(&other, None).await;
    client.message().await;

    proxy.break_networking();
    catalog.sale(1, 100).await;
    catalog.sale(2, 100).await;
    proxy.restore_networking();

    assert_eq!(kinds(&messages(&mut client, 2).await), [(1, "flash_sale_started"), (2, "flash_sale_started")]);

    // A network that loses everything and breaks nothing.
    proxy.silence();
    catalog.sale(3, 100).await;
    proxy.restore_networking();
    assert_eq!(client.message().await["seq"], 3);
}

#[tokio::test]
async fn there_are_only_so_many_sockets_and_a_place_is_free_again_after_a_close() {
    let setup = Setup::new().await;
    let sockets = SocketLimits { connections: 2, ..setup.sockets };
    let catalog = Catalog::start(Setup { sockets, ..setup }).await;
    let (first, _second) = (Client::connect(&catalog, None).await, Client::connect(&catalog, None).await);
    let url = format!("{}/ws", catalog.url.replace("http://", "ws://"));
    let refused = tokio_tungstenite::connect_async(&url).await.expect_err("both places are taken");
    assert!(refused.to_string().contains("503"), "{refused}");
    drop(first);
    Client::connect(&catalog, None).await;
}

#[tokio::test]
async fn a_client_that_gives_no_sign_of_life_is_closed_and_one_that_answers_is_not() {
    let setup = Setup::new().await;
    let sockets = SocketLimits { ping_every: Duration::from_millis(200), ..setup.sockets };
    let catalog = Catalog::start(Setup { sockets, ..setup }).await.filled(8).await;
    // Nobody reads from this one, so no ping is answered.
    let silent = Client::connect(&catalog, None).await;
    eventually("the silent one is closed", async || !has_open_sockets(&catalog)).await;
    drop(silent);

    let mut lively = Client::connect(&catalog, None).await;
    lively.message().await;
    let mut pings = 0;
    while pings < 5 {
        pings += i32::from(matches!(lively.frame().await, Message::Ping(_)));
    }
    catalog.sale(1, 100).await;
    assert_eq!(lively.message().await["kind"], "flash_sale_started");
}

#[tokio::test]
async fn a_client_that_does_not_take_what_it_is_sent_is_closed_and_holds_up_nobody() {
    let setup = Setup::new().await;
    let sockets = SocketLimits { patience: Duration::from_millis(300), ..setup.sockets };
    let catalog = Catalog::start(Setup { sockets, ..setup }).await;
    let stuck = Client::connect(&catalog, None).await;
    let mut reading = Client::connect(&catalog, None).await;
    reading.message().await;
    // More than the buffers of any connection.
    sqlx::query(
        "WITH counted AS (UPDATE shop_event_counter SET last = last + 200 RETURNING last - 200 AS former),
              added AS (
                  INSERT INTO shop_events (seq, kind, payload)
                  SELECT former + n, 'noise', jsonb_build_object('noise', repeat('x', 100000)) FROM counted, generate_series(1, 200) n
                  RETURNING seq
              )
         SELECT pg_notify('catalog_shop_events', max(seq)::text) FROM added",
    )
    .execute(&catalog.pool)
    .await
    .expect("the tables are ours");
    assert_eq!(messages(&mut reading, 200).await[199]["seq"], 200);
    eventually("the stuck client is closed", async || {
        let metrics = shop_runtime::metrics::encode(&catalog.registry).expect("the registry can be written");
        metrics.contains("websocket_connections_closed_total{reason=\"too_slow\"} 1\n")
    })
    .await;
    drop(stuck);
}

#[tokio::test]
async fn a_long_message_ends_the_connection_and_a_short_one_is_not_looked_at() {
    let catalog = Catalog::with_products(8).await;
    let mut client = Client::connect(&catalog, None).await;
    client.message().await;
    client.0.send(Message::text("{\"kind\":\"flash_sale_started\"}")).await.expect("it is open");
    catalog.sale(1, 100).await;
    assert_eq!(client.message().await["seq"], 1);
    client.0.send(Message::text("x".repeat(5_000))).await.expect("it is open");
    client.close_code().await;
    eventually("the socket is closed", async || !has_open_sockets(&catalog)).await;
}

#[tokio::test]
async fn a_replica_that_stops_says_so_to_its_sockets() {
    let catalog = Catalog::with_products(8).await;
    let mut client = Client::connect(&catalog, None).await;
    client.message().await;
    catalog.stop().await;
    assert_eq!(client.close_code().await, Some(CloseCode::Away));
}

#[tokio::test]
async fn the_address_is_for_websockets_only() {
    let catalog = Catalog::empty().await;
    catalog.get("/ws").await.assert_problem(426, "websocket-required");
    catalog.get("/ws?since=yesterday").await.assert_problem(400, "bad-request");
}
