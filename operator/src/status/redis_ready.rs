//! `RedisReady`. The shop works without Redis, slower, so this does not bear on `Ready`.

use super::{Picture, Verdict, ready};

pub(super) fn redis_ready(picture: &Picture) -> Verdict {
    match &picture.redis {
        None => Verdict::yes("External", "Redis is not run by the operator"),
        Some(_) if ready::is_suspended(picture) => ready::suspended(),
        Some(Some(pods)) if pods.serves() => Verdict::yes("Running", "Redis answers"),
        Some(Some(_)) => Verdict::no("NotReady", "Redis does not answer yet; the shop works without it, slower"),
        Some(None) => Verdict::no("NotThere", "Redis was not made yet"),
    }
}
