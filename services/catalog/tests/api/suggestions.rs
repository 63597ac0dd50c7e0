//! Bestsellers and recommendations as a visitor gets them, and what the caches do for them.

use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};
use shop_auth::Role;
use shop_testkit::eventually;
use shop_types::{DemoCustomer, UserId};

use crate::sales::sell;
use crate::support::{Answer, Catalog, Setup};

async fn as_user(catalog: &Catalog, user: UserId, role: Role, path: &str) -> Answer {
    let authorization = format!("Bearer {}", catalog.keys.token(user, role));
    catalog.send(catalog.request("GET", path).header(AUTHORIZATION, authorization)).await
}

async fn own(catalog: &Catalog, user: UserId) -> Answer {
    as_user(catalog, user, Role::User, "/api/recommendations").await
}

fn products(answer: &Answer) -> Vec<i64> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let items = answer.body["items"].as_array().expect("a list has items");
    items.iter().map(|item| item["product"]["id"].as_i64().expect("a product has a number")).collect()
}

fn cache(answer: &Answer) -> &str {
    answer.header("cache-status").unwrap_or("none")
}

#[track_caller]
fn assert_miss(answer: &Answer) {
    assert!(cache(answer).contains("fwd=miss"), "{answer:?}");
}

#[track_caller]
fn assert_hit(answer: &Answer) {
    assert!(cache(answer).contains("; hit"), "{answer:?}");
}

async fn demo() -> Catalog {
    Catalog::start(Setup { demo: true, ..Setup::new().await }).await.filled(40).await
}

#[tokio::test]
async fn bestsellers_are_counted_in_pieces_and_tell_their_products() {
    let catalog = Catalog::with_products(8).await;
    sell(&catalog, UserId::generate(), &[(1, 2), (5, 1)]).await;
    sell(&catalog, UserId::generate(), &[(5, 3), (2, 2)]).await;
    let best = catalog.get("/api/bestsellers?limit=3").await;
    assert_eq!(products(&best), [5, 1, 2], "as many pieces: by number");
    assert_eq!((&best.body["items"][0]["sold"], &best.body["window_days"]), (&json!(4), &json!(30)));
    assert!(best.body["computed_at"].is_string(), "{best:?}");
    let (card, product) = (&best.body["items"][0]["product"], catalog.product(5).await);
    for field in ["id", "name", "description", "category", "price"] {
        assert_eq!(card[field], product[field], "{field}");
    }
    assert_eq!(products(&catalog.get("/api/bestsellers?limit=1").await), [5]);
    catalog.delete(5).await;
    assert_eq!(
        products(&catalog.get("/api/bestsellers?limit=3").await),
        [1, 2],
        "what is not sold any more is left out"
    );
}

#[tokio::test]
async fn a_wrong_number_of_bestsellers_is_refused_by_name() {
    let catalog = Catalog::empty().await;
    for bad in ["0", "51", "-1", "x", "1.5", "99999999999"] {
        let answer = catalog.get(&format!("/api/bestsellers?limit={bad}")).await;
        answer.assert_problem(400, "bad-request");
        assert!(answer.body["detail"].as_str().is_some_and(|detail| detail.contains("limit")), "{answer:?}");
    }
    assert_eq!(products(&catalog.get("/api/bestsellers").await), Vec::<i64>::new());
}

#[tokio::test]
async fn bestsellers_are_a_miss_then_a_hit_until_one_of_them_changes_its_price() {
    let catalog = Catalog::with_products(8).await;
    sell(&catalog, UserId::generate(), &[(1, 2), (5, 1)]).await;
    let first = catalog.get("/api/bestsellers").await;
    assert_miss(&first);
    let second = catalog.get("/api/bestsellers").await;
    assert_hit(&second);
    assert!(cache(&second).starts_with("bestsellers; "), "{second:?}");
    assert_eq!(first.body, second.body);

    catalog.set(1, &json!({"price": {"amount": 777, "currency": "RUB"}})).await;
    let third = catalog.get("/api/bestsellers").await;
    assert_miss(&third);
    assert_eq!(third.body["items"][0]["product"]["price"]["amount"], 777);
}

#[tokio::test]
async fn recommendations_are_a_miss_then_a_hit_until_the_customer_buys() {
    let catalog = Catalog::with_products(8).await;
    let (user, another) = (UserId::generate(), UserId::generate());
    sell(&catalog, another, &[(1, 1), (2, 1)]).await;
    sell(&catalog, another, &[(3, 1), (4, 9)]).await;
    sell(&catalog, user, &[(1, 1)]).await;

    let first = own(&catalog, user).await;
    assert_miss(&first);
    assert_eq!(products(&first)[0], 2, "others bought it together with what the customer bought");
    assert_eq!(first.body["items"][0]["why"], "bought_together");
    assert!(first.body["items"][0]["score"].as_f64().is_some_and(|score| score > 0.0 && score <= 1.0), "{first:?}");
    assert_eq!(products(&first), [2, 4, 3], "then what sells well, without what the customer has just bought");
    assert_eq!(first.header("cache-control"), Some("no-store"));
    let second = own(&catalog, user).await;
    assert_hit(&second);
    assert_eq!(first.body, second.body);

    sell(&catalog, another, &[(7, 1)]).await;
    assert_hit(&own(&catalog, user).await);
    sell(&catalog, user, &[(3, 1)]).await;
    let third = own(&catalog, user).await;
    assert_miss(&third);
    let mut likely = products(&third);
    likely.sort_unstable();
    assert_eq!(likely, [2, 4, 7], "what goes with either, and what sells");
}

#[tokio::test]
async fn another_replica_hears_that_the_customer_bought_and_that_a_product_was_withdrawn() {
    let one = Catalog::with_products(8).await;
    let two = Catalog::start(one.replica().await).await;
    let (user, another) = (UserId::generate(), UserId::generate());
    sell(&one, another, &[(1, 1), (2, 1), (3, 1)]).await;
    for catalog in [&one, &two, &two] {
        assert_eq!(products(&own(catalog, user).await), [1, 2, 3]);
    }
    assert_hit(&own(&two, user).await);
    sell(&one, user, &[(1, 1)]).await;
    eventually("the other replica knows of the order", async || products(&own(&two, user).await) == [2, 3]).await;
    assert_hit(&own(&two, user).await);
    one.delete(2).await;
    eventually("the other replica knows of the withdrawal", async || products(&own(&two, user).await) == [3]).await;
}

#[tokio::test]
async fn in_a_demo_anyone_may_look_at_any_customer_also_by_number() {
    let catalog = demo().await;
    let seventh = DemoCustomer::new(7).expect("in range").user_id();
    sell(&catalog, seventh, &[(1, 1)]).await;
    sell(&catalog, UserId::generate(), &[(1, 1), (2, 1)]).await;
    assert_eq!(products(&catalog.get("/api/recommendations?user_id=7").await), [2]);
    let by_uuid = catalog.get(&format!("/api/recommendations?user_id={seventh}")).await;
    assert_eq!(products(&by_uuid), [2]);
    assert_hit(&by_uuid);
    assert_eq!(products(&catalog.get("/api/recommendations?user_id=8").await), [1, 2]);
    for bad in ["0", "1001", "x", "", "-1", "1%20"] {
        let answer = catalog.get(&format!("/api/recommendations?user_id={bad}")).await;
        answer.assert_problem(400, "bad-request");
        assert_eq!(answer.body["errors"][0]["field"], "user_id", "{answer:?}");
    }
    catalog.get("/api/recommendations?user_id=1%00").await.assert_problem(400, "bad-request");
    catalog.get("/api/recommendations").await.assert_problem(400, "bad-request");
}

#[tokio::test]
async fn elsewhere_recommendations_are_for_their_customer_and_for_administrators() {
    let catalog = Catalog::with_products(8).await;
    let (user, another) = (UserId::generate(), UserId::generate());
    let path = format!("/api/recommendations?user_id={another}");
    catalog.get(&path).await.assert_problem(401, "unauthenticated");
    catalog.get("/api/recommendations").await.assert_problem(401, "unauthenticated");
    catalog.get("/api/recommendations?user_id=1").await.assert_problem(401, "unauthenticated");
    as_user(&catalog, user, Role::User, &path).await.assert_problem(403, "forbidden");
    assert_eq!(as_user(&catalog, another, Role::User, &path).await.status, 200);
    assert_eq!(as_user(&catalog, user, Role::Admin, &path).await.status, 200);
    let by_number = as_user(&catalog, user, Role::Admin, "/api/recommendations?user_id=1").await;
    by_number.assert_problem(400, "bad-request");
    let made_up = catalog.request("GET", &path).header(AUTHORIZATION, "Bearer made-up");
    catalog.send(made_up).await.assert_problem(401, "unauthenticated");
}

#[tokio::test]
async fn before_the_first_sale_there_is_nothing_to_suggest_and_soon_after_it_there_is() {
    let catalog = demo().await;
    let empty: [Value; 0] = [];
    for path in ["/api/bestsellers", "/api/recommendations?user_id=1"] {
        let answer = catalog.get(path).await;
        assert_eq!(answer.body["items"], json!(empty), "{path}");
    }
    sell(&catalog, UserId::generate(), &[(1, 1)]).await;
    eventually("the bestsellers know of it", async || products(&catalog.get("/api/bestsellers").await) == [1]).await;
}
