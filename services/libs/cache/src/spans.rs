//! What traces are told of caches: which one, what came of it, and from which tier. Never a key or a value.

use shop_policy::CacheName;
use shop_runtime::span::{Open, Span};

use crate::load::Loading;
use crate::metrics::LoadOutcome;
use crate::status::Origin;
use crate::{LoadError, Served};

/// A span of what is done with this cache.
pub(crate) fn of(cache: CacheName, what: &'static str) -> Span {
    Span::internal(what).described(|open| open.set("cache.name", cache.as_str()))
}

/// How an answer came about, on its span.
pub(crate) fn found<V, E>(open: &mut Open, found: &Result<Served<V>, LoadError<E>>) {
    let Ok(Served { status, .. }) = found else { return open.note(found) };
    let (outcome, tier) = match status.origin {
        Origin::Local => ("hit", "local"),
        Origin::Redis => ("hit", "redis"),
        Origin::Loaded => ("miss", "source"),
        Origin::Collapsed => ("coalesced", "source"),
        Origin::Bypassed => ("bypassed", "source"),
    };
    open.set("cache.outcome", outcome);
    open.set("cache.tier", tier);
    if status.stale_for.is_some() {
        open.set("cache.stale", true);
    }
}

/// How a load ended, on its span.
pub(crate) fn loaded<V, E>(open: &mut Open, loading: &Loading<V, E>) {
    open.set("cache.outcome", loading.outcome.as_str());
    if !matches!(loading.outcome, LoadOutcome::Found | LoadOutcome::Nothing) {
        open.fail(loading.outcome.as_str());
    }
}
