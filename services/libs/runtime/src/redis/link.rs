//! The connection: in use, or away and being made anew.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use redis::{AsyncConnectionConfig, Client, RedisResult};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::failure::is_answer;
use super::{COMMAND_TIMEOUT, Connection};

/// So many commands in a row without an answer in time, and the connection is taken for dead.
const TIMEOUTS_TO_GIVE_UP: u32 = 3;

/// How long connecting may take, since no request waits for it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The pause after the first attempt that failed; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// However impatient the commands were, the probe has as long as this.
const SHORTEST_PROBE: Duration = Duration::from_millis(20);

/// A key that nobody sets, so deleting it changes nothing.
const PROBED_KEY: &str = "shopkeeper:probe";

/// A connection that is replaced by a task of its own whenever it is of no use.
#[derive(Debug)]
pub(super) struct Link {
    client: Client,
    state: watch::Sender<State>,
    recoveries: watch::Sender<u64>,
    /// Commands in a row that had no answer in time.
    timeouts: AtomicU32,
    /// How many connections there were; each has its number, so that what is heard late of one is not blamed on the next.
    connections: AtomicU64,
    /// How quick an answer must be for Redis to be of use: as quick as those were to be that did not come.
    probe_within: Mutex<Duration>,
}

/// What commands are run on.
#[derive(Debug)]
enum State {
    /// The very first connection is being made; commands wait for it, each as long as it may.
    Connecting,
    /// The connection and its number.
    Up(Connection, u64),
    /// Redis is away since then.
    Away(Instant),
}

impl Link {
    /// Begins to connect.
    pub(super) fn connect(client: Client) -> Arc<Self> {
        let link = Arc::new(Self {
            client,
            state: watch::Sender::new(State::Connecting),
            recoveries: watch::Sender::default(),
            timeouts: AtomicU32::new(0),
            connections: AtomicU64::new(0),
            probe_within: Mutex::new(COMMAND_TIMEOUT),
        });
        link.reconnect();
        link
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(*self.state.borrow(), State::Up(..))
    }

    pub(super) fn recovered(&self) -> watch::Receiver<u64> {
        self.recoveries.subscribe()
    }

    /// The connection and its number; none while Redis is away.
    pub(super) async fn usable(&self) -> Option<(Connection, u64)> {
        if matches!(*self.state.borrow(), State::Connecting) {
            let mut state = self.state.subscribe();
            // Its sender is ours.
            let _ = state.wait_for(|state| !matches!(state, State::Connecting)).await;
        }
        match &*self.state.borrow() {
            State::Up(connection, number) => Some((connection.clone(), *number)),
            State::Connecting | State::Away(_) => None,
        }
    }

    /// Redis has answered.
    pub(super) fn answered(&self) {
        if self.timeouts.load(Ordering::Relaxed) > 0 {
            self.timeouts.store(0, Ordering::Relaxed);
        }
    }

    /// The connection of this number is of no use any more.
    pub(super) fn broken(self: &Arc<Self>, number: u64, error: &redis::RedisError) {
        self.give_up(number, COMMAND_TIMEOUT, &error.to_string());
    }

    /// A command on the connection of this number had no answer within `limit`. One of them may have been a slow command.
    pub(super) fn timed_out(self: &Arc<Self>, number: u64, limit: Duration) {
        if self.timeouts.fetch_add(1, Ordering::Relaxed) + 1 >= TIMEOUTS_TO_GIVE_UP {
            self.give_up(number, limit.clamp(SHORTEST_PROBE, COMMAND_TIMEOUT), "no answers in time");
        }
    }

    fn give_up(self: &Arc<Self>, number: u64, probe_within: Duration, reason: &str) {
        let given_up = self.state.send_if_modified(|state| {
            let is_current = matches!(state, State::Up(_, current) if *current == number);
            if is_current {
                *state = State::Away(Instant::now());
            }
            is_current
        });
        if given_up {
            tracing::warn!(reason, "Redis is away");
            *self.probe_within.lock().unwrap_or_else(PoisonError::into_inner) = probe_within;
            self.reconnect();
        }
    }

    /// Connects in a task of its own, which ends when nobody needs the connection any more.
    fn reconnect(self: &Arc<Self>) {
        tokio::spawn(connect_until_it_works(Arc::downgrade(self)));
    }

    /// A new connection over which Redis has answered.
    async fn attempt(&self) -> Result<Connection, String> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        let connected = timeout(CONNECT_TIMEOUT, connecting).await.map_err(|_elapsed| "can't connect in time")?;
        let connection = connected.map_err(|error| error.to_string())?;
        let probe_within = *self.probe_within.lock().unwrap_or_else(PoisonError::into_inner);
        let probed = timeout(probe_within, probe(connection.clone())).await.map_err(|_elapsed| "no answer in time")?;
        probed.map_err(|error| error.to_string())?;
        Ok(connection)
    }

    fn up(&self, connection: Connection) {
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        self.timeouts.store(0, Ordering::Relaxed);
        if let State::Away(since) = self.state.send_replace(State::Up(connection, number)) {
            tracing::info!(away_ms = since.elapsed().as_millis(), "Redis is back");
        }
        self.recoveries.send_modify(|recoveries| *recoveries += 1);
    }

    /// The first connection has failed: nobody waits any longer.
    fn away(&self, reason: &str) {
        self.state.send_if_modified(|state| {
            let is_first = matches!(state, State::Connecting);
            if is_first {
                tracing::warn!(reason, "Redis is away");
                *state = State::Away(Instant::now());
            }
            is_first
        });
    }
}

async fn connect_until_it_works(link: Weak<Link>) {
    let mut pause = FIRST_PAUSE;
    while let Some(link) = link.upgrade() {
        match link.attempt().await {
            Ok(connection) => return link.up(connection),
            Err(reason) => link.away(&reason),
        }
        drop(link);
        // Replicas that lost Redis together should not all come back in the same moment.
        sleep(pause.mul_f64(0.75 + 0.25 * jitter())).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Asks whether Redis answers and takes writes. `PING` alone does not tell: a replica answers it too. So something is deleted that is not
/// there, which a full Redis allows, and one that can't be written to does not.
async fn probe(mut connection: Connection) -> RedisResult<()> {
    match redis::pipe().cmd("PING").ignore().cmd("DEL").arg(PROBED_KEY).ignore().query_async(&mut connection).await {
        Err(error) if !is_answer(&error) => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// From 0 to 1; not good for more than spreading load.
fn jitter() -> f64 {
    let [first, second, ..] = uuid::Uuid::new_v4().into_bytes();
    f64::from(u16::from_be_bytes([first, second])) / f64::from(u16::MAX)
}
