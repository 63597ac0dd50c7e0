use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::paint::Paint;

fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

fn condition(type_: &str, status: &str, reason: &str, message: &str, since: &str) -> Value {
    json!({"type": type_, "status": status, "reason": reason, "message": message,
           "lastTransitionTime": format!("2026-01-01T{since}Z"), "observedGeneration": 3})
}

/// A Store whose conditions are these.
fn store(conditions: &[Value]) -> Value {
    json!({
        "metadata": {"name": "demo", "namespace": "shop", "generation": 3},
        "spec": {},
        "status": {
            "observedGeneration": 3,
            "conditions": conditions,
            "endpoints": {"public": "https://shop.example.com", "internal": "http://demo-gateway.shop.svc:8080"},
            "versions": {"operator": "0.1.0", "shop": "0.1.0", "database": "15.8", "redis": "7.2"},
            "services": [
                {"name": "catalog", "ready": 2, "desired": 2, "version": "0.1.0"},
                {"name": "cart", "ready": 0, "desired": 1, "version": "0.1.0"},
                {"name": "gateway", "ready": 1, "desired": 1},
            ],
            "hitRatio": "0.93",
            "cachePolicy": {"generation": 2, "hash": "abc", "podsApplied": "2/3"},
            "cache": [
                {"name": "products", "pattern": "CacheAside", "ttl": "1m", "hitRatio": "0.97", "podsApplied": "2/2"},
                {"name": "cart", "pattern": "WriteThrough", "ttl": "10m", "podsApplied": "0/1"},
            ],
            "backup": {"lastSuccessTime": "2026-01-01T03:00:10Z"},
        },
    })
}

fn well() -> Value {
    let mut store = store(&[
        condition("Paused", "False", "NotPaused", "the operator looks after this Store", "09:00:00"),
        condition("Degraded", "False", "AllWell", "nothing failed", "09:00:00"),
        condition("Ready", "True", "Ready", "the shop is open", "09:00:00"),
    ]);
    store["status"]["services"][1]["ready"] = json!(1);
    store["status"]["cache"][1]["podsApplied"] = json!("1/1");
    store
}

fn ill() -> Value {
    store(&[
        condition("Ready", "False", "PodsCrashing", "not ready yet: cart 0/1", "11:55:00"),
        condition("Progressing", "True", "RollingOut", "not ready yet: cart 0/1", "11:55:00"),
        condition("Degraded", "True", "PodsCrashing", "cart: container cart ends again and again", "11:55:00"),
        condition("DatabaseReady", "True", "Running", "the database answers", "09:00:00"),
        condition("RedisReady", "True", "Running", "Redis answers", "09:00:00"),
        condition("ServicesReady", "False", "Waiting", "not ready yet: cart 0/1", "11:55:00"),
        condition("Paused", "False", "NotPaused", "the operator looks after this Store", "09:00:00"),
    ])
}

fn picture(store: Value) -> Picture {
    Picture::of(&Seen(serde_json::from_value(store).unwrap())).unwrap()
}

fn shown(store: Value) -> String {
    text(&picture(store), Paint::PLAIN, now())
}

#[test]
fn what_is_wrong_comes_first_with_what_to_do() {
    let expected = "\
Store demo in namespace shop is not ready for 5m: PodsCrashing

  CONDITION      STATUS  REASON        SINCE  MESSAGE
✗ Ready          False   PodsCrashing  5m     not ready yet: cart 0/1
✗ Degraded       True    PodsCrashing  5m     cart: container cart ends again and again
✗ ServicesReady  False   Waiting       5m     not ready yet: cart 0/1
! Progressing    True    RollingOut    5m     not ready yet: cart 0/1
✓ DatabaseReady  True    Running       3h     the database answers
✓ RedisReady     True    Running       3h     Redis answers
✓ Paused         False   NotPaused     3h     the operator looks after this Store

WHAT TO DO
PodsCrashing  read its log: `kubectl logs --previous`
Waiting       look at their pods

  SERVICE  READY  VERSION
✗ cart     0/1    0.1.0
✓ catalog  2/2    0.1.0
✓ gateway  1/1    -

  CACHE     HIT RATIO  PATTERN       TTL  PODS
✗ cart      -          WriteThrough  10m  0/1
✓ products  0.97       CacheAside    1m   2/2

for customers            https://shop.example.com
in the cluster           http://demo-gateway.shop.svc:8080
versions                 shop 0.1.0, operator 0.1.0, database 15.8, Redis 7.2
hit ratio of all caches  0.93
cache policies           of generation 2, in 2/3 pods
backup                   complete 8h ago
";
    assert_eq!(shown(ill()), expected);
}

#[test]
fn a_shop_that_is_well_has_no_signs_of_trouble() {
    let text = shown(well());
    assert!(text.starts_with("Store demo in namespace shop is ready for 3h\n\n"), "{text}");
    assert!(!text.contains('✗') && !text.contains('!') && !text.contains("WHAT TO DO"), "{text}");
    let order: Vec<String> = picture(well()).conditions.into_iter().map(|it| it.type_).collect();
    assert_eq!(order, ["Ready", "Degraded", "Paused"]);
}

#[test]
fn a_status_of_an_older_spec_makes_no_store_ready() {
    let mut store = well();
    store["metadata"]["generation"] = json!(4);
    let picture = picture(store);
    assert!(!picture.is_ready());
    let text = text(&picture, Paint::PLAIN, now());
    assert!(text.starts_with("Store demo in namespace shop is not ready\n"), "{text}");
    assert!(text.contains("! what follows is of generation 3 of its spec"), "{text}");
}

#[test]
fn a_store_that_is_being_deleted_is_not_ready() {
    let mut store = well();
    store["metadata"]["deletionTimestamp"] = json!("2026-01-01T11:59:00Z");
    let picture = picture(store);
    assert!(!picture.is_ready());
    assert!(text(&picture, Paint::PLAIN, now()).contains("! it is being deleted\n"));
}

#[test]
fn a_store_that_nobody_looks_at_says_what_to_look_for() {
    let text = shown(json!({"metadata": {"name": "demo", "namespace": "shop", "generation": 1}, "spec": {}}));
    assert!(text.starts_with("Store demo in namespace shop is not ready\n! the operator has not looked at it yet"));
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn a_shop_at_rest_is_not_ready_but_nothing_is_wrong_with_it() {
    let mut store = store(&[
        condition("Ready", "False", "Suspended", "the shop is suspended", "11:00:00"),
        condition("ServicesReady", "False", "Suspended", "the shop is suspended", "11:00:00"),
        condition("CachePolicyApplied", "False", "NoPods", "no pod of the services runs", "11:00:00"),
    ]);
    store["spec"]["suspend"] = json!(true);
    store["metadata"]["annotations"] = json!({"shopkeeper.dev/paused": "true"});
    let picture = picture(store);
    assert!(!picture.is_ready());
    assert!(picture.conditions.iter().all(|it| it.mark == Mark::Note && it.advice.is_none()));
    let text = text(&picture, Paint::PLAIN, now());
    assert!(text.contains("`kubectl shopkeeper wake demo`"), "{text}");
    assert!(text.contains("`kubectl shopkeeper resume demo`"), "{text}");
}

/// With both, as they are in a Store.
fn paused_and_suspended(mut store: Value) -> Value {
    store["spec"]["suspend"] = json!(true);
    store["metadata"]["annotations"] = json!({"shopkeeper.dev/paused": "true"});
    store
}

#[test]
fn a_store_that_was_suspended_and_then_paused_says_what_ends_either() {
    let mut store = paused_and_suspended(store(&[
        condition("Ready", "False", "Suspended", "the shop is suspended", "11:00:00"),
        condition("Progressing", "False", "Paused", "the Store is paused", "11:30:00"),
        condition("Paused", "True", "PausedByAnnotation", "left alone", "11:30:00"),
    ]));
    store["status"]["cache"] = json!([]);
    store["status"]["services"] = json!([{"name": "cart", "ready": 0, "desired": 0}]);
    let expected = "\
Store demo in namespace shop is not ready for 60m: Suspended
! it is paused, so changes wait, and nothing is repaired: `kubectl shopkeeper resume demo` ends that
! it is suspended: `kubectl shopkeeper wake demo` lets it run again, once it is resumed

";
    let text = shown(store);
    assert!(text.starts_with(expected), "{text}");
    assert!(!text.contains('✗') && !text.contains("WHAT TO DO"), "{text}");
}

#[test]
fn a_store_that_was_paused_and_then_suspended_is_not_said_to_rest() {
    let expected = "\
Store demo in namespace shop is ready for 3h
! it is paused, so changes wait, and nothing is repaired: `kubectl shopkeeper resume demo` ends that
! it is to be suspended, which waits until it is resumed: `kubectl shopkeeper wake demo` takes that back

";
    let text = shown(paused_and_suspended(well()));
    assert!(text.starts_with(expected), "{text}");
}

#[test]
fn a_store_that_waits_for_somebody_is_not_said_to_be_well() {
    let conditions = [
        condition("Progressing", "False", "Blocked", "nothing happens until the Store is corrected", "11:00:00"),
        condition("Degraded", "True", "InvalidSpec", "it contradicts itself", "11:00:00"),
    ];
    let marks: Vec<_> = picture(store(&conditions)).conditions.into_iter().map(|it| (it.type_, it.mark)).collect();
    assert_eq!(marks, [("Degraded".to_owned(), Mark::Wrong), ("Progressing".to_owned(), Mark::Note)]);
}

#[test]
fn of_a_condition_that_is_not_known_nothing_is_judged_and_it_comes_last_of_its_kind() {
    let conditions = [
        condition("Telepathic", "False", "NoMind", "it does not think", "11:00:00"),
        condition("Paused", "True", "PausedByAnnotation", "left alone", "11:00:00"),
    ];
    let marks: Vec<_> = picture(store(&conditions)).conditions.into_iter().map(|it| (it.type_, it.mark)).collect();
    assert_eq!(marks, [("Paused".to_owned(), Mark::Note), ("Telepathic".to_owned(), Mark::Note)]);
}

#[test]
fn a_backup_that_failed_is_told_beside_the_one_that_was_made() {
    let mut store = well();
    store["status"]["backup"]["lastFailure"] =
        json!({"time": "2026-01-01T11:00:00Z", "job": "demo-backup-1", "message": "too often"});
    assert!(shown(store).contains("complete 8h ago; Job demo-backup-1 failed 60m ago: too often\n"));
}

#[test]
fn programs_are_told_all_of_it_under_stable_names() {
    let told = serde_json::to_value(picture(ill())).unwrap();
    assert_eq!(told["ready"], false);
    assert_eq!(
        told["conditions"][0],
        json!({
            "type": "Ready", "status": "False", "mark": "wrong", "reason": "PodsCrashing",
            "message": "not ready yet: cart 0/1", "since": "2026-01-01T11:55:00Z",
            "advice": "read its log: `kubectl logs --previous`",
        })
    );
    assert_eq!(told["services"][0], json!({"name": "cart", "ready": 0, "desired": 1, "version": "0.1.0"}));
    assert_eq!(told["caches"][1]["hitRatio"], "0.97");
    assert_eq!(told["endpoints"]["public"], "https://shop.example.com");
    let mut fields: Vec<_> = told.as_object().unwrap().keys().cloned().collect();
    fields.sort();
    let expected = [
        "backup",
        "cachePolicy",
        "caches",
        "conditions",
        "endpoints",
        "hitRatio",
        "name",
        "namespace",
        "notes",
        "ready",
        "services",
        "versions",
    ];
    assert_eq!(fields, expected);
}
