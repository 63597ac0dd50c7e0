use reqwest::Method;
use shop_types::UserId;

use crate::support::{Shop, refusal};

/// Who may call an operation.
enum Callers {
    Anyone,
    Users,
    Admins,
}

/// Every public operation, so that a new one without a decision fails the test.
const OPERATIONS: [(&str, &str, Callers); 21] = [
    ("get", "/user-api/health", Callers::Anyone),
    ("get", "/user-api/.well-known/jwks.json", Callers::Anyone),
    ("post", "/user-api/users/register", Callers::Anyone),
    ("post", "/user-api/token", Callers::Anyone),
    ("get", "/user-api/users/me", Callers::Users),
    ("patch", "/user-api/users/me", Callers::Users),
    ("get", "/user-api/users/me/profile", Callers::Users),
    ("get", "/user-api/notifications", Callers::Users),
    ("post", "/user-api/notifications/{id}/read", Callers::Users),
    ("post", "/user-api/token/refresh", Callers::Anyone),
    ("post", "/user-api/logout", Callers::Users),
    ("post", "/user-api/logout/everywhere", Callers::Users),
    ("post", "/user-api/users/me/password", Callers::Users),
    ("get", "/user-api/admin/login", Callers::Anyone),
    ("post", "/user-api/admin/login", Callers::Anyone),
    ("post", "/user-api/admin/logout", Callers::Anyone),
    ("get", "/user-api/admin/users", Callers::Admins),
    ("patch", "/user-api/admin/users/{id}", Callers::Admins),
    ("get", "/user-api/admin/dead-letters", Callers::Admins),
    ("post", "/user-api/admin/dead-letters/{event_id}/replay", Callers::Admins),
    ("delete", "/user-api/admin/dead-letters/{event_id}", Callers::Admins),
];

#[test]
fn somebody_decided_for_every_operation_who_may_call_it() {
    let document = serde_json::to_value(shop_user::routes::openapi()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let documented = paths.iter().flat_map(|(path, item)| {
        item.as_object().expect("an object").keys().map(move |method| (method.as_str(), path.as_str()))
    });
    let mut documented: Vec<_> = documented.collect();
    let mut decided: Vec<_> = OPERATIONS.iter().map(|(method, path, _)| (*method, *path)).collect();
    documented.sort_unstable();
    decided.sort_unstable();
    assert_eq!(documented, decided);
}

#[tokio::test]
async fn operations_of_users_are_closed_to_everybody_else() {
    let shop = Shop::open().await;
    let forged = shop_testkit::Keys::generate().token_of_somebody().1;
    for (method, path, callers) in OPERATIONS.iter().filter(|(.., callers)| !matches!(callers, Callers::Anyone)) {
        let path = path.replace("{id}", &UserId::generate().to_string());
        let path = path.replace("{event_id}", &UserId::generate().to_string());
        let request = || shop.request(method.to_uppercase().parse::<Method>().expect("a method"), &path);
        let unauthenticated = (401, "unauthenticated".to_owned());
        assert_eq!(refusal(request()).await, unauthenticated, "{path} without a token");
        assert_eq!(refusal(request().bearer_auth("x.y.z")).await, unauthenticated, "{path} with nonsense");
        assert_eq!(refusal(request().bearer_auth(&forged)).await, unauthenticated, "{path} with a strange key");
        let service = request().header("authorization", shop.keys.service_authorization());
        assert_eq!(refusal(service).await, unauthenticated, "{path} as a service");
        if matches!(callers, Callers::Admins) {
            let user = shop.keys.token_of_somebody().1;
            let role = serde_json::json!({"role": "admin"});
            let refused = refusal(request().bearer_auth(&user).json(&role)).await;
            assert_eq!(refused, (403, "forbidden".to_owned()), "{path} as a user");
        }
    }
}

#[tokio::test]
async fn the_token_of_a_user_who_is_gone_opens_nothing() {
    let shop = Shop::open().await;
    let token = shop.keys.token(UserId::generate(), shop_auth::Role::User);
    for path in ["/user-api/users/me", "/user-api/users/me/profile"] {
        assert_eq!(refusal(shop.get(path).bearer_auth(&token)).await, (401, "unauthenticated".into()));
    }
}
