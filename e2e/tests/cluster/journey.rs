//! The main job.

use shopkeeper_e2e::journey;
use shopkeeper_e2e::shop::{Silent, Visitor};

use crate::kubernetes::shop_url;

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn an_order_goes_from_the_browsers_address_to_delivered() {
    let mut visitor = Visitor::new(&shop_url(), Silent).expect("a client can be made");
    let travelled = journey::walk(&mut visitor).await.expect("the walk ends at a delivered order");

    // Looking once a second can miss a state, never reorder them; the history holds them all.
    let history = travelled.order["history"].as_array().expect("an order tells its history");
    let states: Vec<&str> = history.iter().filter_map(|step| step["to"].as_str()).collect();
    assert_eq!(states.split_first().map(|(first, _)| *first), Some("CREATED"), "{history:?}");
    assert_eq!(states[1..], ["PROCESSING", "SHIPPING", "DELIVERED"], "each state once: {history:?}");

    assert_eq!(travelled.seen, states, "the stream of events tells each of them, in order");
    // The WebSocket tells what is new, and nothing that a later state has overtaken.
    let mut on_the_way = states.iter();
    let in_order = travelled.seen_on_socket.iter().all(|seen| on_the_way.any(|state| state == seen));
    assert!(in_order && !travelled.seen_on_socket.is_empty(), "{:?}", travelled.seen_on_socket);

    let profile = &travelled.profile;
    assert_eq!(profile.pointer("/user/username").and_then(|name| name.as_str()), Some(&*travelled.username));
    let orders = profile["orders"].as_array().expect("the profile tells the orders");
    let is = |id: &str| orders.iter().find(|order| order["id"] == id).and_then(|order| order["status"].as_str());
    assert_eq!(is(&travelled.order_id), Some("DELIVERED"), "{profile}");
    assert_eq!(is(&travelled.cancelled), Some("CANCELLED"), "{profile}");
    let left_in_cart = profile.pointer("/cart/lines").and_then(|lines| lines.as_array()).map(Vec::len);
    assert_eq!(left_in_cart, Some(0), "what was bought is no longer in the cart: {profile}");
}
