//! An order on its way, watched live: server-sent events and the WebSocket side by side.

use std::time::{Duration, Instant};

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::shop::{Narrator, ShopError, Visitor};

/// How long an order may take to be delivered: twice the sample Store's `deliveredAfter`, and some for a busy machine.
const LIMIT: Duration = Duration::from_secs(90);

/// What was heard until the end.
pub(super) struct Delivery {
    /// By the order's stream of events.
    pub(super) told: Vec<String>,
    /// By the WebSocket, from the moment on in which it was authenticated.
    pub(super) on_socket: Vec<String>,
}

/// Watches until the order is delivered.
pub(super) async fn watch<N: Narrator>(visitor: &mut Visitor<N>, order_id: &str) -> Result<Delivery, ShopError> {
    visitor.narrator.step("Watch the order on its way, by server-sent events and on the WebSocket");
    let (began, mut delivery) = (Instant::now(), Delivery { told: Vec::new(), on_socket: Vec::new() });
    let mut socket = listen_on_socket(visitor, order_id).await?;
    let mut stream = Stream { order_id, last: 0, response: None, unread: String::new() };
    let is_over = |states: &[String]| states.last().is_some_and(|last| last == "DELIVERED");
    while !(is_over(&delivery.told) && is_over(&delivery.on_socket)) {
        if began.elapsed() > LIMIT {
            let status = delivery.told.last().cloned().unwrap_or_default();
            return Err(ShopError::Late { order_id: order_id.to_owned(), status, waited: began.elapsed() });
        }
        let at = |way: &str, status: &str| format!("{:>5.1} s  {status} ({way})", began.elapsed().as_secs_f64());
        let told_all = is_over(&delivery.told);
        tokio::select! {
            status = stream.next(visitor), if !told_all => {
                let status = status?;
                visitor.narrator.note(&at("event", &status));
                delivery.told.push(status);
            }
            heard = socket.recv() => match heard {
                Some(Ok(status)) => {
                    visitor.narrator.note(&at("socket", &status));
                    delivery.on_socket.push(status);
                }
                Some(Err(error)) => return Err(error),
                None => return Err(ShopError::NotSeen("the WebSocket was closed".to_owned())),
            },
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
    Ok(delivery)
}

/// The order's events, also after the connection was cut.
struct Stream<'a> {
    order_id: &'a str,
    /// The version that was told of last.
    last: i64,
    response: Option<reqwest::Response>,
    unread: String,
}

impl Stream<'_> {
    /// The next state.
    async fn next<N: Narrator>(&mut self, visitor: &mut Visitor<N>) -> Result<String, ShopError> {
        loop {
            if let Some(status) = self.event() {
                return Ok(status);
            }
            let chunk = match &mut self.response {
                Some(response) => response.chunk().await.ok().flatten(),
                None => None,
            };
            if let Some(chunk) = chunk {
                self.unread.push_str(&String::from_utf8_lossy(&chunk));
                continue;
            }
            let path = format!("/order-api/orders/{}/events", self.order_id);
            self.unread.clear();
            self.response = Some(visitor.listen(&path, &[("last-event-id", &self.last.to_string())], LIMIT).await?);
        }
    }

    /// An event that has come whole. Comments are heartbeats.
    fn event(&mut self) -> Option<String> {
        while let Some((event, rest)) = self.unread.split_once("\n\n") {
            let (event, rest) = (event.to_owned(), rest.to_owned());
            self.unread = rest;
            let data = event.lines().find_map(|line| line.strip_prefix("data:"));
            let Some(data) = data.and_then(|data| serde_json::from_str::<Value>(data.trim()).ok()) else { continue };
            self.last = data["version"].as_i64().unwrap_or(self.last);
            if let Some(status) = data["status"].as_str() {
                return Some(status.to_owned());
            }
        }
        None
    }
}

/// Hears of this order on `/ws`, which tells it only to those who prove that they are its owner.
async fn listen_on_socket<N: Narrator>(
    visitor: &Visitor<N>,
    order_id: &str,
) -> Result<mpsc::UnboundedReceiver<Result<String, ShopError>>, ShopError> {
    let url = format!("{}/ws", visitor.base().replacen("http", "ws", 1));
    let broken = |source| ShopError::Socket { url: url.clone(), source: Box::new(source) };
    let (mut socket, _) = connect_async(&url).await.map_err(broken)?;
    let token = json!({"authenticate": visitor.bearer()}).to_string();
    socket.send(Message::Text(token.into())).await.map_err(broken)?;
    let (told, heard) = mpsc::unbounded_channel();
    let (order_id, url) = (order_id.to_owned(), url.clone());
    let (ready, authenticated) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let mut ready = Some(ready);
        while let Some(message) = socket.next().await {
            let status = match message {
                Ok(Message::Text(text)) => {
                    let message: Value = serde_json::from_str(&text).unwrap_or_default();
                    match message["kind"].as_str() {
                        Some("authenticated") => {
                            ready.take().map(|ready| ready.send(()));
                            continue;
                        }
                        Some("order_status") if message["order_id"] == order_id.as_str() => {
                            Ok(message["status"].as_str().unwrap_or_default().to_owned())
                        }
                        _ => continue,
                    }
                }
                Ok(_) => continue,
                Err(source) => Err(ShopError::Socket { url: url.clone(), source: Box::new(source) }),
            };
            let ended = status.is_err();
            if told.send(status).is_err() || ended {
                return;
            }
        }
    });
    let refused = |_| ShopError::NotSeen("the WebSocket did not take the token".to_owned());
    tokio::time::timeout(Duration::from_secs(10), authenticated)
        .await
        .map_err(|_elapsed| ShopError::NotSeen("no word from the WebSocket".to_owned()))?
        .map_err(refused)?;
    Ok(heard)
}
