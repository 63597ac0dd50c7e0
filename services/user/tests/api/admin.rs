use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use shop_types::UserId;

use crate::support::{Shop, answer, refusal};

fn set_role(shop: &Shop, token: &str, user: &Value, role: &str) -> RequestBuilder {
    let path = format!("/user-api/admin/users/{}", user["id"].as_str().expect("an id"));
    shop.request(Method::PATCH, &path).bearer_auth(token).json(&json!({"role": role}))
}

#[tokio::test]
async fn administrators_list_and_search_users_page_by_page() {
    let shop = Shop::open().await;
    let (_, token) = shop.admin("root").await;
    for name in ["carla", "CARLO", "bob_1", "bobx1"] {
        shop.newcomer(name).await;
    }
    let names = async |query: &str| {
        let request = shop.get(&format!("/user-api/admin/users?{query}")).bearer_auth(&token);
        let page = answer(request, StatusCode::OK).await;
        let items = page["items"].as_array().expect("a list").iter();
        let names: Vec<_> = items.map(|user| user["username"].as_str().expect("a name").to_owned()).collect();
        (names, page["next_cursor"].as_str().map(ToOwned::to_owned))
    };
    let (first, cursor) = names("limit=3").await;
    let (second, end) = names(&format!("limit=3&cursor={}", cursor.expect("there is more"))).await;
    assert_eq!([first, second].concat(), ["root", "carla", "CARLO", "bob_1", "bobx1"]);
    assert_eq!(end, None);
    assert_eq!(names("q=carl").await.0, ["carla", "CARLO"]);
    assert_eq!(names("q=ANN+BROWN&limit=1").await.0, ["root"], "the full name counts too");
    assert_eq!(names("q=bob_").await.0, ["bob_1"], "what is searched for is no pattern");
    assert!(names("q=%25").await.0.is_empty());
    assert_eq!(names("role=admin").await.0, ["root"]);
    for (bad, status) in
        [("q=%00", 400), (&*format!("q={}", "x".repeat(101)), 422), ("role=god", 400), ("cursor=x", 400)]
    {
        let request = shop.get(&format!("/user-api/admin/users?{bad}")).bearer_auth(&token);
        let refused = refusal(request).await.0;
        assert!(refused == status || (status == 400 && refused == 422), "{bad}: {refused}");
    }
}

#[tokio::test]
async fn a_changed_role_ends_the_sessions_whose_tokens_say_the_old_one() {
    let shop = Shop::open().await;
    let (_, admin) = shop.admin("root").await;
    let (ann, _) = shop.newcomer("ann").await;
    let before = shop.tokens("ann").await;
    assert_eq!(answer(set_role(&shop, &admin, &ann, "admin"), StatusCode::OK).await["role"], "admin");
    assert!(!shop.opens(&before.access).await);
    assert_eq!(refusal(shop.refresh(&before.refresh)).await, (401, "refresh-token-invalid".into()));
    let after = shop.tokens("ann").await;
    let me = answer(shop.get("/user-api/users/me").bearer_auth(&after.access), StatusCode::OK).await;
    assert_eq!(me["role"], "admin");
    answer(set_role(&shop, &after.access, &ann, "admin"), StatusCode::OK).await;
    assert!(shop.opens(&after.access).await, "the same role changes nothing");
}

#[tokio::test]
async fn the_last_administrator_keeps_the_role_also_when_two_take_it_from_each_other_at_once() {
    let shop = Shop::open().await;
    let (root, root_token) = shop.admin("root").await;
    assert_eq!(refusal(set_role(&shop, &root_token, &root, "user")).await, (409, "last-admin".into()));
    let (other, other_token) = shop.admin("other").await;
    let one = async || set_role(&shop, &root_token, &other, "user").send().await.expect("an answer").status().as_u16();
    let two = async || set_role(&shop, &other_token, &root, "user").send().await.expect("an answer").status().as_u16();
    let (one, two) = tokio::join!(one(), two());
    // The second is refused for being the last, or since it lost its own role meanwhile.
    let mut statuses = [one, two];
    statuses.sort_unstable();
    assert!(statuses[0] == 200 && [401, 409].contains(&statuses[1]), "{statuses:?}");
    let admins: i64 = sqlx::query_scalar("SELECT count(*) FROM users WHERE role = 'admin'")
        .fetch_one(shop.db.pool())
        .await
        .expect("they can be counted");
    assert_eq!(admins, 1);
}

#[tokio::test]
async fn strange_changes_of_users_are_refused() {
    let shop = Shop::open().await;
    let (root, token) = shop.admin("root").await;
    let nobody = json!({"id": UserId::generate()});
    assert_eq!(refusal(set_role(&shop, &token, &nobody, "user")).await, (404, "not-found".into()));
    assert_eq!(refusal(set_role(&shop, &token, &json!({"id": "x"}), "user")).await.0, 404);
    assert_eq!(refusal(set_role(&shop, &token, &root, "god")).await.0, 422);
    let path = format!("/user-api/admin/users/{}", root["id"].as_str().expect("an id"));
    for body in [json!({}), json!({"role": "user", "username": "x"}), json!({"password_hash": "x"})] {
        let request = shop.request(Method::PATCH, &path).bearer_auth(&token).json(&body);
        assert_eq!(refusal(request).await.0, 422, "{body}");
    }
}
