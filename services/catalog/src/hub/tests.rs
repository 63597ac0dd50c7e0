use serde_json::json;
use time::OffsetDateTime;

use super::*;

fn event(seq: i64) -> Event {
    let payload = json!({"sale": {"price": seq}}).as_object().cloned().unwrap_or_default();
    let at = OffsetDateTime::UNIX_EPOCH;
    Event { seq, kind: "flash_sale_started".to_owned(), at, audience: Audience::Everyone, payload }
}

fn for_whom(seq: i64, audience: Audience) -> Event {
    Event { audience, ..event(seq) }
}

fn hub(from: i64, to: i64) -> Hub {
    let hub = Hub::default();
    hub.begin(from, from, &[]);
    for seq in from + 1..=to {
        hub.publish(&event(seq));
    }
    hub
}

fn seqs(messages: &[Message]) -> Vec<i64> {
    messages.iter().map(|message| message.seq).collect()
}

fn missed(hub: &Hub, since: i64) -> Option<Vec<i64>> {
    hub.kept(since, i64::MAX, usize::MAX).map(|messages| seqs(&messages))
}

async fn heard(news: &mut News, count: usize) -> Vec<i64> {
    let mut seqs = Vec::new();
    for _ in 0..count {
        seqs.push(news.next().await.expect("there is more").seq);
    }
    seqs
}

#[test]
fn before_the_database_was_reached_nobody_is_told_anything() {
    assert!(Hub::default().join().is_none());
    assert_eq!(missed(&Hub::default(), 0), None);
}

#[test]
fn who_comes_back_gets_what_was_missed() {
    let hub = hub(3, 7);
    assert_eq!(missed(&hub, 7), Some(vec![]));
    assert_eq!(missed(&hub, 5), Some(vec![6, 7]));
    assert_eq!(missed(&hub, 3), Some(vec![4, 5, 6, 7]));
    assert_eq!(hub.kept(3, 6, 2).map(|messages| seqs(&messages)), Some(vec![4, 5]));
    assert_eq!(hub.kept(5, 6, 2).map(|messages| seqs(&messages)), Some(vec![6]));
}

#[test]
fn who_has_seen_what_is_not_known_any_more_or_never_was_has_to_begin_anew() {
    let hub = hub(3, 7);
    for since in [2, 8, i64::MIN, i64::MAX, -1] {
        assert_eq!(missed(&hub, since), None);
    }
}

#[test]
fn only_so_many_events_are_kept() {
    let kept = i64::try_from(KEPT).expect("small");
    let hub = hub(0, kept + 5);
    assert_eq!(missed(&hub, 5).map(|missed| missed.len()), Some(KEPT));
    assert_eq!(missed(&hub, 4), None);
}

#[test]
fn of_a_product_only_the_last_event_of_a_kind_is_kept_and_pushes_nothing_else_out() {
    let (hub, kept) = (hub(0, 1), i64::try_from(KEPT).expect("small"));
    for seq in 2..=kept * 3 {
        hub.publish(&for_whom(seq, Audience::EveryoneOnce(seq % 2)));
    }
    assert_eq!(missed(&hub, 0), Some(vec![1, kept * 3 - 1, kept * 3]));
    let other_kind = Event { kind: "other".to_owned(), ..for_whom(kept * 3 + 1, Audience::EveryoneOnce(1)) };
    hub.publish(&other_kind);
    assert_eq!(missed(&hub, 1), Some(vec![kept * 3 - 1, kept * 3, kept * 3 + 1]));
}

#[tokio::test]
async fn an_event_that_is_heard_twice_is_told_once() {
    let hub = hub(0, 1);
    let (last, mut news) = hub.join().expect("has begun");
    for seq in [1, 2, 2, 1, 3] {
        hub.publish(&event(seq));
    }
    assert_eq!((last, heard(&mut news, 2).await), (1, vec![2, 3]));
    assert_eq!(missed(&hub, 0), Some(vec![1, 2, 3]));
}

#[tokio::test]
async fn what_is_a_customers_own_is_told_to_nobody_else_and_not_kept() {
    let (hub, user, other) = (hub(0, 0), UserId::generate(), UserId::generate());
    let [mut own, mut anybody, mut others] = [(); 3].map(|()| hub.join().expect("has begun").1);
    assert_eq!(own.hear_of(user, 1).map(|(last, _)| last), Some(0));
    assert_eq!(others.hear_of(other, 1).map(|(last, _)| last), Some(0));
    hub.publish(&for_whom(1, Audience::User(user)));
    hub.publish(&event(2));
    assert_eq!(heard(&mut own, 2).await, [1, 2]);
    assert_eq!((heard(&mut anybody, 1).await, heard(&mut others, 1).await), (vec![2], vec![2]));
    assert_eq!(missed(&hub, 0), Some(vec![2]));
    own.hear_of_nobody();
    hub.publish(&for_whom(3, Audience::User(user)));
    hub.publish(&event(4));
    assert_eq!(heard(&mut own, 1).await, [4]);
}

#[tokio::test]
async fn who_says_who_he_is_gets_what_is_queued_up_to_there_and_the_rest_afterwards() {
    let (hub, user) = (hub(0, 0), UserId::generate());
    let (_, mut news) = hub.join().expect("has begun");
    hub.publish(&event(1));
    hub.publish(&for_whom(2, Audience::User(user)));
    hub.publish(&event(3));
    let (last, queued) = news.hear_of(user, 1).expect("the first");
    assert_eq!((last, seqs(&queued)), (3, vec![1, 3]));
    hub.publish(&for_whom(4, Audience::User(user)));
    assert_eq!(heard(&mut news, 1).await, [4]);
}

#[test]
fn a_customer_has_only_so_many_sockets_and_a_place_is_free_again_when_one_is_gone() {
    let (hub, user) = (hub(0, 0), UserId::generate());
    let [mut first, mut second, mut third] = [(); 3].map(|()| hub.join().expect("has begun").1);
    assert!(first.hear_of(user, 2).is_some() && second.hear_of(user, 2).is_some());
    assert!(third.hear_of(user, 2).is_none());
    assert!(second.hear_of(user, 2).is_some(), "it has a place");
    drop(first);
    assert!(third.hear_of(user, 2).is_some());
    drop((second, third));
    assert!(hub.memory().users.is_empty() && hub.memory().sockets.is_empty(), "nothing is left of them");
}

#[tokio::test]
async fn a_socket_that_lags_behind_is_given_up_at_once_and_the_others_go_on() {
    let hub = hub(0, 0);
    let [mut stuck, mut reading] = [(); 2].map(|()| hub.join().expect("has begun").1);
    for seq in 1..=300 {
        hub.publish(&event(seq));
        assert_eq!(reading.next().await.map(|message| message.seq), Ok(seq));
    }
    assert_eq!(stuck.next().await.map(|message| message.seq), Err(Ended::Lagged), "there would be a gap");
    assert_eq!(hub.memory().sockets.len(), 1);
}

#[tokio::test]
async fn sockets_end_when_the_events_begin_anew() {
    let hub = hub(0, 5);
    let (_, mut news) = hub.join().expect("has begun");
    hub.begin(100, 110, &[event(105), event(111)]);
    assert_eq!(news.next().await, Err(Ended::Anew));
    assert_eq!((missed(&hub, 100), missed(&hub, 99)), (Some(vec![105]), None));
    assert!(news.hear_of(UserId::generate(), 1).is_some_and(|(_, queued)| queued.is_empty()), "that does no harm");
    drop(news);
    assert!(hub.memory().sockets.is_empty());
}

#[test]
fn a_message_has_its_number_its_kind_its_time_and_what_it_is_about() {
    let text: serde_json::Value =
        serde_json::from_str(&Message::try_from(&event(1)).expect("is JSON").text).expect("is JSON");
    let expected = json!({"seq": 1, "kind": "flash_sale_started", "at": "1970-01-01T00:00:00Z", "sale": {"price": 1}});
    assert_eq!(text, expected);
}
