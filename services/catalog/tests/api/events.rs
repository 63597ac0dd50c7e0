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

pub(crate) struct Client(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    /// Connects as soon as the replica knows where the events are.
    async fn connect(catalog: &Catalog, since: Option<i64>) -> Self {
        Self::with(catalog, &since.map_or_else(String::new, |since| format!("?since={since}"))).await
    }

    pub(crate) async fn with(catalog: &Catalog, query: &str) -> Self {
        let url = format!("{}/ws{query}", catalog.url.replace("http://", "ws://"));
        let mut client = None;
        eventually("a WebSocket opens", async || {
            client = tokio_tungstenite::connect_async(&url).await.ok().map(|(socket, _)| socket);
            client.is_some()
        })
        .await;
        Self(client.expect("it is open"))
    }

    pub(crate) async fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.expect("it is open");
    }

    async fn frame(&mut self) -> Message {
        timeout(PATIENCE, self.0.next()).await.expect("something comes").expect("it is open").expect("it can be read")
    }

    /// The next message that tells of something else than products.
    pub(crate) async fn sale(&mut self) -> Value {
        loop {
            let message = self.message().await;
            if !matches!(message["kind"].as_str(), Some("stock_changed" | "price_changed" | "product_withdrawn")) {
                return message;
            }
        }
    }

    /// The next message that is no ping.
    pub(crate) async fn message(&mut self) -> Value {
        loop {
            match self.frame().await {
                Message::Text(text) => return serde_json::from_str(&text).expect("messages are JSON"),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("not a message: {other:?}"),
            }
        }
    }

    /// How it is closed, and what was said before.
    pub(crate) async fn end(mut self) -> (Option<CloseCode>, Vec<Value>) {
        let mut said = Vec::new();
        let code = self.wait_for_close(&mut said).await;
        (code, said)
    }

    async fn wait_for_close(&mut self, said: &mut Vec<Value>) -> Option<CloseCode> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("something comes") {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code),
                Some(Ok(Message::Text(text))) => said.push(serde_json::from_str(&text).expect("messages are JSON")),
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

/// So many messages that tell of something else than products.
async fn messages(client: &mut Client, count: usize) -> Vec<Value> {
    let mut messages = Vec::new();
    for _ in 0..count {
        messages.push(client.sale().await);
    }
    messages
}

pub(crate) fn has_open_sockets(catalog: &Catalog) -> bool {
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
    assert_eq!((&told["kind"], &told["sale"]["id"]), (&json!("flash_sale_started"), &json!(sale)));
    let listed = other.get("/api/flash-sales").await;
    assert_eq!(listed.body["items"][0]["id"], json!(sale), "who was told sees it");
    assert_eq!(catalog.stop_sale(&sale).await.status, 204);
    assert_eq!(client.sale().await["kind"], "flash_sale_stopped");
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
        assert_eq!(client.sale().await["sale"]["id"], json!(sale));
        assert_eq!(other.get("/api/flash-sales").await.body["items"][0]["id"], json!(sale));
        assert_eq!(catalog.stop_sale(&sale).await.status, 204);
        client.sale().await;
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
    // Three sales and three prices.
    catalog.settled(6).await;
    for replica in [&catalog, &other] {
        eventually("the replica has heard of all", async || {
            let mut client = Client::connect(replica, None).await;
            client.message().await["seq"] == 6
        })
        .await;
        let mut all = Client::connect(replica, Some(0)).await;
        let told = messages(&mut all, 4).await;
        assert_eq!(told[3], json!({"kind": "hello", "seq": 6}));
        let products: Vec<_> = told[..3].iter().map(|sale| sale["sale"]["product_id"].as_i64()).collect();
        assert_eq!(products, [Some(1), Some(2), Some(3)]);
        let second = told[1]["seq"].as_i64().expect("a number");
        let mut client = Client::connect(replica, Some(second)).await;
        assert_eq!(messages(&mut client, 2).await, told[2..]);
        for unknown in [-1, 7, i64::MAX, i64::MIN] {
            let mut client = Client::connect(replica, Some(unknown)).await;
            assert_eq!(client.message().await, json!({"kind": "gap", "seq": 6}));
        }
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
    assert!(kinds.windows(2).all(|pair| pair[0].0 < pair[1].0), "{kinds:?}");
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
        let (mut seqs, mut sales) = (Vec::new(), 0);
        while sales < 40 {
            let message = client.message().await;
            seqs.push(message["seq"].as_i64().expect("a number"));
            sales += i32::from(message["kind"] == "flash_sale_started");
        }
        assert_eq!(seqs, (1..).take(seqs.len()).collect::<Vec<_>>());
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

    let told = messages(&mut client, 2).await;
    assert_eq!([&told[0], &told[1]].map(|told| told["sale"]["product_id"].as_i64()), [Some(1), Some(2)]);

    // A network that loses everything and breaks nothing.
    proxy.silence();
    catalog.sale(3, 100).await;
    proxy.restore_networking();
    assert_eq!(client.sale().await["sale"]["product_id"], 3);
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
    assert_eq!(lively.sale().await["kind"], "flash_sale_started");
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
async fn a_replica_that_stops_says_so_to_its_sockets_and_when_to_come_back() {
    let catalog = Catalog::with_products(8).await;
    let mut client = Client::connect(&catalog, None).await;
    client.message().await;
    catalog.sale(1, 100).await;
    let seq = client.sale().await["seq"].clone();
    catalog.stop().await;
    let (code, said) = client.end().await;
    let goodbye = said.last().expect("it says goodbye");
    assert_eq!((code, &goodbye["kind"]), (Some(CloseCode::Away), &json!("goodbye")));
    assert!(goodbye["seq"].as_i64() >= seq.as_i64() && goodbye["retry_in_ms"].as_u64() < Some(1_000), "{goodbye}");
}

#[tokio::test]
async fn the_address_is_for_websockets_only() {
    let catalog = Catalog::empty().await;
    catalog.get("/ws").await.assert_problem(426, "websocket-required");
    catalog.get("/ws?since=yesterday").await.assert_problem(400, "bad-request");
}
