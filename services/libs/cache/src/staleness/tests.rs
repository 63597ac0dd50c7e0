//! What becomes of answers.

use std::cell::RefCell;

use super::*;

/// Keeps what it is told, in the order in which it is told.
#[derive(Debug, Default)]
struct Told(RefCell<Vec<(u64, u64)>>);

impl Observe for &Told {
    fn observe(&self, behind: Duration, answers: u64) {
        self.0.borrow_mut().push((u64::try_from(behind.as_millis()).expect("small"), answers));
    }
}

impl Told {
    fn take(&self) -> Vec<(u64, u64)> {
        self.0.take()
    }
}

const KEY: u64 = 7;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn an_answer_is_as_stale_as_it_was_given_after_the_commit() {
    let (told, start) = (Told::default(), Instant::now());
    let staleness = Staleness::new(10, &told);
    for served in [10, 20, 30, 45] {
        staleness.served(KEY, start, start + ms(served));
    }
    staleness.superseded(KEY, start + ms(25), start + ms(50));
    assert_eq!(told.take(), [(0, 1), (0, 1), (5, 1), (20, 1)]);
    staleness.superseded(KEY, start + ms(26), start + ms(51));
    assert_eq!(told.take(), [], "each answer is counted once");
}

#[test]
fn what_was_loaded_after_the_commit_is_not_stale_however_late_the_news() {
    let (told, start) = (Told::default(), Instant::now());
    let staleness = Staleness::new(10, &told);
    staleness.served(KEY, start, start + ms(10));
    staleness.served(KEY, start + ms(15), start + ms(20));
    staleness.superseded(KEY, start + ms(12), start + ms(30));
    assert_eq!(
        told.take(),
        [(0, 1)],
        "the first answer was given before the commit, of the second nothing is known yet"
    );
    staleness.superseded(KEY, start + ms(18), start + ms(40));
    assert_eq!(told.take(), [(2, 1)], "it is behind the second commit");
}

#[test]
fn answers_of_which_nothing_bad_is_heard_were_fresh() {
    let (told, start) = (Told::default(), Instant::now());
    let staleness = Staleness::new(10, &told);
    staleness.served(KEY, start, start);
    staleness.served(KEY, start, start + GRACE / 2);
    staleness.settle(start + GRACE - ms(1));
    assert_eq!(told.take(), [], "an invalidation could still come");
    staleness.served(KEY, start, start + GRACE);
    assert_eq!(told.take(), [(0, 1)]);
    staleness.settle(start + 2 * GRACE);
    assert_eq!(told.take(), [(0, 1), (0, 1)]);
    assert_eq!(staleness.keys().len(), 0, "nobody asks for the key any more");
}

#[test]
fn an_invalidation_that_comes_late_finds_the_answers_of_entries_that_have_ended() {
    let (told, start) = (Told::default(), Instant::now());
    let staleness = Staleness::new(10, &told);
    // An entry lives for 5 s, while Redis is away; the next one was loaded after the commit.
    for second in 0..10 {
        let loaded = if second < 5 { Duration::ZERO } else { ms(5_000) };
        staleness.served(KEY, start + loaded, start + ms(second * 1_000));
    }
    staleness.superseded(KEY, start + ms(2_500), start + ms(40_000));
    assert_eq!(told.take(), [(0, 1), (0, 1), (0, 1), (500, 1), (1_500, 1)]);
}

#[test]
fn what_has_a_tag_is_behind_when_the_tag_is_invalidated() {
    let (told, start) = (Told::default(), Instant::now());
    let staleness = Staleness::new(10, &told);
    for key in [1, 2] {
        staleness.served(key, start, start + ms(30));
    }
    staleness.tagged(1, &[100, 101]);
    staleness.superseded_tag(101, start + ms(10), start + ms(40));
    assert_eq!(told.take(), [(20, 1)]);
}

#[test]
fn a_commit_is_never_later_than_the_news_of_it() {
    let (told, start) = (Told::default(), Instant::now());
    let staleness = Staleness::new(10, &told);
    staleness.served(KEY, start, start + ms(10));
    staleness.served(KEY, start + ms(11), start + ms(12));
    staleness.superseded(KEY, start + Duration::from_secs(3_600), start + ms(15));
    assert_eq!(told.take(), [(0, 1), (0, 1)], "Redis' clock is wrong, and these were given before anything was heard");
}

#[test]
fn of_a_busy_key_no_answer_is_lost_and_each_is_moved_by_little() {
    let (told, start) = (Told::default(), Instant::now());
    let staleness = Staleness::new(10, &told);
    for served in 0..100_000 {
        staleness.served(KEY, start, start + Duration::from_micros(served * 50));
    }
    staleness.superseded(KEY, start + ms(4_000), start + ms(5_000));
    let told = told.take();
    assert!(told.len() <= MOMENTS);
    assert_eq!(told.iter().map(|(_, answers)| answers).sum::<u64>(), 100_000);
    let stale = told.iter().filter(|(behind, _)| *behind > 0).map(|(_, answers)| answers).sum::<u64>();
    // 20,000 were given after the commit; a group is of 100,000/16 answers at most, and one group lies across the commit.
    assert!(stale.abs_diff(20_000) <= 6_250, "{stale}");
}

#[test]
fn a_key_that_is_loaded_anew_for_each_answer_takes_no_more_room_and_loses_none() {
    let (told, start) = (Told::default(), Instant::now());
    let staleness = Staleness::new(10, &told);
    for served in 0..1_000 {
        staleness.served(KEY, start + ms(served), start + ms(served));
        assert!(staleness.keys().get_mut(KEY).is_some_and(|answers| answers.groups.len() <= MOMENTS));
    }
    staleness.superseded(KEY, start + ms(1_000), start + ms(1_000));
    assert_eq!(told.take().iter().map(|(_, answers)| answers).sum::<u64>(), 1_000);
}

#[test]
fn of_however_many_keys_only_so_many_are_kept_and_those_share_the_fate_of_all() {
    let (told, start) = (Told::default(), Instant::now());
    let staleness = Staleness::new(100, &told);
    let keys: Vec<u64> = (1_u64..=10_000).map(|number| number.wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
    for (number, key) in keys.iter().enumerate() {
        staleness.served(*key, start, start + ms(if number % 4 == 0 { 30 } else { 10 }));
    }
    assert_eq!(staleness.keys().len(), 100);
    for key in &keys {
        staleness.superseded(*key, start + ms(20), start + ms(40));
    }
    let told = told.take();
    assert_eq!(told.len(), 100);
    let stale = told.iter().filter(|(behind, _)| *behind > 0).count();
    assert!((15..=35).contains(&stale), "a quarter was stale: {stale} of 100");
}
