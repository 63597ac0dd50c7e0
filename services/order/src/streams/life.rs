//! How long a stream may go on.

use std::time::Duration;

use shop_auth::{AuthState, Claims};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// How often it is looked whether a token is still good.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a stream's end depends on, but for its order's.
pub(super) struct Life {
    end: Instant,
    auth: AuthState,
    claims: Claims,
    stop: CancellationToken,
}

impl Life {
    /// So long at most, and not longer than the claims can be believed or after `stop`.
    pub(super) fn new(longest: Duration, auth: AuthState, claims: Claims, stop: CancellationToken) -> Self {
        Self { end: Instant::now() + longest.min(left(&claims)), auth, claims, stop }
    }

    /// Whether the stream has to end now.
    pub(super) fn is_over(&self) -> bool {
        self.stop.is_cancelled() || Instant::now() >= self.end || !self.auth.still_believes(&self.claims)
    }

    /// Waits until the stream has to end; of an ended session that is known after [`LOOK_EVERY`].
    pub(super) async fn over(&self) {
        while !self.is_over() {
            let look = Instant::now() + LOOK_EVERY;
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = sleep_until(look.min(self.end)) => {}
            }
        }
    }
}

/// How long a token is still good by itself.
fn left(claims: &Claims) -> Duration {
    // What is later than time can tell is not what ends the stream.
    let Ok(end) = OffsetDateTime::from_unix_timestamp(claims.exp) else { return Duration::MAX };
    // Less than nothing is left of one that is over.
    Duration::try_from(end - OffsetDateTime::now_utc()).unwrap_or(Duration::ZERO)
}
