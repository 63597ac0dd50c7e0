use serde_json::json;
use time::OffsetDateTime;

use super::*;

fn event(seq: i64) -> Event {
    let payload = json!({"sale": {"price": seq}}).as_object().cloned().unwrap_or_default();
    Event { seq, kind: "flash_sale_started".to_owned(), at: OffsetDateTime::UNIX_EPOCH, payload }
}

fn hub(from: i64, to: i64) -> Hub {
    let hub = Hub::default();
    hub.begin(from);
    for seq in from + 1..=to {
        hub.publish(&event(seq));
    }
    hub
}

fn missed(hub: &Hub, since: Option<i64>) -> Option<Vec<i64>> {
    let missed = hub.subscribe(since).expect("has begun").missed;
    missed.map(|messages| messages.iter().map(|message| message.seq).collect())
}

#[test]
fn before_the_database_was_reached_nobody_is_told_anything() {
    assert!(Hub::default().subscribe(None).is_none());
}

#[test]
fn who_comes_back_gets_what_was_missed_and_who_is_new_gets_nothing() {
    let hub = hub(3, 7);
    assert_eq!(missed(&hub, None), Some(vec![]));
    assert_eq!(missed(&hub, Some(7)), Some(vec![]));
    assert_eq!(missed(&hub, Some(5)), Some(vec![6, 7]));
    assert_eq!(missed(&hub, Some(3)), Some(vec![4, 5, 6, 7]));
}

#[test]
fn who_has_seen_what_is_not_known_any_more_or_never_was_has_to_begin_anew() {
    let hub = hub(3, 7);
    assert_eq!(missed(&hub, Some(2)), None);
    assert_eq!(missed(&hub, Some(8)), None);
    assert_eq!(missed(&hub, Some(i64::MIN)), None);
    assert_eq!(missed(&hub, Some(i64::MAX)), None);
}

#[test]
fn only_so_many_events_are_kept() {
    let kept = i64::try_from(KEPT).expect("small");
    let hub = hub(0, kept + 5);
    assert_eq!(missed(&hub, Some(5)).map(|missed| missed.len()), Some(KEPT));
    assert_eq!(missed(&hub, Some(4)), None);
}

#[test]
fn an_event_that_is_heard_twice_is_told_once() {
    let hub = hub(0, 1);
    let mut news = hub.subscribe(Some(1)).expect("has begun").news;
    for seq in [1, 2, 2, 1, 3] {
        hub.publish(&event(seq));
    }
    assert_eq!([news.try_recv(), news.try_recv()].map(|news| news.map(|message| message.seq)), [Ok(2), Ok(3)]);
    assert!(news.try_recv().is_err());
}

#[test]
fn a_message_has_its_number_its_kind_its_time_and_what_it_is_about() {
    let hub = hub(0, 1);
    let missed = hub.subscribe(Some(0)).and_then(|all| all.missed).expect("is kept");
    let text: serde_json::Value = serde_json::from_str(&missed[0].text).expect("is JSON");
    let expected = json!({"seq": 1, "kind": "flash_sale_started", "at": "1970-01-01T00:00:00Z", "sale": {"price": 1}});
    assert_eq!(text, expected);
}
