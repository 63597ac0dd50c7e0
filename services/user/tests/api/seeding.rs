use reqwest::StatusCode;
use shop_testkit::TestDb;
use shop_user::{MIGRATOR, SCHEMA, seed};

use crate::support::{Shop, Surroundings, answer};

#[tokio::test]
async fn seeding_twice_at_once_and_again_adds_each_demo_user_once() {
    let db = TestDb::new(&MIGRATOR, SCHEMA).await;
    let url = db.url();
    let (first, second) = tokio::join!(seed::run(&url), seed::run(&url));
    first.and(second).expect("both succeed");
    seed::run(&url).await.expect("and again");
    let shop = Shop::with(db, Surroundings::default()).await;
    for (username, password, role) in
        [("admin", "admin123", "admin"), ("user1", "user123", "user"), ("testuser", "test123", "user")]
    {
        let token = answer(shop.login(username, password), StatusCode::OK).await;
        let token = token["access_token"].as_str().expect("a token");
        let me = answer(shop.get("/user-api/users/me").bearer_auth(token), StatusCode::OK).await;
        assert_eq!((&me["username"], &me["role"]), (&username.into(), &role.into()));
    }
}
