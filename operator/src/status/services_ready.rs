//! `ServicesReady`.

use super::{Picture, Verdict, ready};

pub(super) fn services_ready(picture: &Picture) -> Verdict {
    if ready::is_suspended(picture) {
        return ready::suspended();
    }
    let mut waiting = Vec::new();
    for service in &picture.services {
        match &service.workload {
            Some(pods) if pods.serves() => {}
            Some(pods) => waiting.push(format!("{} {}/{}", service.name, pods.ready, pods.desired)),
            None => waiting.push(format!("{} not there", service.name)),
        }
    }
    if waiting.is_empty() {
        Verdict::yes("AllReady", "every service has its pods ready at the wanted version")
    } else {
        Verdict::no("Waiting", format!("not ready yet: {}", waiting.join(", ")))
    }
}
