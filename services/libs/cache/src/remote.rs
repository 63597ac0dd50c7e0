//! The tier in Redis. Every step of the protocol is one script (`remote/*.lua`), so that nothing comes in between.

mod entry;
mod keys;
mod scripts;

use std::time::Duration;

use redis::{FromRedisValue, RedisResult, ScriptInvocation};
use serde::Serialize;
use shop_policy::CacheName;
use shop_runtime::redis::{COMMAND_TIMEOUT, Connection, Redis, RedisError};
use uuid::Uuid;

use crate::Tag;
use crate::channel::Message;
pub use entry::RemoteEntry;
pub use keys::Keys;
use scripts::Scripts;

/// How long an announced write may stay without an end. Longer than any request, so that no transaction commits after it.
pub const WRITE_LASTS: Duration = Duration::from_secs(30);

/// How long a reader waits for Redis. Most wait a fraction of a millisecond; those who wait longer are better off with the source.
const READ_WITHIN: Duration = Duration::from_millis(50);

/// Proves who took a lease or announced a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(Uuid);

impl Token {
    /// A token that nobody else has.
    pub fn unique() -> Self {
        Self(Uuid::new_v4())
    }
}

/// The number of a cache's last tag invalidation when a load or a write began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedStamp(String);

/// What became of asking for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lease {
    /// Somebody has loaded it meanwhile.
    Hit(RemoteEntry),
    /// A write is under way: whatever is loaded now may be old in a moment.
    Writing,
    /// Somebody else loads.
    Held,
    /// Load.
    Granted(SharedStamp),
}

/// What became of a value that was to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is there.
    Stored,
    /// The lease was gone: a write or an invalidation came in between, or it took too long.
    Late,
    /// Something that the value depends on was invalidated.
    Overtaken,
    /// Writes overlapped, so there is no entry now.
    Dropped,
}

/// A value on its way to Redis.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// How long it is fresh.
    pub fresh: Duration,
    /// How long it may be served beyond that.
    pub stale: Duration,
    /// The value's JSON; none if there is nothing under the key.
    pub json: Option<Vec<u8>>,
    /// What it depends on.
    pub tags: Vec<Tag>,
}

/// The oldest entries that will do.
#[derive(Clone, Copy, Debug)]
pub struct MaxAge {
    /// Of a value.
    pub value: Duration,
    /// Of the knowledge that there is none.
    pub nothing: Duration,
    /// The share of its own lifetime that an entry may have behind it.
    pub share: f64,
}

/// The tier in Redis, for all caches of a service.
#[derive(Clone, Debug)]
pub struct Remote {
    redis: Redis,
    scripts: &'static Scripts,
    shop: String,
}

impl Remote {
    /// The tier of the shop of this name.
    pub fn new(shop: &str, redis: Redis) -> Self {
        Self { redis, scripts: Scripts::get(), shop: shop.to_owned() }
    }

    /// Whether there is a Redis at all, which may be away.
    pub const fn is_configured(&self) -> bool {
        self.redis.is_configured()
    }

    /// The connection's state.
    pub const fn redis(&self) -> &Redis {
        &self.redis
    }

    /// The channel of the shop's invalidations.
    pub fn channel(&self) -> String {
        format!("{}:invalidations", self.shop)
    }

    /// The names of an entry's keys.
    pub fn keys(&self, cache: CacheName, schema: u32, key: &str) -> Keys {
        Keys::new(&self.shop, cache, schema, key)
    }

    /// The entry, if there is one that holds.
    pub async fn read(&self, keys: &Keys) -> Result<Option<RemoteEntry>, RedisError> {
        let mut call = self.scripts.read.key(keys.entry());
        call.arg(keys.tag_prefix());
        let answer: Option<(Vec<u8>, u64)> = self.run_within("cache.read", READ_WITHIN, &call).await?;
        Ok(answer.and_then(|(bytes, age)| RemoteEntry::parse(bytes, age)))
    }

    /// Asks for the right to load for so long.
    pub async fn lease(
        &self,
        keys: &Keys,
        token: Token,
        lasts: Duration,
        max_age: MaxAge,
    ) -> Result<Lease, RedisError> {
        let mut call = self.scripts.lease.key(keys.entry());
        call.key(keys.lease()).key(keys.writers()).key(keys.sequence());
        call.arg(keys.tag_prefix()).arg(token.text()).arg(millis(lasts));
        call.arg(millis(max_age.value)).arg(millis(max_age.nothing)).arg(max_age.share);
        let answer: Vec<Vec<u8>> = self.run_within("cache.lease", READ_WITHIN, &call).await?;
        Ok(match answer.as_slice() {
            [kind, stamp] if kind == b"granted" => Lease::Granted(SharedStamp(text(stamp))),
            [kind] if kind == b"held" => Lease::Held,
            [kind, value, age] if kind == b"hit" => {
                let entry = text(age).parse().ok().and_then(|age| RemoteEntry::parse(value.clone(), age));
                entry.map_or(Lease::Held, Lease::Hit)
            }
            _ => Lease::Writing,
        })
    }

    /// Stores what was loaded under a lease.
    pub async fn fill(
        &self,
        keys: &Keys,
        token: Token,
        stamp: &SharedStamp,
        parcel: &Parcel,
    ) -> Result<Stored, RedisError> {
        let mut call = self.scripts.fill.key(keys.entry());
        call.key(keys.lease()).key(keys.sequence());
        call.arg(keys.tag_prefix()).arg(token.text()).arg(&stamp.0);
        call.arg(millis(parcel.fresh)).arg(millis(parcel.stale));
        call.arg(if parcel.json.is_some() { "v" } else { "n" }).arg(parcel.json.as_deref().unwrap_or_default());
        for tag in &parcel.tags {
            call.arg(tag.as_str());
        }
        Ok(outcome(&self.run::<String>("cache.fill", &call).await?))
    }

    /// Gives a lease back.
    pub async fn release(&self, keys: &Keys, token: Token) -> Result<(), RedisError> {
        let mut call = self.scripts.release.key(keys.lease());
        call.arg(token.text());
        self.run("cache.release", &call).await
    }

    /// Announces a write of these keys.
    pub async fn begin(&self, keys: &[Keys], token: Token) -> Result<SharedStamp, RedisError> {
        let Some(first) = keys.first() else { return Ok(SharedStamp("0".to_owned())) };
        let mut call = self.scripts.begin.key(first.sequence());
        for keys in keys {
            keys.add_written(&mut call);
        }
        call.arg(token.text()).arg(millis(WRITE_LASTS));
        Ok(SharedStamp(self.run("cache.begin", &call).await?))
    }

    /// Ends a write with its new value.
    pub async fn put(
        &self,
        keys: &Keys,
        token: Token,
        stamp: &SharedStamp,
        parcel: &Parcel,
        news: News<'_>,
    ) -> Result<Stored, RedisError> {
        let mut call = self.scripts.put.key(keys.sequence());
        keys.add_written(&mut call);
        call.arg(keys.tag_prefix()).arg(token.text()).arg(&stamp.0);
        call.arg(millis(parcel.fresh)).arg(millis(parcel.stale)).arg(parcel.json.as_deref().unwrap_or_default());
        self.add_news(&mut call, news);
        for tag in &parcel.tags {
            call.arg(tag.as_str());
        }
        Ok(outcome(&self.run::<String>("cache.put", &call).await?))
    }

    /// Drops entries: at the end of a write (with its token), or for another reason.
    pub async fn drop(&self, keys: &[Keys], token: Option<Token>, news: News<'_>) -> Result<(), RedisError> {
        let mut call = self.scripts.drop.prepare_invoke();
        for keys in keys {
            keys.add_written(&mut call);
        }
        call.arg(token.map(Token::text).unwrap_or_default());
        self.add_news(&mut call, news);
        self.run("cache.drop", &call).await
    }

    /// Ends a write that changed nothing.
    pub async fn abort(&self, keys: &[Keys], token: Token) -> Result<(), RedisError> {
        let mut call = self.scripts.abort.prepare_invoke();
        for keys in keys {
            call.key(keys.writers());
        }
        call.arg(token.text());
        self.run("cache.abort", &call).await
    }

    /// Invalidates tags of a cache; none of them means everything.
    pub async fn tags(&self, cache: CacheName, tags: &[Tag], news: News<'_>) -> Result<(), RedisError> {
        let any = self.keys(cache, 0, "");
        let mut call = self.scripts.tags.key(any.sequence());
        if tags.is_empty() {
            call.key(any.tag("*"));
        }
        for tag in tags {
            call.key(any.tag(tag.as_str()));
        }
        self.add_news(&mut call, news);
        self.run("cache.tags", &call).await
    }

    /// Sends a sign of life over the channel.
    pub async fn beat(&self, message: &Message) -> Result<(), RedisError> {
        let mut call = self.scripts.beat.arg(self.channel());
        call.arg(json(message));
        self.run("cache.beat", &call).await
    }

    fn add_news(&self, call: &mut ScriptInvocation<'_>, news: News<'_>) {
        call.arg(self.channel()).arg(news.since_commit.as_micros().to_string()).arg(json(news.message));
    }

    async fn run<T: FromRedisValue>(&self, name: &'static str, call: &ScriptInvocation<'_>) -> Result<T, RedisError> {
        self.run_within(name, COMMAND_TIMEOUT, call).await
    }

    async fn run_within<T: FromRedisValue>(
        &self,
        name: &'static str,
        limit: Duration,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, RedisError> {
        let run = async |mut connection: Connection| -> RedisResult<T> { call.invoke_async(&mut connection).await };
        self.redis.run_as(name, limit, run).await
    }
}

/// What the other pods are told.
#[derive(Clone, Copy, Debug)]
pub struct News<'a> {
    /// The message.
    pub message: &'a Message,
    /// How long ago the change was committed.
    pub since_commit: Duration,
}

impl Token {
    fn text(self) -> String {
        self.0.simple().to_string()
    }
}

fn outcome(answer: &str) -> Stored {
    match answer {
        "stored" => Stored::Stored,
        "late" => Stored::Late,
        "overtaken" => Stored::Overtaken,
        _ => Stored::Dropped,
    }
}

/// Our own types have no way to fail to be written.
fn json(message: &impl Serialize) -> String {
    serde_json::to_string(message).unwrap_or_default()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
