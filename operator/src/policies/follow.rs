//! Follows one pod until it has acknowledged.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Answer, Shared, ask::ask, rollout::Target, rollout::Task, touch::touch};
use crate::observed::StoreName;

/// For so long a pod is asked often.
const CLOSELY: Duration = Duration::from_secs(3);
/// How often at first.
const OFTEN: Duration = Duration::from_millis(50);
/// How seldom at last.
const SELDOM: Duration = Duration::from_secs(30);

/// A pod that is silent for longer is touched as well: it may have been away while the policies changed.
const STARTING: Duration = Duration::from_secs(1);

/// The kubelet may look at the mounts before it has heard of the new document, so a pod is touched again after this time.
const TOUCH_AGAIN: Duration = Duration::from_millis(500);
/// Nor without end: the kubelet refreshes mounts by itself as well.
const MOST_TOUCHES: u32 = 12;

/// Asks a pod, and touches it, until it has acknowledged or there is nothing to ask it for any more.
pub(super) async fn follow(shared: Arc<Shared>, store: StoreName, task: Task) {
    let begun = Instant::now();
    let mut touches = Touches::default();
    let mut wait = OFTEN;
    loop {
        let Some(target) = shared.target(&store, &task) else { return };
        let answer = shared.ask(&target).await;
        if shared.hear(&store, &task, answer.clone()) {
            return;
        }
        let may_help = match answer {
            Answer::Applied | Answer::Unsupported => false,
            Answer::Other | Answer::Rejected(_) => true,
            // A process that only begins to serve has what is mounted already.
            Answer::Silent(_) => begun.elapsed() > STARTING,
        };
        if may_help && touches.due(Instant::now()) {
            touch(&shared.client, &store, &task.pod, &target.uid, &target.version).await;
        }
        if begun.elapsed() > CLOSELY {
            wait = (wait * 2).min(SELDOM);
        }
        tokio::time::sleep(wait).await;
    }
}

/// When a pod was touched last, and how many times in all.
#[derive(Debug, Default)]
struct Touches {
    last: Option<Instant>,
    count: u32,
}

impl Touches {
    /// Whether it is time to touch the pod; counts it if so.
    fn due(&mut self, now: Instant) -> bool {
        let due = self.count < MOST_TOUCHES && self.last.is_none_or(|last| now.duration_since(last) >= TOUCH_AGAIN);
        if due {
            self.last = Some(now);
            self.count += 1;
        }
        due
    }
}

impl Shared {
    fn target(&self, store: &StoreName, task: &Task) -> Option<Target> {
        self.lock().rollouts.get(store)?.target(task)
    }

    async fn ask(&self, target: &Target) -> Answer {
        // The semaphore is never closed.
        let _turn = self.asking.acquire().await;
        let answer = ask(&target.address, self.port, &target.version).await;
        self.metrics.policy_answers.with_label_values(&[answer.outcome()]).inc();
        answer
    }

    /// Takes in an answer; whether the pod needs no more following.
    fn hear(&self, store: &StoreName, task: &Task, answer: Answer) -> bool {
        let mut known = self.lock();
        let Some(rollout) = known.rollouts.get_mut(store) else { return true };
        let heard = rollout.heard(task, answer, Instant::now());
        drop(known);
        if let Some(took) = heard.complete {
            tracing::info!(store = %format_args!("{}/{}", store.namespace, store.name), ?took, "all pods run the cache policies");
            self.metrics.policy_seconds.observe(took.as_secs_f64());
        }
        if heard.told {
            // Nobody listens any more only when the operator ends.
            let _ = self.news.unbounded_send(store.clone());
        }
        heard.done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_touched_again_after_a_moment_but_not_without_end() {
        let mut touches = Touches::default();
        let mut now = Instant::now();
        assert!(touches.due(now) && !touches.due(now));
        for _ in 1..MOST_TOUCHES {
            now += TOUCH_AGAIN;
            assert!(touches.due(now));
        }
        assert!(!touches.due(now + SELDOM));
    }
}
