//! How an answer came about, as RFC 9211 (the `Cache-Status` header) has it.

use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use shop_policy::CacheName;

/// The header in which a [`CacheStatus`] is told.
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The memory of this pod.
    Local,
    /// Redis.
    Redis,
    /// The source, by a load of this call.
    Loaded,
    /// The source, by a load that another call had begun.
    Collapsed,
    /// The source, since the pattern is None.
    Bypassed,
}

/// How an answer came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheStatus {
    /// The cache.
    pub cache: CacheName,
    /// Where the value came from.
    pub origin: Origin,
    /// Whether the value was put into Redis, so that others find it.
    pub stored: bool,
    /// How much longer the value is fresh, if it is kept.
    pub ttl: Option<Duration>,
    /// How long the value's time has been over: it is served only since the source failed or is slow.
    pub stale_for: Option<Duration>,
}

impl CacheStatus {
    pub(crate) const fn new(cache: CacheName, origin: Origin) -> Self {
        Self { cache, origin, stored: false, ttl: None, stale_for: None }
    }

    /// Whether the value was served from a cache.
    pub const fn is_hit(&self) -> bool {
        matches!(self.origin, Origin::Local | Origin::Redis)
    }

    /// The header's value.
    pub fn header(&self) -> HeaderValue {
        // Names, digits and signs of ASCII only.
        HeaderValue::from_str(&self.to_string()).unwrap_or(HeaderValue::from_static("unknown"))
    }
}

impl fmt::Display for CacheStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cache.as_str())?;
        f.write_str(match self.origin {
            Origin::Local | Origin::Redis => "; hit",
            Origin::Loaded => "; fwd=miss",
            Origin::Collapsed => "; fwd=miss; collapsed",
            Origin::Bypassed => "; fwd=bypass",
        })?;
        if self.stored {
            f.write_str("; stored")?;
        }
        match (self.stale_for, self.ttl) {
            (Some(over), _) => write!(f, "; ttl=-{}", over.as_secs().max(1))?,
            (None, Some(left)) => write!(f, "; ttl={}", left.as_secs())?,
            (None, None) => {}
        }
        let stale = self.stale_for.is_some();
        match self.origin {
            Origin::Local => f.write_str(if stale { "; detail=local-stale" } else { "; detail=local" }),
            Origin::Redis => f.write_str(if stale { "; detail=redis-stale" } else { "; detail=redis" }),
            Origin::Loaded | Origin::Collapsed | Origin::Bypassed => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_tells_hit_miss_stale_tier_and_the_seconds_left() {
        let status = CacheStatus::new(CacheName::Products, Origin::Local);
        let left = Some(Duration::from_millis(534_900));
        assert_eq!(CacheStatus { ttl: left, ..status }.to_string(), "products; hit; ttl=534; detail=local");
        let stale = CacheStatus { stale_for: Some(Duration::from_secs(30)), origin: Origin::Redis, ..status };
        assert_eq!(stale.to_string(), "products; hit; ttl=-30; detail=redis-stale");
        let stored =
            CacheStatus { origin: Origin::Loaded, stored: true, ttl: Some(Duration::from_secs(600)), ..status };
        assert_eq!(stored.header(), "products; fwd=miss; stored; ttl=600");
        let collapsed = CacheStatus { origin: Origin::Collapsed, ..status };
        assert_eq!(collapsed.to_string(), "products; fwd=miss; collapsed");
    }
}
