//! Background work that comes back: it survives failures and panics, and stops between two rounds.

use std::fmt::Display;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;

use crate::Context;

/// The longest rest after failures: what was away must be noticed soon after it is back.
const LONGEST_REST: Duration = Duration::from_secs(5);

/// What a round of work found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// There is more to do; the next round follows at once.
    More,
    /// Nothing is left; the next round follows after the rest.
    Rest,
}

/// Does rounds of `work` with `rest` between them until `stop`. A round that has begun is finished; one that fails or panics is
/// logged, and the rest doubles with each failure in a row. The log lines of a round have a trace in common; what goes on with something that a
/// request has begun belongs to the trace of that.
pub async fn repeat<F, E>(name: &'static str, rest: Duration, stop: CancellationToken, mut work: impl FnMut() -> F)
where
    F: Future<Output = Result<Round, E>>,
    E: Display,
{
    let mut failures = 0_u32;
    while !stop.is_cancelled() {
        let round = Context::unasked().scope(round(name, &mut failures, &mut work));
        if round.await == Round::More {
            continue;
        }
        let rest = rest.saturating_mul(1 << failures.min(16)).min(LONGEST_REST.max(rest));
        stop.run_until_cancelled(tokio::time::sleep(rest)).await;
    }
}

/// One round; what failed is tried again after the rest.
async fn round<F, E>(name: &'static str, failures: &mut u32, work: &mut impl FnMut() -> F) -> Round
where
    F: Future<Output = Result<Round, E>>,
    E: Display,
{
    match AssertUnwindSafe(async { work().await }).catch_unwind().await {
        Ok(Ok(found)) => {
            *failures = 0;
            return found;
        }
        Ok(Err(error)) => {
            *failures += 1;
            tracing::warn!(job = name, failures, %error, "a round of background work failed");
        }
        Err(_panic) => {
            *failures += 1;
            tracing::error!(job = name, failures, "a round of background work panicked");
        }
    }
    Round::Rest
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_goes_on_after_failures_and_panics_until_it_is_stopped() {
        let (rounds, stop) = (AtomicU32::new(0), CancellationToken::new());
        repeat("test", Duration::from_secs(1), stop.clone(), async || match rounds.fetch_add(1, Ordering::Relaxed) {
            0 => Err("failed"),
            1 => panic!("a bug"),
            2 => Ok(Round::More),
            3 => Ok(Round::Rest),
            _ => {
                stop.cancel();
                Ok(Round::More)
            }
        })
        .await;
        assert_eq!(rounds.load(Ordering::Relaxed), 5);
    }
}
