//! The policies of one Store on their way to its pods: who has them, who is to be asked. Pure; the clock comes from outside.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use shopkeeper_plan::{Component, PolicyVersion};

use super::{Answer, PodSeen};

/// A pod that has not acknowledged after this time is named in the status.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// How far the policies of a Store are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyPicture {
    /// What the pods should run.
    pub version: PolicyVersion,
    /// The pods whose processes run.
    pub pods: Vec<PodPicture>,
}

/// How far one pod is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodPicture {
    /// Its name.
    pub name: String,
    /// The service that it belongs to.
    pub component: Component,
    /// How far it is.
    pub state: PodState,
}

/// How far one pod is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodState {
    /// It runs the policies.
    Applied,
    /// It does not yet, as far as is known for this reason.
    Waiting(String),
    /// It can't use them, for this reason.
    Rejected(String),
}

/// A pod that is to be followed. Once its number is not the pod's any more, the task ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    pub(super) pod: String,
    pub(super) number: u64,
}

/// Whom to ask, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) address: String,
    pub(super) uid: String,
    pub(super) version: PolicyVersion,
}

/// What follows from a change of a pod.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// The pod is to be followed.
    pub(super) task: Option<Task>,
    /// The status has something new to tell.
    pub(super) told: bool,
}

/// What follows from an answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// The pod needs no more following.
    pub(super) done: bool,
    /// The status has something new to tell.
    pub(super) told: bool,
    /// All pods have the policies now, so long after these were written.
    pub(super) complete: Option<Duration>,
}

/// The policies of one Store on their way to its pods.
#[derive(Debug, Default)]
pub(super) struct Rollout {
    wanted: Option<Wanted>,
    pods: BTreeMap<String, Followed>,
    last_number: u64,
}

#[derive(Debug)]
struct Wanted {
    version: PolicyVersion,
    /// When it was written, until all pods that there are have it.
    written: Option<Instant>,
}

#[derive(Debug)]
struct Followed {
    seen: PodSeen,
    /// Number of the task that follows it.
    number: u64,
    /// When the pod was asked for the first time for what is wanted now.
    since: Instant,
    answer: Option<Answer>,
    /// What the status was told.
    told: Option<Answer>,
}

impl Followed {
    fn is_applied(&self) -> bool {
        self.answer == Some(Answer::Applied)
    }

    fn state(&self, now: Instant) -> PodState {
        match &self.answer {
            Some(Answer::Applied) => PodState::Applied,
            // Before that it may speak of what it was given earlier.
            Some(Answer::Rejected(reason)) if now.duration_since(self.since) >= GRACE => {
                PodState::Rejected(reason.clone())
            }
            Some(Answer::Silent(reason)) => PodState::Waiting(reason.clone()),
            Some(Answer::Unsupported) => PodState::Waiting("its image is too old to be asked".into()),
            Some(Answer::Other | Answer::Rejected(_)) => PodState::Waiting("it still runs other policies".into()),
            None => PodState::Waiting("it has not answered yet".into()),
        }
    }
}

impl Rollout {
    pub(super) fn wanted(&self) -> Option<&PolicyVersion> {
        self.wanted.as_ref().map(|wanted| &wanted.version)
    }

    /// From now on this version is wanted. All pods are asked anew, unless nothing changed.
    pub(super) fn want(&mut self, version: &PolicyVersion, written: bool, now: Instant) -> Vec<Task> {
        if !written && self.wanted() == Some(version) {
            return Vec::new();
        }
        let anybody = self.running().next().is_some();
        self.wanted = Some(Wanted { version: version.clone(), written: (written && anybody).then_some(now) });
        let names: Vec<String> = self.running().map(|pod| pod.seen.name.clone()).collect();
        names.iter().filter_map(|name| self.begin(name, now)).collect()
    }

    /// Nothing is wanted, so nobody is asked.
    pub(super) fn rest(&mut self) {
        self.wanted = None;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.wanted.is_none() && self.pods.is_empty()
    }

    /// Takes in how a pod is.
    pub(super) fn see(&mut self, seen: PodSeen, now: Instant) -> Change {
        let name = seen.name.clone();
        let Some(pod) = self.pods.get_mut(&name) else {
            self.pods.insert(name.clone(), Followed { seen, number: 0, since: now, answer: None, told: None });
            return Change { task: self.begin(&name, now), told: false };
        };
        let former = std::mem::replace(&mut pod.seen, seen);
        let seen = &pod.seen;
        let another = (&former.uid, former.restarts, &former.address) != (&seen.uid, seen.restarts, &seen.address);
        let revived = seen.ready && !former.ready && !pod.is_applied();
        if seen.address.is_none() {
            // Whoever follows it finds no target any more.
            pod.answer = None;
            self.lost_a_pod();
            return Change { task: None, told: former.address.is_some() };
        }
        let task = if another || revived { self.begin(&name, now) } else { None };
        Change { task, told: false }
    }

    /// The pod is gone; whether it was there.
    pub(super) fn forget(&mut self, pod: &str) -> bool {
        let removed = self.pods.remove(pod);
        self.lost_a_pod();
        removed.is_some_and(|pod| pod.seen.address.is_some())
    }

    /// Forgets all pods but these; whether there were others.
    pub(super) fn keep(&mut self, present: &[&str]) -> bool {
        let before = self.pods.len();
        self.pods.retain(|name, _| present.contains(&name.as_str()));
        self.lost_a_pod();
        self.pods.len() != before
    }

    /// Whom a task is to ask; nobody if it is not the pod's task any more.
    pub(super) fn target(&self, task: &Task) -> Option<Target> {
        let pod = self.pods.get(&task.pod).filter(|pod| pod.number == task.number)?;
        Some(Target { address: pod.seen.address.clone()?, uid: pod.seen.uid.clone(), version: self.wanted()?.clone() })
    }

    /// Takes in what a pod answered to a task.
    pub(super) fn heard(&mut self, task: &Task, answer: Answer, now: Instant) -> Heard {
        let Some(pod) = self.pods.get_mut(&task.pod).filter(|pod| pod.number == task.number) else {
            return Heard { done: true, ..Heard::default() };
        };
        let done = answer == Answer::Applied;
        let news = pod.told.as_ref().is_none_or(|told| !told.is_like(&answer));
        let late = now.duration_since(pod.since) >= GRACE;
        pod.answer = Some(answer.clone());
        let all = self.running().all(Followed::is_applied);
        let told = news && (all || late);
        if told && let Some(pod) = self.pods.get_mut(&task.pod) {
            pod.told = Some(answer);
        }
        let written = self.wanted.as_mut().filter(|_| all).and_then(|wanted| wanted.written.take());
        Heard { done, told: told || written.is_some(), complete: written.map(|written| now.duration_since(written)) }
    }

    /// How far it is; `None` while pods are asked that have not been missing for long, as after a start of the operator.
    pub(super) fn picture(&self, now: Instant) -> Option<PolicyPicture> {
        let wanted = self.wanted.as_ref()?;
        let undecided = |pod: &Followed| !pod.is_applied() && now.duration_since(pod.since) < GRACE;
        if wanted.written.is_none() && self.running().any(undecided) {
            return None;
        }
        let pod = |pod: &Followed| PodPicture {
            name: pod.seen.name.clone(),
            component: pod.seen.component,
            state: pod.state(now),
        };
        Some(PolicyPicture { version: wanted.version.clone(), pods: self.running().map(pod).collect() })
    }

    /// If only pods that are gone had not acknowledged, the change is over; how long it took says nothing then.
    fn lost_a_pod(&mut self) {
        if self.running().all(Followed::is_applied)
            && let Some(wanted) = &mut self.wanted
        {
            wanted.written = None;
        }
    }

    /// What matters of the pods whose processes run.
    pub(super) fn pods(&self) -> Vec<PodSeen> {
        self.running().map(|pod| pod.seen.clone()).collect()
    }

    /// The pods whose processes run.
    fn running(&self) -> impl Iterator<Item = &Followed> {
        self.pods.values().filter(|pod| pod.seen.address.is_some())
    }

    /// Begins to follow a pod, whatever it said before.
    fn begin(&mut self, name: &str, now: Instant) -> Option<Task> {
        self.wanted.as_ref()?;
        let pod = self.pods.get_mut(name).filter(|pod| pod.seen.address.is_some())?;
        self.last_number += 1;
        pod.number = self.last_number;
        pod.since = now;
        pod.answer = None;
        pod.told = None;
        Some(Task { pod: name.to_owned(), number: pod.number })
    }
}

#[cfg(test)]
mod tests;
