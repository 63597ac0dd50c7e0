//! The watching itself: a timer of the process's CPU time, its signal, and what the signal finds.
//!
//! The signal may come while a thread is inside the allocator, so nothing may be allocated then. What the crate that handles it would
//! still do at its first signal is done before, see [`prepare`].

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, SystemTime};

use nix::sys::signal::{Signal, raise};
use pprof::{ProfilerGuard, ProfilerGuardBuilder};
use tokio::sync::oneshot;

use super::program;
use super::slot::Slot;
use super::stacks::{Profile, Stack};

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// How long it takes.
    pub(super) length: Duration,
    /// Samples in each second of CPU time.
    pub(super) frequency: u32,
}

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordingError {
    #[error("there is no folder for the samples that memory has no room for: mount an emptyDir at /tmp")]
    NoFolder(#[source] io::Error),
    #[error("the profiler does not work")]
    Profiler(#[from] pprof::Error),
    #[error("a signal can't be raised")]
    Signal(#[from] nix::Error),
    #[error("stacks can't be walked in this program")]
    NoStack,
    #[error("the names of the functions can't be read")]
    Names(#[source] io::Error),
    #[error("there is no thread for it")]
    Thread(#[source] io::Error),
    #[error("it broke off")]
    Lost,
}

/// The thread that takes the profile; it is not in it.
const THREAD: &str = "profile";

/// The stack of the thread that takes the profile: the crate walks its table by some thousand calls within each other.
const STACK: usize = 8 * 1024 * 1024;

/// Takes a profile, and makes something of it. Whoever stops waiting ends it.
pub(super) async fn record<T: Send + 'static>(
    plan: Plan,
    slot: Slot,
    make: impl FnOnce(Profile) -> T + Send + 'static,
) -> Result<T, RecordingError> {
    let (stay, caller) = mpsc::channel::<Infallible>();
    let (tell, told) = oneshot::channel();
    let work = move || {
        // What is made of it takes a processor for seconds, which requests need that are served meanwhile.
        let outcome = watch(plan, &caller).map(|profile| profile.map(make));
        // The place is free before anybody hears of it, so that whoever hears of it may ask again.
        drop(slot);
        if let Some(outcome) = outcome {
            tell.send(outcome).ok();
        }
    };
    // Not one of the runtime's threads: it would wait for them at the end of the process.
    thread::Builder::new().name(THREAD.to_owned()).stack_size(STACK).spawn(work).map_err(RecordingError::Thread)?;
    let outcome = told.await.unwrap_or(Err(RecordingError::Lost));
    drop(stay);
    outcome
}

/// Nothing, if the caller went away.
fn watch(plan: Plan, caller: &mpsc::Receiver<Infallible>) -> Option<Result<Profile, RecordingError>> {
    let (began, guard) = match prepare().and_then(|()| start(i32::try_from(plan.frequency).unwrap_or(1))) {
        Ok(guard) => (SystemTime::now(), guard),
        Err(error) => return Some(Err(error)),
    };
    if let Err(RecvTimeoutError::Disconnected) = caller.recv_timeout(plan.length) {
        return None;
    }
    let stacks = stacks(&guard);
    drop(guard);
    Some(stacks.and_then(|stacks| name(plan, began, stacks)))
}

/// Starts the timer. For this the crate walks and names a stack, of which it keeps what it read; that is let go.
fn start(frequency: i32) -> Result<ProfilerGuard<'static>, RecordingError> {
    let guard = ProfilerGuardBuilder::default().frequency(frequency).build();
    backtrace::clear_symbol_cache();
    Ok(guard?)
}

/// Does once what must not be done while anything may have been interrupted: the tables by which stacks are walked are read, into
/// memory, when the first signal comes. So the first one is raised here, by this thread, which holds nothing. There is no other: the
/// kernel refuses a timer that goes off less often than never.
fn prepare() -> Result<(), RecordingError> {
    static PREPARED: OnceLock<()> = OnceLock::new();
    if PREPARED.get().is_some() {
        return Ok(());
    }
    find_folder()?;
    let guard = start(-1)?;
    raise(Signal::SIGPROF)?;
    if guard.report().build_unresolved()?.data.keys().all(|seen| seen.frames.len() < 2) {
        return Err(RecordingError::NoStack);
    }
    PREPARED.get_or_init(|| ());
    Ok(())
}

/// Stacks that the crate's table has no room for go into a file. The root of a pod's container can't be written to, its shared memory can.
fn find_folder() -> Result<(), RecordingError> {
    let Err(error) = tempfile::tempfile() else { return Ok(()) };
    let shared_memory = Path::new("/dev/shm");
    tempfile::tempfile_in(shared_memory).map_err(|_| RecordingError::NoFolder(error))?;
    // Somebody else may have chosen a folder before; then that one is it.
    tempfile::env::override_temp_dir(shared_memory).ok();
    Ok(())
}

/// What was seen so far: the same way through the program once, whichever thread of a name took it.
fn stacks(guard: &ProfilerGuard<'_>) -> Result<Vec<Stack>, RecordingError> {
    let mut ways = BTreeMap::<(String, Vec<u64>), u64>::new();
    for (seen, samples) in guard.report().build_unresolved()?.data {
        let thread = String::from_utf8_lossy(&seen.thread_name[..seen.thread_name_length]).into_owned();
        let addresses = seen.frames.iter().enumerate().map(|(depth, frame)| place_in_function(depth, frame.ip));
        *ways.entry((thread, addresses.collect())).or_default() += u64::try_from(samples).unwrap_or_default();
    }
    let stack = |((thread, addresses), samples): ((String, Vec<u64>), u64)| {
        let cut = addresses.len() >= pprof::MAX_DEPTH;
        Stack { thread, addresses, cut, samples }
    };
    let counts = |stack: &Stack| stack.thread != THREAD && !stack.addresses.is_empty();
    Ok(ways.into_iter().map(stack).filter(counts).collect())
}

/// A function that called another is found by where it will go on, which may be one after its last instruction.
fn place_in_function(depth: usize, address: usize) -> u64 {
    let back = u64::from(depth > 0);
    (address as u64).saturating_sub(back)
}

fn name(plan: Plan, began: SystemTime, stacks: Vec<Stack>) -> Result<Profile, RecordingError> {
    let addresses: BTreeSet<u64> = stacks.iter().flat_map(|stack| stack.addresses.iter().copied()).collect();
    let (places, program) = program::places(&addresses).map_err(RecordingError::Names)?;
    Ok(Profile { began, lasted: plan.length, frequency: plan.frequency, stacks, places, program })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_made_of_a_profile_takes_no_thread_that_serves_requests() {
        let plan = Plan { length: Duration::from_millis(50), frequency: 99 };
        let slot = Slot::take(plan.length).expect("nobody else takes one");
        let name = |_: Profile| thread::current().name().map(str::to_owned);
        assert_eq!(record(plan, slot, name).await.expect("a profile").as_deref(), Some(THREAD));
    }
}
