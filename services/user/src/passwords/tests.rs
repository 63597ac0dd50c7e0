use prometheus::Opts;

use super::*;

/// Weak on purpose: what is counted here is how often, not how long.
const QUICK: Strength = Strength { memory_kib: 64, passes: 1, lanes: 1 };

/// `user123` as one of the shop's older systems kept it, at cost 4.
const BCRYPT: &str = "$2b$04$Sh0pkeeperOldSystemB.uSXX3AKrEN4PTmNHFqHv4ggZmO.PhAI2";

fn counts() -> IntCounterVec {
    IntCounterVec::new(Opts::new("hashes", "Hashes"), &["algorithm"]).expect("a metric")
}

fn passwords(strength: Strength) -> Passwords {
    Passwords::with(strength, counts()).expect("it can hash")
}

/// What came of a check, and how many hashes it took.
async fn check(passwords: &Passwords, password: &str, kept: Option<&PasswordHash>) -> (Checked, u64, u64) {
    let done = |algorithm: &str| passwords.work.done.with_label_values(&[algorithm]).get();
    let before = (done("argon2id"), done("bcrypt"));
    let checked = passwords.check(password.into(), kept.cloned()).await.expect("it can check");
    (checked, done("argon2id") - before.0, done("bcrypt") - before.1)
}

const WRONG: Checked = Checked { right: false, better: None };
const RIGHT: Checked = Checked { right: true, better: None };

#[tokio::test]
async fn only_the_right_password_of_a_known_user_is_accepted_and_each_answer_takes_one_hash() {
    let passwords = passwords(QUICK);
    let kept = passwords.hash("user123".into()).await.expect("it can hash");
    assert_eq!(check(&passwords, "user123", Some(&kept)).await, (RIGHT, 1, 0));
    assert_eq!(check(&passwords, "user124", Some(&kept)).await, (WRONG, 1, 0));
    assert_eq!(check(&passwords, "user123", None).await, (WRONG, 1, 0));
    assert_eq!(check(&passwords, "nobody has this password", None).await, (WRONG, 1, 0));
}

#[tokio::test]
async fn new_hashes_are_as_strong_as_they_should_be() {
    let passwords = passwords(STRENGTH);
    let kept = passwords.hash("user123".into()).await.expect("it can hash");
    assert!(kept.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_eq!(check(&passwords, "user123", Some(&kept)).await, (RIGHT, 1, 0));
}

#[tokio::test]
async fn hashes_of_bcrypt_in_all_their_spellings_are_checked_and_replaced() {
    let passwords = passwords(QUICK);
    for spelling in ["$2a$", "$2b$", "$2y$"] {
        let kept = PasswordHash(BCRYPT.replacen("$2b$", spelling, 1));
        assert_eq!(check(&passwords, "user124", Some(&kept)).await, (WRONG, 0, 1), "{spelling}");
        let (checked, argon2, bcrypt) = check(&passwords, "user123", Some(&kept)).await;
        assert!(checked.right && (argon2, bcrypt) == (1, 1), "{spelling}");
        let better = checked.better.expect("a better one");
        assert!(better.0.starts_with("$argon2id$"));
        assert_eq!(check(&passwords, "user123", Some(&better)).await, (RIGHT, 1, 0));
    }
}

#[tokio::test]
async fn a_hash_that_would_take_for_ever_or_can_not_be_read_is_refused_after_the_usual_work() {
    let passwords = passwords(QUICK);
    let costly = ["15", "31", "99", "-1", "03", "x", ""].map(|cost| format!("$2b${cost}${}", &BCRYPT[7..]));
    for kept in
        costly.iter().map(String::as_str).chain(["$2b$04$short", "$2b$", "", "user123", "$argon2id$", "$1$md5$x"])
    {
        let kept = PasswordHash(kept.to_owned());
        assert_eq!(check(&passwords, "user123", Some(&kept)).await, (WRONG, 1, 0), "{}", kept.0);
    }
}

#[tokio::test]
async fn a_hash_from_before_the_parameters_were_raised_is_replaced_and_a_stronger_one_is_not() {
    let (old, new) = (passwords(QUICK), passwords(Strength { memory_kib: 128, passes: 2, ..QUICK }));
    let weak = old.hash("user123".into()).await.expect("it can hash");
    assert_eq!(check(&new, "user124", Some(&weak)).await, (WRONG, 1, 0));
    let (checked, ..) = check(&new, "user123", Some(&weak)).await;
    let strong = checked.better.expect("a better one");
    assert!(strong.0.contains("m=128,t=2"));
    assert_eq!(check(&new, "user123", Some(&strong)).await, (RIGHT, 1, 0));
    assert_eq!(check(&old, "user123", Some(&strong)).await, (RIGHT, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn whoever_would_wait_in_vain_is_told_at_once_and_the_others_after_a_while() {
    let passwords = passwords(QUICK);
    let processors = passwords.turns.available_permits();
    let turns = Arc::clone(&passwords.turns).acquire_many_owned(u32::try_from(processors).expect("few")).await;
    let places = passwords.queue.available_permits();
    let waiting: Vec<_> = (0..places)
        .map(|_| {
            let passwords = passwords.clone();
            tokio::spawn(async move { passwords.hash("user123".into()).await })
        })
        .collect();
    while passwords.queue.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    let begun = tokio::time::Instant::now();
    assert!(matches!(passwords.hash("user123".into()).await, Err(PasswordError::Busy)));
    assert_eq!(begun.elapsed(), Duration::ZERO);
    for waiting in waiting {
        assert!(matches!(waiting.await.expect("no panic"), Err(PasswordError::Busy)));
    }
    assert_eq!(begun.elapsed(), PATIENCE);
    drop(turns);
    assert_eq!(passwords.queue.available_permits(), places, "who gives up leaves the queue");
    passwords.hash("user123".into()).await.expect("there is room again");
}
