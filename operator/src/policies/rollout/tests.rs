use super::*;

fn version(generation: i64) -> PolicyVersion {
    PolicyVersion { generation, hash: format!("hash-{generation}") }
}

fn pod(name: &str) -> PodSeen {
    PodSeen {
        name: name.into(),
        component: Component::Catalog,
        uid: format!("uid-{name}"),
        restarts: 0,
        address: Some("127.0.0.2".into()),
        ready: true,
    }
}

/// A rollout of two pods that have generation 1.
fn settled(now: Instant) -> Rollout {
    let mut rollout = Rollout::default();
    rollout.see(pod("a"), now);
    rollout.see(pod("b"), now);
    for task in rollout.want(&version(1), false, now) {
        rollout.heard(&task, Answer::Applied, now);
    }
    rollout
}

fn states(rollout: &Rollout, now: Instant) -> Vec<PodState> {
    rollout.picture(now).map(|picture| picture.pods.into_iter().map(|pod| pod.state).collect()).unwrap_or_default()
}

#[test]
fn a_change_is_complete_when_the_last_pod_has_it_and_says_how_long_it_took() {
    let now = Instant::now();
    let mut rollout = settled(now);
    let tasks = rollout.want(&version(2), true, now);
    assert_eq!(tasks.len(), 2);
    assert_eq!(states(&rollout, now), vec![PodState::Waiting("it has not answered yet".into()); 2]);
    let first = rollout.heard(&tasks[0], Answer::Applied, now + Duration::from_millis(300));
    assert_eq!(first, Heard { done: true, told: false, complete: None });
    let later = now + Duration::from_millis(700);
    assert_eq!(rollout.heard(&tasks[1], Answer::Other, later), Heard::default());
    let last = rollout.heard(&tasks[1], Answer::Applied, later);
    assert_eq!(last, Heard { done: true, told: true, complete: Some(Duration::from_millis(700)) });
    assert_eq!(states(&rollout, later), [PodState::Applied, PodState::Applied]);
}

#[test]
fn what_is_wanted_already_asks_nobody_unless_it_was_written_again() {
    let now = Instant::now();
    let mut rollout = settled(now);
    assert_eq!(rollout.want(&version(1), false, now), []);
    assert_eq!(rollout.want(&version(1), true, now).len(), 2);
}

#[test]
fn after_a_start_nothing_is_told_until_all_have_answered_or_one_is_late() {
    let now = Instant::now();
    let mut rollout = Rollout::default();
    rollout.see(pod("a"), now);
    rollout.see(pod("b"), now);
    assert_eq!(rollout.picture(now), None);
    let tasks = rollout.want(&version(1), false, now);
    assert_eq!(rollout.picture(now), None);
    rollout.heard(&tasks[0], Answer::Applied, now);
    assert!(!rollout.heard(&tasks[1], Answer::Silent("refused".into()), now).told);
    assert_eq!(rollout.picture(now), None);
    let late = now + GRACE;
    assert!(rollout.heard(&tasks[1], Answer::Silent("refused".into()), late).told);
    assert!(!rollout.heard(&tasks[1], Answer::Silent("no answer".into()), late).told, "told once");
    assert_eq!(states(&rollout, late), [PodState::Applied, PodState::Waiting("no answer".into())]);
    assert!(rollout.heard(&tasks[1], Answer::Applied, late).told);
}

#[test]
fn a_rejection_counts_when_it_lasts() {
    let now = Instant::now();
    let mut rollout = settled(now);
    let tasks = rollout.want(&version(2), true, now);
    rollout.heard(&tasks[0], Answer::Applied, now);
    assert!(!rollout.heard(&tasks[1], Answer::Rejected("no ttl".into()), now).told);
    assert!(matches!(states(&rollout, now)[1], PodState::Waiting(_)));
    let late = now + GRACE;
    assert!(rollout.heard(&tasks[1], Answer::Rejected("no ttl".into()), late).told);
    assert_eq!(states(&rollout, late)[1], PodState::Rejected("no ttl".into()));
}

#[test]
fn a_pod_that_was_restarted_is_asked_again_and_the_former_task_ends() {
    let now = Instant::now();
    let mut rollout = settled(now);
    let former = Task { pod: "a".into(), number: rollout.pods["a"].number };
    assert!(rollout.target(&former).is_some());
    let change = rollout.see(PodSeen { restarts: 1, ..pod("a") }, now);
    assert!(change.task.is_some());
    assert_eq!(rollout.target(&former), None);
    assert!(rollout.heard(&former, Answer::Applied, now).done);
    assert_eq!(rollout.picture(now), None, "what was told stays until it has answered");
}

#[test]
fn a_new_pod_is_asked_when_its_process_runs() {
    let now = Instant::now();
    let mut rollout = settled(now);
    let pending = PodSeen { address: None, ready: false, ..pod("c") };
    assert_eq!(rollout.see(pending, now), Change::default());
    assert_eq!(states(&rollout, now).len(), 2);
    let task = rollout.see(PodSeen { ready: false, ..pod("c") }, now).task.unwrap();
    assert!(rollout.heard(&task, Answer::Applied, now).told);
    assert_eq!(rollout.see(pod("c"), now), Change::default(), "being ready is no news of one that has acknowledged");
    assert_eq!(states(&rollout, now).len(), 3);
}

#[test]
fn a_pod_that_goes_does_not_count() {
    let now = Instant::now();
    let mut rollout = settled(now);
    let tasks = rollout.want(&version(2), true, now);
    rollout.heard(&tasks[0], Answer::Applied, now);
    let change = rollout.see(PodSeen { address: None, ..pod("b") }, now);
    assert_eq!(change, Change { task: None, told: true });
    assert_eq!(rollout.target(&tasks[1]), None);
    assert_eq!(states(&rollout, now), [PodState::Applied]);
    let later = now + Duration::from_secs(3600);
    let task = rollout.see(pod("c"), later).task.unwrap();
    assert_eq!(rollout.picture(later), None, "the change was over when the last one that lacked it went");
    assert_eq!(rollout.heard(&task, Answer::Applied, later).complete, None);
    assert!(rollout.forget("c"));
    assert!(rollout.forget("a") && !rollout.forget("b"));
    assert_eq!(states(&rollout, now), []);
}

#[test]
fn a_pod_that_becomes_ready_is_followed_closely_again() {
    let now = Instant::now();
    let mut rollout = settled(now);
    rollout.want(&version(2), true, now);
    rollout.see(PodSeen { ready: false, ..pod("a") }, now);
    assert!(rollout.see(pod("a"), now).task.is_some());
}

#[test]
fn nobody_is_asked_for_a_store_at_rest() {
    let now = Instant::now();
    let mut rollout = settled(now);
    let tasks = rollout.want(&version(2), true, now);
    rollout.rest();
    assert_eq!(rollout.target(&tasks[0]), None);
    assert_eq!(rollout.see(PodSeen { restarts: 1, ..pod("a") }, now), Change::default());
    assert_eq!(rollout.picture(now), None);
    assert_eq!(rollout.want(&version(2), false, now).len(), 2);
}
