//! The channel by which pods tell each other what they invalidate.
//!
//! Messages can be lost, so silence is told from quiet by signs of life that every pod sends and hears itself. A subscription that
//! breaks, falls silent or lags behind makes the pod drop all that it holds in memory, and again when it is back.

use std::time::Duration;

use futures::StreamExt as _;
use redis::aio::PubSub;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use shop_policy::CacheName;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::caches::Shared;
use crate::{Pending, Reason, Tag};

/// How often each pod gives a sign of life.
const BEAT_EVERY: Duration = Duration::from_secs(1);

/// Nothing heard for so long means that the subscription is dead, whatever the connection looks like.
const SILENCE: Duration = Duration::from_secs(3);

/// A message that was so long on its way shows that others are late too.
const LAG: Duration = Duration::from_secs(1);

/// The longest pause between attempts to subscribe.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What pods tell each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The process that sent it.
    pub from: Uuid,
    /// What it says.
    #[serde(flatten)]
    pub news: What,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// The sender lives.
    Beat {
        /// Counts the sender's signs of life.
        number: u64,
    },
    /// These keys are void.
    Keys {
        /// Of this cache.
        cache: CacheName,
        /// The keys.
        keys: Vec<String>,
        /// Why.
        reason: Reason,
    },
    /// What has one of these tags is void.
    Tags {
        /// Of this cache.
        cache: CacheName,
        /// The tags; none means everything.
        tags: Vec<Tag>,
        /// Why.
        reason: Reason,
    },
}

impl What {
    /// What there is to tell of an invalidation.
    pub(crate) fn of(pending: &Pending, reason: Reason) -> Vec<Self> {
        let Pending { cache, keys, tags, .. } = pending.clone();
        let mut news = Vec::new();
        if !tags.is_empty() || keys.is_empty() {
            news.push(Self::Tags { cache, tags, reason });
        }
        if !keys.is_empty() {
            news.push(Self::Keys { cache, keys, reason });
        }
        news
    }
}

/// Listens until `stop`.
pub(crate) async fn listen(shared: &Shared, url: &SecretString, stop: &CancellationToken) {
    let Ok(client) = redis::Client::open(url.expose_secret()) else {
        return tracing::error!("Redis' URL can't be read, so nothing is heard of invalidations");
    };
    let mut pause = Duration::from_millis(50);
    while !stop.is_cancelled() {
        let channel = shared.remote.channel();
        let subscribing = tokio::time::timeout(SILENCE, subscribe(&client, &channel));
        let connected = stop.run_until_cancelled(subscribing).await;
        if let Some(Ok(Ok(subscription))) = connected {
            // What was said until now was not heard.
            shared.flush("subscribed to invalidations");
            shared.metrics.subscribed.set(1);
            pause = Duration::from_millis(50);
            let why = stop.run_until_cancelled(hear(shared, subscription)).await.unwrap_or("the service stops");
            shared.metrics.subscribed.set(0);
            shared.flush(why);
        }
        stop.run_until_cancelled(tokio::time::sleep(pause)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn subscribe(client: &redis::Client, channel: &str) -> redis::RedisResult<PubSub> {
    let mut subscription = client.get_async_pubsub().await?;
    subscription.subscribe(channel).await?;
    Ok(subscription)
}

/// Hears messages until there is a reason not to trust the subscription any more.
async fn hear(shared: &Shared, subscription: PubSub) -> &'static str {
    let mut messages = subscription.into_on_message();
    let mut beat = tokio::time::interval(BEAT_EVERY);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut number, mut sent_at, mut heard_at) = (0_u64, Instant::now(), Instant::now());
    loop {
        tokio::select! {
            _ = beat.tick() => {
                number += 1;
                sent_at = Instant::now();
                let message = Message { from: shared.id, news: What::Beat { number } };
                let remote = shared.remote.clone();
                // Not awaited here: a slow Redis must not keep us from hearing.
                tokio::spawn(async move { remote.beat(&message).await });
            }
            message = tokio::time::timeout_at(heard_at + SILENCE, messages.next()) => {
                heard_at = Instant::now();
                let text = match message {
                    Ok(Some(message)) => message.get_payload::<String>(),
                    Ok(None) => return "the subscription broke",
                    Err(_elapsed) => return "nothing was heard for too long",
                };
                let Some((at, message)) = text.ok().as_deref().and_then(parse) else {
                    return "a message can't be read";
                };
                match message.news {
                    What::Beat { number: heard } if message.from == shared.id => {
                        if heard < number || sent_at.elapsed() > LAG {
                            return "messages are late";
                        }
                        shared.heard_time(at);
                    }
                    What::Beat { .. } => shared.heard_time(at),
                    // What this pod said it has done already.
                    _ if message.from == shared.id => {}
                    news => shared.apply(&news, shared.local_time(at)),
                }
            }
        }
    }
}

/// Redis' time in microseconds, and what was said.
fn parse(text: &str) -> Option<(u64, Message)> {
    let (at, message) = text.split_once(' ')?;
    Some((at.parse().ok()?, serde_json::from_str(message).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_as_it_went_and_rubbish_does_not() {
        let news = What::Tags { cache: CacheName::Cart, tags: vec![Tag::new("product", 7)], reason: Reason::Tag };
        let message = Message { from: Uuid::nil(), news };
        let text = format!("12 {}", serde_json::to_string(&message).unwrap());
        assert_eq!(parse(&text), Some((12, message)));
        for rubbish in ["", "12", "x {}", "12 {}", "12 {\"kind\":\"beat\"}"] {
            assert_eq!(parse(rubbish), None);
        }
    }
}
