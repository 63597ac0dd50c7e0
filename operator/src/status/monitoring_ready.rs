//! `MonitoringReady`: all that watches the shop runs. Does not bear on `Ready`: the shop is open without it.

use super::{Picture, Verdict, degraded::said, ready};
use crate::health::Workload;

/// What is said; `None` as long as it is not known.
pub(super) fn monitoring_ready(picture: &Picture) -> Option<Verdict> {
    let monitoring = picture.monitoring.as_ref()?;
    if ready::is_suspended(picture) {
        return Some(ready::suspended());
    }
    if let Some(failed) = &monitoring.outcome.failed {
        return Some(Verdict::no(failed.reason, failed.message.clone()));
    }
    if let Some((reason, message)) = said(&monitoring.troubles) {
        return Some(Verdict::no(reason, message));
    }
    let left_out: Vec<&str> = monitoring.outcome.left_out.iter().map(|it| it.message.as_str()).collect();
    let waiting: Vec<String> = monitoring.parts.iter().filter_map(|(name, pods)| waits(name, pods.as_ref())).collect();
    Some(match monitoring.outcome.left_out.first() {
        _ if !waiting.is_empty() => {
            let missing = std::iter::once(format!("not ready yet: {}", waiting.join(", ")));
            let all: Vec<String> = missing.chain(left_out.iter().map(ToString::to_string)).collect();
            Verdict::no("Waiting", all.join("; "))
        }
        Some(first) => Verdict::no(first.reason, format!("{}; all else is ready", left_out.join("; "))),
        None if monitoring.parts.is_empty() => {
            Verdict::yes("NothingAsked", "no pods that watch the shop are asked for")
        }
        None => Verdict::yes("AllReady", "all that watches the shop is ready"),
    })
}

fn waits(name: &str, pods: Option<&Workload>) -> Option<String> {
    match pods {
        Some(pods) if pods.is_healthy() => None,
        Some(pods) => Some(format!("{name} {}/{}", pods.ready, pods.desired)),
        None => Some(format!("{name} not there")),
    }
}
