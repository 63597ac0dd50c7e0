//! `CachePolicyApplied`: every running pod has the cache policies that the spec asks for. Does not bear on `Ready`: until then pods
//! run the former ones.

use super::{Picture, Verdict};
use crate::policies::{PodPicture, PodState, PolicyPicture};

/// The reason when a pod can't use the policies.
pub const REJECTED: &str = "Rejected";

/// So many pods are named.
const NAMED: usize = 3;

/// What is said; `None` as long as it is not known.
pub(super) fn cache_policy_applied(picture: &Picture) -> Option<Verdict> {
    if let Some(invalid) = &picture.cache.invalid {
        let message = format!("{invalid}. The pods keep the policies that they run");
        return Some(Verdict::no("InvalidPolicy", message));
    }
    picture.cache.pods.as_ref().map(of_pods)
}

fn of_pods(picture: &PolicyPicture) -> Verdict {
    let PolicyPicture { version, pods } = picture;
    let generation = version.generation;
    let applied = pods.iter().filter(|pod| pod.state == PodState::Applied).count();
    let rejected = reasons(pods, |state| if let PodState::Rejected(reason) = state { Some(reason) } else { None });
    let waiting = reasons(pods, |state| if let PodState::Waiting(reason) = state { Some(reason) } else { None });
    let of_all = format!("{applied} of {} pods run the cache policies of generation {generation}", pods.len());
    if pods.is_empty() {
        Verdict::no("NoPods", "no pod of the services runs; each has the cache policies when it starts")
    } else if let Some(rejected) = rejected {
        Verdict::no(REJECTED, format!("{of_all}; rejected, and the former ones kept, by {rejected}"))
    } else if let Some(waiting) = waiting {
        Verdict::no("Waiting", format!("{of_all}; not yet {waiting}"))
    } else {
        Verdict::yes("Applied", of_all)
    }
}

/// The pods for which there is a reason, with it; the first few by name.
fn reasons(pods: &[PodPicture], reason: impl Fn(&PodState) -> Option<&String>) -> Option<String> {
    let found: Vec<String> =
        pods.iter().filter_map(|pod| Some(format!("{} ({})", pod.name, reason(&pod.state)?))).collect();
    let more = found.len().saturating_sub(NAMED);
    let named = found[..found.len() - more].join(", ");
    match (found.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(named),
        (false, more) => Some(format!("{named} and {more} more")),
    }
}
