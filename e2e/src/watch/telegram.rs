//! A Telegram of one's own, as far as Alertmanager speaks to it: takes messages, and shows them to whoever waits for one.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::WatchError;

/// A message as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The token that it was sent with.
    pub token: String,
    /// The chat that it is for.
    pub chat: String,
    /// How its text is to be read.
    pub parse_mode: String,
    /// The text.
    pub text: String,
}

#[derive(Deserialize)]
struct Sent {
    chat_id: Value,
    text: String,
    #[serde(default)]
    parse_mode: String,
}

/// The server; it ends when this is dropped.
pub struct Telegram {
    /// Its port, on all addresses of this machine.
    pub port: u16,
    messages: Arc<watch::Sender<Vec<Message>>>,
    server: tokio::task::JoinHandle<()>,
}

impl Telegram {
    /// Starts to listen.
    pub async fn start() -> std::io::Result<Self> {
        let messages = Arc::new(watch::Sender::new(Vec::new()));
        let app = Router::new().route("/{bot}/{method}", post(take)).with_state(Arc::clone(&messages));
        let listener = tokio::net::TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))).await?;
        let port = listener.local_addr()?.port();
        let server = tokio::spawn(async move {
            // It ends with the test, whatever happens to it.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { port, messages, server })
    }

    /// Waits for a message of which this is true, also for one that came before.
    pub async fn message(
        &self,
        what: &str,
        limit: Duration,
        wanted: impl Fn(&Message) -> bool,
    ) -> Result<Message, WatchError> {
        let mut arrived = self.messages.subscribe();
        let waiting = arrived.wait_for(|all| all.iter().any(&wanted));
        let found = tokio::time::timeout(limit, waiting).await.ok().and_then(Result::ok);
        let found = found.and_then(|all| all.iter().find(|message| wanted(message)).cloned());
        found.ok_or_else(|| WatchError::Late {
            what: format!("{what}; there came {:?}", *self.messages.borrow()),
            waited: limit,
        })
    }

    /// All messages so far.
    pub fn all(&self) -> Vec<Message> {
        self.messages.borrow().clone()
    }
}

impl Drop for Telegram {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn take(
    State(messages): State<Arc<watch::Sender<Vec<Message>>>>,
    Path((bot, method)): Path<(String, String)>,
    Json(sent): Json<Sent>,
) -> (StatusCode, Json<Value>) {
    let Some(token) = bot.strip_prefix("bot").filter(|_| method == "sendMessage") else {
        return (StatusCode::NOT_FOUND, Json(json!({"ok": false, "error_code": 404, "description": "Not Found"})));
    };
    let chat = sent.chat_id.as_str().map_or_else(|| sent.chat_id.to_string(), str::to_owned);
    let message = Message { token: token.to_owned(), chat, parse_mode: sent.parse_mode, text: sent.text };
    messages.send_modify(|all| all.push(message));
    let made = json!({"message_id": messages.borrow().len(), "date": 0, "chat": {"id": 1, "type": "group"}});
    (StatusCode::OK, Json(json!({"ok": true, "result": made})))
}
