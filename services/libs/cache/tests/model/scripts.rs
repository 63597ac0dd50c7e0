//! The real scripts on a real Redis against the model: whatever is done, in whatever order, both answer the same and hold the same.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use redis::aio::MultiplexedConnection;
use shop_cache::protocol::{self, MaxAge, Message, News, Parcel, Remote, RemoteEntry, SharedStamp, What};
use shop_cache::{Reason, Tag as RealTag};
use shop_policy::CacheName;
use shop_runtime::redis::{Redis, RedisError};
use shop_testkit::TestRedis;
use uuid::Uuid;

use crate::tier::{ALL, Broken, Fate, Key, Lease, Schema, Stamp, Tag, Tier, Token};

const CACHE: CacheName = CacheName::Products;
const KEYS: [Key; 2] = [1, 2];
const SCHEMAS: [Schema; 3] = [1, 2, 3];
const TAGS: [Tag; 2] = [1, 2];
/// Each load or write that takes part has one of these.
const TOKENS: [Token; 4] = [1, 2, 3, 4];

/// A value, or the knowledge that there is none.
type Value = Option<u32>;

/// One step. A step that its actor can't take (a fill without a lease that was once granted) is not taken.
#[derive(Clone, Debug)]
enum Step {
    Lease { token: Token, key: Key, schema: Schema, renews: bool },
    Fill { token: Token, tags: Vec<Tag>, is_value: bool },
    Release { token: Token },
    Begin { token: Token, keys: Vec<Key>, schema: Schema },
    Put { token: Token, key: Key, tags: Vec<Tag> },
    Drop { token: Option<Token>, keys: Vec<Key>, schema: Schema },
    Abort { token: Token },
    Tags(Vec<Tag>),
    All,
    LoseEntry(Key, Schema),
    LoseLease(Key, Schema),
    EndWriter(Token, Key),
    LoseWriters(Key),
    LoseMarker(Tag),
    LoseSequence,
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    let (token, key, schema) =
        (prop::sample::select(&TOKENS), prop::sample::select(&KEYS), prop::sample::select(&SCHEMAS));
    let keys = prop::sample::subsequence(KEYS.to_vec(), 1..=2);
    let tags = prop::sample::subsequence(TAGS.to_vec(), 0..=2);
    prop_oneof![
        8 => (token.clone(), key.clone(), schema.clone(), any::<bool>())
            .prop_map(|(token, key, schema, renews)| Step::Lease { token, key, schema, renews }),
        8 => (token.clone(), tags.clone(), prop::bool::weighted(0.8))
            .prop_map(|(token, tags, is_value)| Step::Fill { token, tags, is_value }),
        1 => token.clone().prop_map(|token| Step::Release { token }),
        4 => (token.clone(), keys.clone(), schema.clone()).prop_map(|(token, keys, schema)| Step::Begin { token, keys, schema }),
        6 => (token.clone(), key.clone(), tags.clone()).prop_map(|(token, key, tags)| Step::Put { token, key, tags }),
        3 => (prop::option::of(token.clone()), keys, schema.clone())
            .prop_map(|(token, keys, schema)| Step::Drop { token, keys, schema }),
        1 => token.clone().prop_map(|token| Step::Abort { token }),
        2 => prop::sample::subsequence(TAGS.to_vec(), 1..=2).prop_map(Step::Tags),
        1 => Just(Step::All),
        1 => (key.clone(), schema.clone()).prop_map(|(key, schema)| Step::LoseEntry(key, schema)),
        1 => (key.clone(), schema).prop_map(|(key, schema)| Step::LoseLease(key, schema)),
        1 => (token, key.clone()).prop_map(|(token, key)| Step::EndWriter(token, key)),
        1 => key.prop_map(Step::LoseWriters),
        1 => prop::sample::select(vec![ALL, 1, 2]).prop_map(Step::LoseMarker),
        1 => Just(Step::LoseSequence),
        1 => Just(Step::Flush),
    ]
}

/// What can be seen of a cache.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    served: BTreeMap<(Key, Schema), Value>,
    leases: BTreeMap<(Key, Schema), Token>,
    writers: BTreeMap<(Key, Token), bool>,
    markers: Vec<Tag>,
    sequence: bool,
}

/// The model and the real thing, side by side.
struct Pair {
    model: Tier<Value>,
    remote: Remote,
    raw: MultiplexedConnection,
    prefix: String,
    tokens: HashMap<Token, protocol::Token>,
    /// What was granted to whom, in the model and in truth.
    loads: HashMap<Token, (Key, Schema, Stamp, SharedStamp)>,
    /// What was announced by whom.
    writes: HashMap<Token, (Vec<Key>, Schema, Stamp, SharedStamp)>,
    values: u32,
}

impl Pair {
    fn new(remote: Remote, raw: MultiplexedConnection, shop: &str, broken: Option<Broken>) -> Self {
        Self {
            model: Tier::new(broken),
            remote,
            raw,
            prefix: format!("{{{shop}:{CACHE}}}"),
            tokens: TOKENS.iter().map(|token| (*token, protocol::Token::unique())).collect(),
            loads: HashMap::new(),
            writes: HashMap::new(),
            values: 0,
        }
    }

    /// Takes steps in both, and compares their answers and, after each, what they hold.
    async fn take_all(&mut self, steps: &[Step]) -> Result<(), TestCaseError> {
        for step in steps {
            self.take(step).await?;
            let (real, model) = (self.in_redis().await, self.in_model());
            prop_assert_eq!(real, model, "Redis (left) and the model (right), after {:?}", step);
        }
        Ok(())
    }

    async fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Lease { token, key, schema, renews } => self.lease(*token, *key, *schema, *renews).await?,
            Step::Fill { token, tags, is_value } => {
                let Some((key, schema, stamp, shared)) = self.loads.get(token).cloned() else { return Ok(()) };
                let value = is_value.then(|| self.next_value());
                let expected = self.model.fill((key, schema, *token), stamp, value, tags);
                let (keys, parcel) = (self.keys(key, schema), parcel(value, tags));
                let answer = self.remote.fill(&keys, self.tokens[token], &shared, &parcel);
                prop_assert_eq!(stored(answer.await.expect("Redis answers")), expected, "after {:?}", step);
            }
            Step::Release { token } => {
                let Some((key, schema, ..)) = self.loads.get(token).cloned() else { return Ok(()) };
                self.model.release(key, schema, *token);
                self.remote.release(&self.keys(key, schema), self.tokens[token]).await.expect("Redis answers");
            }
            Step::Begin { token, keys, schema } => {
                let stamp = self.model.begin(keys, *schema, *token);
                let real = self.all_keys(keys, *schema);
                let shared = self.remote.begin(&real, self.tokens[token]).await.expect("Redis answers");
                self.writes.insert(*token, (keys.clone(), *schema, stamp, shared));
            }
            Step::Put { token, key, tags } => {
                let Some((keys, schema, stamp, shared)) = self.writes.get(token).cloned() else { return Ok(()) };
                if !keys.contains(key) {
                    return Ok(());
                }
                let value = Some(self.next_value());
                let expected = self.model.put((*key, schema, *token), stamp, value, tags);
                let (real, parcel, message) = (self.keys(*key, schema), parcel(value, tags), message());
                let answer = self.remote.put(&real, self.tokens[token], &shared, &parcel, news(&message));
                prop_assert_eq!(stored(answer.await.expect("Redis answers")), expected, "after {:?}", step);
            }
            Step::Drop { token, keys, schema } => {
                self.model.drop(keys, *schema, *token);
                let (real, token, message) =
                    (self.all_keys(keys, *schema), token.map(|token| self.tokens[&token]), message());
                self.remote.drop(&real, token, news(&message)).await.expect("Redis answers");
            }
            Step::Abort { token } => {
                let Some((keys, schema, ..)) = self.writes.get(token).cloned() else { return Ok(()) };
                self.model.abort(&keys, *token);
                self.remote.abort(&self.all_keys(&keys, schema), self.tokens[token]).await.expect("Redis answers");
            }
            Step::Tags(tags) => {
                self.model.tags(tags);
                let (tags, message) = (real_tags(tags), message());
                self.remote.tags(CACHE, &tags, news(&message)).await.expect("Redis answers");
            }
            Step::All => {
                self.model.tags(&[ALL]);
                let message = message();
                self.remote.tags(CACHE, &[], news(&message)).await.expect("Redis answers");
            }
            lost => self.lose(lost).await,
        }
        Ok(())
    }

    async fn lease(&mut self, token: Token, key: Key, schema: Schema, renews: bool) -> Result<(), TestCaseError> {
        let expected = self.model.lease(key, schema, token, renews);
        let age = if renews { Duration::ZERO } else { Duration::from_secs(3_600) };
        let (lasts, max_age) = (Duration::from_secs(60), MaxAge { value: age, nothing: age, share: 1.0 });
        let keys = self.keys(key, schema);
        let answer = self.remote.lease(&keys, self.tokens[&token], lasts, max_age);
        match (answer.await.expect("Redis answers"), expected) {
            (protocol::Lease::Granted(shared), Lease::Granted(stamp)) => {
                self.loads.insert(token, (key, schema, stamp, shared));
            }
            (protocol::Lease::Hit(entry), Lease::Hit(value)) => prop_assert_eq!(value_of(&entry), value),
            (protocol::Lease::Held, Lease::Held) | (protocol::Lease::Writing, Lease::Writing) => {}
            (answer, expected) => return Err(TestCaseError::fail(format!("answer {answer:?}, expected {expected:?}"))),
        }
        Ok(())
    }

    /// What time and Redis do by themselves.
    async fn lose(&mut self, lost: &Step) {
        let prefix = &self.prefix;
        let (name, token) = match lost {
            Step::LoseEntry(key, schema) => {
                self.model.lose_entry(*key, *schema);
                (format!("{prefix}:e:{schema}:{key}"), None)
            }
            Step::LoseLease(key, schema) => {
                self.model.lose_lease(*key, *schema);
                (format!("{prefix}:l:{schema}:{key}"), None)
            }
            Step::EndWriter(token, key) => {
                if self.model.writers_of(*key).contains_key(token) {
                    self.model.lose_writer(*key, *token);
                    (format!("{prefix}:w:{key}"), Some(text_of(self.tokens[token])))
                } else {
                    return;
                }
            }
            Step::LoseWriters(key) => {
                self.model.lose_writers(*key);
                (format!("{prefix}:w:{key}"), None)
            }
            Step::LoseMarker(tag) => {
                self.model.lose_marker(*tag);
                (self.marker(*tag), None)
            }
            Step::LoseSequence => {
                self.model.lose_sequence();
                (format!("{prefix}:sequence"), None)
            }
            _ => {
                self.model.flush();
                return redis::cmd("FLUSHALL").query_async(&mut self.raw).await.expect("Redis answers");
            }
        };
        match token {
            None => redis::cmd("DEL").arg(name).exec_async(&mut self.raw).await,
            // Its time is over, and it is still there.
            Some(token) => redis::cmd("HSET").arg(name).arg(token).arg("1 alone").exec_async(&mut self.raw).await,
        }
        .expect("Redis answers");
    }

    fn in_model(&self) -> Seen {
        let mut seen = Seen { sequence: self.model.has_sequence(), ..Seen::default() };
        for key in KEYS {
            for schema in SCHEMAS {
                seen.served.extend(self.model.read(key, schema).map(|value| ((key, schema), *value)));
                seen.leases.extend(self.model.lease_of(key, schema).map(|token| ((key, schema), token)));
            }
            seen.writers.extend(self.model.writers_of(key).into_iter().map(|(token, alone)| ((key, token), alone)));
        }
        seen.markers.extend([ALL, 1, 2].into_iter().filter(|tag| self.model.has_marker(*tag)));
        seen
    }

    /// A read has less time than a busy machine may need for it. To ask again changes nothing.
    async fn entry(&self, key: Key, schema: Schema) -> Option<RemoteEntry> {
        let keys = self.keys(key, schema);
        for _ in 0..500 {
            match self.remote.read(&keys).await {
                Err(RedisError::TimedOut | RedisError::Away) => tokio::time::sleep(Duration::from_millis(20)).await,
                answer => return answer.expect("Redis answers"),
            }
        }
        panic!("Redis does not answer")
    }

    async fn in_redis(&mut self) -> Seen {
        let mut seen = Seen::default();
        for key in KEYS {
            for schema in SCHEMAS {
                let entry = self.entry(key, schema).await;
                seen.served.extend(entry.map(|entry| ((key, schema), value_of(&entry))));
                let held: Option<String> = self.get("GET", format!("{}:l:{schema}:{key}", self.prefix)).await;
                seen.leases.extend(held.map(|text| ((key, schema), self.token_of(&text))));
            }
            let writers: HashMap<String, String> = self.get("HGETALL", format!("{}:w:{key}", self.prefix)).await;
            for (token, state) in writers {
                let (ends, alone) = state.split_once(' ').expect("an announcement is of two words");
                if ends != "1" {
                    seen.writers.insert((key, self.token_of(&token)), alone == "alone");
                }
            }
        }
        for tag in [ALL, 1, 2] {
            if self.get::<bool>("EXISTS", self.marker(tag)).await {
                seen.markers.push(tag);
            }
        }
        seen.sequence = self.get("EXISTS", format!("{}:sequence", self.prefix)).await;
        seen
    }

    async fn get<T: redis::FromRedisValue>(&mut self, command: &str, key: String) -> T {
        redis::cmd(command).arg(key).query_async(&mut self.raw).await.expect("Redis answers")
    }

    fn marker(&self, tag: Tag) -> String {
        if tag == ALL { format!("{}:t:*", self.prefix) } else { format!("{}:t:tag:{tag}", self.prefix) }
    }

    fn keys(&self, key: Key, schema: Schema) -> protocol::Keys {
        self.remote.keys(CACHE, schema, &key.to_string())
    }

    fn all_keys(&self, keys: &[Key], schema: Schema) -> Vec<protocol::Keys> {
        keys.iter().map(|key| self.keys(*key, schema)).collect()
    }

    fn token_of(&self, text: &str) -> Token {
        let found = self.tokens.iter().find(|(_, real)| text_of(**real) == text);
        *found.unwrap_or_else(|| panic!("nobody has token {text}")).0
    }

    fn next_value(&mut self) -> u32 {
        self.values += 1;
        self.values
    }
}

/// The text of a token, as it is in Redis: the digits of the UUID that its debug output shows.
fn text_of(token: protocol::Token) -> String {
    let shown = format!("{token:?}");
    let uuid = shown.trim_start_matches("Token(").trim_end_matches(')');
    uuid.replace('-', "")
}

fn real_tags(tags: &[Tag]) -> Vec<RealTag> {
    tags.iter().map(|tag| RealTag::new("tag", tag)).collect()
}

fn parcel(value: Value, tags: &[Tag]) -> Parcel {
    let minute = Duration::from_secs(60);
    let json = value.map(|value| value.to_string().into_bytes());
    Parcel { fresh: minute, stale: minute, json, tags: real_tags(tags) }
}

fn value_of(entry: &RemoteEntry) -> Value {
    entry.json().map(|json| serde_json::from_slice(json).expect("it is a number"))
}

fn stored(answer: protocol::Stored) -> Fate {
    match answer {
        protocol::Stored::Stored => Fate::Stored,
        protocol::Stored::Late => Fate::Late,
        protocol::Stored::Overtaken => Fate::Overtaken,
        protocol::Stored::Dropped => Fate::Dropped,
    }
}

fn message() -> Message {
    Message { from: Uuid::nil(), news: What::Keys { cache: CACHE, keys: Vec::new(), reason: Reason::Write } }
}

fn news(message: &Message) -> News<'_> {
    News { message, since_commit: Duration::ZERO }
}

/// A real Redis, with a runtime for talking to it.
struct Stage {
    runtime: tokio::runtime::Runtime,
    redis: Redis,
    raw: MultiplexedConnection,
    shops: Cell<u32>,
    _server: TestRedis,
}

impl Stage {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (server, redis, raw) = runtime.block_on(async {
            let server = TestRedis::start().await;
            let client = redis::Client::open(format!("redis://{}", server.address())).expect("it is a URL");
            let raw = client.get_multiplexed_async_connection().await.expect("Redis answers");
            let redis = Redis::new(Some(&server.url())).expect("it is a URL");
            (server, redis, raw)
        });
        Self { runtime, redis, raw, shops: Cell::new(0), _server: server }
    }

    /// Takes steps with a model, whole or broken, and with the scripts, both of which begin with nothing.
    fn compare(&self, broken: Option<Broken>, steps: &[Step]) -> Result<(), TestCaseError> {
        let shop = format!("shop{}", self.shops.replace(self.shops.get() + 1));
        let mut pair = Pair::new(Remote::new(&shop, self.redis.clone()), self.raw.clone(), &shop, broken);
        self.runtime.block_on(pair.take_all(steps))
    }
}

#[test]
fn the_scripts_do_what_the_model_does() {
    let stage = Stage::new();
    let config = Config { cases: 200, max_shrink_iters: 10_000, failure_persistence: None, ..Config::default() };
    let outcome =
        TestRunner::new(config).run(&prop::collection::vec(step(), 1..80), |steps| stage.compare(None, &steps));
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// Steps after which a model that is broken in this way is no longer what the scripts do.
fn witness(broken: Broken) -> Vec<Step> {
    use Step::{All, Begin, Drop, EndWriter, Fill, Lease, LoseLease, LoseSequence, Put, Tags};
    let lease = |token| Lease { token, key: 1, schema: 1, renews: false };
    let fill = |token, tags: &[Tag]| Fill { token, tags: tags.to_vec(), is_value: true };
    let begin = |token, schema| Begin { token, keys: vec![1], schema };
    let put = |token| Put { token, key: 1, tags: Vec::new() };
    let drop = || Drop { token: None, keys: vec![1], schema: 1 };
    match broken {
        Broken::FillAsksForNoLease => vec![lease(1), LoseLease(1, 1), fill(1, &[])],
        Broken::FillHeedsNoMarkers => vec![lease(1), All, fill(1, &[])],
        // The sequence has moved, and nobody has kept a marker of the tag.
        Broken::FillTakesAMissingMarkerForUnmoved | Broken::TagsMoveNoSequence => {
            vec![lease(1), Tags(vec![1]), fill(1, &[1])]
        }
        Broken::LeaseDespiteWrites => vec![begin(1, 1), lease(2)],
        Broken::BeginLeavesTheEntry => vec![lease(1), fill(1, &[]), begin(2, 1)],
        Broken::BeginLeavesLeases => vec![lease(1), begin(2, 1)],
        Broken::BeginLeavesOtherSchemas => vec![lease(1), fill(1, &[]), begin(2, 2)],
        Broken::OverlappingWritesPut => vec![begin(1, 1), begin(2, 1)],
        // The first announcement's time is over before its value comes.
        Broken::PutLeavesOthersAlone => vec![begin(1, 1), EndWriter(1, 1), begin(2, 1), put(1)],
        Broken::PutLeavesTheEntry => vec![begin(1, 1), EndWriter(1, 1), lease(2), fill(2, &[]), put(1)],
        // A load of another key keeps the marker that is moved.
        Broken::PutHeedsNoMarkers => {
            vec![Lease { token: 2, key: 2, schema: 1, renews: false }, begin(1, 1), All, put(1)]
        }
        Broken::DropLeavesLeases => vec![lease(1), drop()],
        Broken::DropLeavesOthersAlone => vec![begin(1, 1), drop()],
        Broken::SequenceBeginsAnew => vec![lease(1), LoseSequence, fill(1, &[1])],
    }
}

#[test]
fn a_model_that_is_not_the_scripts_is_found_out() {
    let stage = Stage::new();
    for broken in Broken::ALL {
        let steps = witness(broken);
        stage.compare(None, &steps).unwrap_or_else(|error| panic!("the whole model differs at {steps:?}: {error}"));
        assert!(stage.compare(Some(broken), &steps).is_err(), "{broken:?} makes no difference that is seen");
    }
}
