//! The login of administrators in a browser, and the cookie by which the gateway lets them in.

use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::json;
use shop_auth::{ADMIN_AUDIENCE, Claims, Role};
use shop_testkit::{ChaosProxy, TestDb, TestRedis, eventually};
use shop_types::{SessionId, UserId};
use shop_user::{MIGRATOR, SCHEMA};
use time::OffsetDateTime;

use crate::support::{Shop, Surroundings, answer, refusal};

const LOGIN: &str = "/user-api/admin/login";
const LOGOUT: &str = "/user-api/admin/logout";
const PASSWORD: &str = "correct horse";

/// What the form sends.
fn form(shop: &Shop, username: &str, password: &str, next: &str) -> RequestBuilder {
    shop.post(LOGIN).form(&[("username", username), ("password", password), ("next", next)])
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The form again, with this status; what it says went wrong.
async fn said(response: Response, status: StatusCode) -> String {
    assert_eq!(response.status(), status);
    assert!(!response.headers().contains_key("set-cookie"), "nobody is let in");
    assert_is_safe(response.headers());
    let page = response.text().await.expect("a page");
    assert!(page.contains(r#"<form method="post" action="/user-api/admin/login">"#), "{page}");
    let (_, alert) = page.split_once(r#"<p role="alert" id="said">"#).expect("it says what went wrong");
    alert.split_once("</p>").expect("it ends").0.to_owned()
}

/// What a browser must not do with the page.
fn assert_is_safe(headers: &HeaderMap) {
    assert_eq!(header(headers, "content-type"), "text/html; charset=utf-8");
    assert_eq!(header(headers, "cache-control"), "no-store");
    assert_eq!(header(headers, "x-frame-options"), "DENY");
    assert_eq!(header(headers, "x-content-type-options"), "nosniff");
    assert_eq!(header(headers, "referrer-policy"), "same-origin");
    let policy = header(headers, "content-security-policy");
    for rule in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
}

/// Logs in; what is in the cookie.
async fn log_in(shop: &Shop, username: &str) -> String {
    let response = send(form(shop, username, PASSWORD, "/")).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let cookie = header(response.headers(), "set-cookie").strip_prefix("shop_admin=").expect("the cookie");
    cookie.split(';').next().expect("a value").to_owned()
}

/// The question that nginx asks for a browser with this cookie.
fn session(shop: &Shop, token: &str) -> RequestBuilder {
    shop.get("/internal/admin-session").header("cookie", format!("theme=dark; shop_admin={token}"))
}

async fn status(shop: &Shop, token: &str) -> u16 {
    send(session(shop, token)).await.status().as_u16()
}

async fn eventually_is(expected: u16, shops: &[&Shop], token: &str) {
    for shop in shops {
        eventually("every replica knows", async || status(shop, token).await == expected).await;
    }
}

async fn set_role(shop: &Shop, access: &str, user: &serde_json::Value, role: &str) {
    let path = format!("/user-api/admin/users/{}", user["id"].as_str().expect("an id"));
    let request = shop.request(Method::PATCH, &path).bearer_auth(access).json(&json!({"role": role}));
    answer(request, StatusCode::OK).await;
}

async fn with_replica() -> (Shop, Shop) {
    let shop = Shop::open().await;
    let replica = shop.replica(Surroundings::default()).await;
    (shop, replica)
}

#[tokio::test]
async fn the_form_works_without_scripts_for_everybody_and_is_neither_kept_nor_framed() {
    let shop = Shop::open().await;
    let response = send(shop.get("/user-api/admin/login?next=/grafana/d/cache?var-store=demo&from=now-1h")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_is_safe(response.headers());
    let page = response.text().await.expect("a page");
    assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("role=\"alert\""), "{page}");
    for part in [
        r#"<html lang="en">"#,
        r#"<label for="username">"#,
        r#"<label for="password">"#,
        r#"autocomplete="username""#,
        r#"autocomplete="current-password""#,
        r#"type="password""#,
        "color-scheme:light dark",
        r#"<input name="next" type="hidden" value="/grafana/d/cache?var-store=demo&#38;from=now-1h">"#,
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn an_administrator_goes_on_with_a_cookie_that_the_gateway_lets_in() {
    let shop = Shop::open().await;
    shop.admin("root").await;
    let response = send(form(&shop, "ROOT", PASSWORD, "/grafana/d/x?a=1&b=2")).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(header(response.headers(), "location"), "/grafana/d/x?a=1&b=2");
    assert_eq!(header(response.headers(), "cache-control"), "no-store");
    let cookie = header(response.headers(), "set-cookie").to_owned();
    let (token, rest) = cookie.strip_prefix("shop_admin=").and_then(|cookie| cookie.split_once(';')).expect("a cookie");
    assert_eq!(rest, " Path=/; HttpOnly; SameSite=Lax; Max-Age=28800");
    let admitted = send(session(&shop, token)).await;
    assert_eq!(admitted.status(), StatusCode::NO_CONTENT);
    assert_eq!(header(admitted.headers(), "x-shop-user"), "root");
    assert_eq!(header(admitted.headers(), "cache-control"), "no-store");
    let claims = shop.keys.auth_state().verifier().verify_for(ADMIN_AUDIENCE, token).expect("it is good");
    assert_eq!(claims.exp - claims.iat, 8 * 60 * 60);
    assert!((shop.metric(r#"user_logins_total{outcome="succeeded"}"#).await - 2.0).abs() < f64::EPSILON);
    let page =
        send(shop.get(LOGIN).header("cookie", format!("shop_admin={token}"))).await.text().await.expect("a page");
    assert!(page.contains("logged in as <strong>root</strong>") && page.contains(r#"action="/user-api/admin/logout""#));
}

#[tokio::test]
async fn the_cookie_is_secure_where_the_outside_is() {
    let shop = Shop::open().await;
    shop.admin("root").await;
    for (proto, secure) in [("https", true), ("http", false)] {
        for request in [form(&shop, "root", PASSWORD, "/"), shop.post(LOGOUT)] {
            let response = send(request.header("x-forwarded-proto", proto)).await;
            assert_eq!(response.status(), StatusCode::SEE_OTHER);
            assert_eq!(header(response.headers(), "set-cookie").ends_with("; Secure"), secure, "{proto}");
        }
    }
}

#[tokio::test]
async fn only_administrators_get_in_and_others_hear_why() {
    let shop = Shop::open().await;
    shop.newcomer("ann").await;
    let refused = said(send(form(&shop, "ann", PASSWORD, "/grafana/")).await, StatusCode::FORBIDDEN).await;
    assert_eq!(
        refused,
        "The password is right, but this account is not an administrator&#39;s. Only administrators get in here."
    );
    assert!((shop.metric(r#"user_logins_total{outcome="rejected"}"#).await - 1.0).abs() < f64::EPSILON);
    let sessions: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sessions").fetch_one(shop.db.pool()).await.expect("a number");
    assert_eq!(sessions, 1, "only that of the newcomer");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_form_after_the_same_work() {
    let shop = Shop::open().await;
    shop.admin("root").await;
    let hashes = async || shop.metric(r#"user_password_hashes_total{algorithm="argon2id"}"#).await;
    let mut answers = Vec::new();
    for name in ["root", "toor"] {
        let before = hashes().await;
        let response = send(form(&shop, name, "wrong horse", "/grafana/")).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!((hashes().await - before - 1.0).abs() < f64::EPSILON, "{name}");
        answers.push(response.text().await.expect("a page").replace(&format!("value=\"{name}\""), ""));
    }
    assert_eq!(answers[0], answers[1]);
    assert!(
        answers[0].contains("The username or the password is wrong.") && answers[0].contains(r#"value="/grafana/""#)
    );
    let evil = "\"><script>alert(1)</script>";
    let page = send(form(&shop, evil, "wrong horse", evil)).await.text().await.expect("a page");
    assert!(!page.contains("<script") && page.contains("&#34;&#62;&#60;script"), "{page}");
    assert!((shop.metric(r#"user_logins_total{outcome="rejected"}"#).await - 3.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn attempts_are_counted_together_with_those_for_tokens_over_all_replicas() {
    let redis = TestRedis::start().await;
    let surroundings =
        || Surroundings { redis_url: Some(redis.url().expose_secret().to_owned()), ..Surroundings::default() };
    let shop = Shop::with(TestDb::new(&MIGRATOR, SCHEMA).await, surroundings()).await;
    let replica = shop.replica(surroundings()).await;
    let limited =
        |answers: Vec<Response>| answers.into_iter().find(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS);
    let tokens = join_all((0..40).map(|_| send(shop.login("root", "wrong")))).await;
    assert!(limited(tokens).is_some(), "twenty are let through, then few");
    // As many as would be let through if somebody else counted them, and that it takes a minute to let through now.
    let limited = limited(join_all((0..20).map(|_| send(form(&replica, "ROOT", "wrong", "/")))).await);
    let limited = limited.expect("none is left");
    let seconds: u32 = header(limited.headers(), "retry-after").parse().expect("a number");
    assert!((1..=3).contains(&seconds));
    let refused = said(limited, StatusCode::TOO_MANY_REQUESTS).await;
    assert_eq!(refused, "There were too many attempts to log in. Wait a moment and try again.");
    assert!(replica.metric(r#"user_logins_total{outcome="limited"}"#).await > 0.0);
    said(send(form(&replica, "toor", "wrong", "/")).await, StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn a_login_goes_on_to_paths_of_this_shop_alone() {
    let shop = Shop::open().await;
    shop.admin("root").await;
    for (next, place) in [
        ("/grafana/?a=b&c=d", "/grafana/?a=b&c=d"),
        ("", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example", "/"),
        ("/\r\nset-cookie: a=b", "/"),
        ("/ä", "/"),
        (&format!("/{}", "a".repeat(2048)), "/"),
    ] {
        let response = send(form(&shop, "root", PASSWORD, next)).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{next}");
        assert_eq!(header(response.headers(), "location"), place, "{next}");
        assert_eq!(response.headers().get_all("set-cookie").iter().count(), 1);
    }
    let without = shop.post(LOGIN).form(&[("username", "root"), ("password", PASSWORD)]);
    assert_eq!(header(send(without).await.headers(), "location"), "/");
}

#[tokio::test]
async fn what_another_site_sends_logs_nobody_in_or_out() {
    let shop = Shop::open().await;
    shop.admin("root").await;
    let token = log_in(&shop, "root").await;
    let host = shop.base.strip_prefix("http://").expect("http").to_owned();
    let own_origin = shop.base.clone();
    let logins = async || shop.metric(r#"user_logins_total{outcome="succeeded"}"#).await;
    let before = logins().await;
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", &*format!("{own_origin}1")),
    ] {
        for request in
            [form(&shop, "root", PASSWORD, "/"), shop.post(LOGOUT).header("cookie", format!("shop_admin={token}"))]
        {
            let refused = said(send(request.header(name, value)).await, StatusCode::FORBIDDEN).await;
            assert!(refused.contains("another site"), "{name}: {value}: {refused}");
        }
    }
    assert!((logins().await - before).abs() < f64::EPSILON, "not even the password was looked at");
    assert_eq!(status(&shop, &token).await, 204);
    for (name, value) in [("sec-fetch-site", "same-origin"), ("origin", &own_origin)] {
        let own = form(&shop, "root", PASSWORD, "/").header(name, value);
        assert_eq!(send(own).await.status(), StatusCode::SEE_OTHER, "{name}: {value}");
    }
    let forwarded = form(&shop, "root", PASSWORD, "/").header("x-forwarded-host", "shop.example:8443");
    let own = forwarded.try_clone().expect("a form").header("origin", "https://shop.example:8443");
    assert_eq!(send(own).await.status(), StatusCode::SEE_OTHER);
    let other = forwarded.header("origin", format!("http://{host}"));
    assert_eq!(send(other).await.status(), StatusCode::FORBIDDEN, "the gateway says who we are");
}

#[tokio::test]
async fn the_cookie_opens_nothing_of_the_api_and_no_other_token_is_let_in() {
    let shop = Shop::open().await;
    let (root, access) = shop.admin("root").await;
    let tokens = shop.tokens("root").await;
    let token = log_in(&shop, "root").await;
    assert_eq!(status(&shop, &token).await, 204);
    for _ in 0..2 {
        assert!(!shop.opens(&token).await, "as an access token");
        assert_eq!(
            refusal(shop.get("/user-api/admin/users").bearer_auth(&token)).await,
            (401, "unauthenticated".into())
        );
        assert_eq!(refusal(shop.refresh(&token)).await, (401, "refresh-token-invalid".into()));
        for other in [&access, &tokens.access, &tokens.refresh] {
            assert_eq!(status(&shop, other).await, 401, "as the cookie");
        }
    }
    assert!(shop.opens(&access).await);
    let user: UserId = root["id"].as_str().expect("an id").parse().expect("an id");
    let claims = |lifetime| {
        let claims = Claims::lasting(Duration::from_secs(lifetime), user, "root", Role::Admin);
        claims.for_audience(ADMIN_AUDIENCE)
    };
    let signed = |claims: &Claims| shop.keys.signer().sign(claims).expect("it can be signed");
    let session_of = |token: &str| {
        shop.keys.auth_state().verifier().verify_for(ADMIN_AUDIENCE, token).expect("it is good").sid.expect("a session")
    };
    let own = session_of(&token);
    assert_eq!(status(&shop, &signed(&claims(60).of_session(own))).await, 204, "so would be one of ours");
    let past = OffsetDateTime::now_utc().unix_timestamp() - 60;
    let forged = shop_testkit::Keys::generate();
    for (what, bad) in [
        ("no session", signed(&claims(60))),
        ("a session that never was", signed(&claims(60).of_session(SessionId::generate()))),
        ("somebody else's session", signed(&Claims { sub: UserId::generate(), ..claims(60).of_session(own) })),
        ("over", signed(&Claims { exp: past, ..claims(60).of_session(own) })),
        ("another issuer", signed(&Claims { iss: "someone".into(), ..claims(60).of_session(own) })),
        ("another shop's key", forged.signer().sign(&claims(60).of_session(own)).expect("it can be signed")),
        ("nonsense", "x.y.z".into()),
        ("a novel", "x".repeat(6000)),
    ] {
        assert_eq!(status(&shop, &bad).await, 401, "{what}");
    }
}

#[tokio::test]
async fn nobody_without_the_cookie_hears_anything_of_sessions_whatever_else_they_have() {
    let shop = Shop::open().await;
    let (_, access) = shop.admin("root").await;
    let token = log_in(&shop, "root").await;
    let ask = || shop.get("/internal/admin-session");
    let unauthenticated = (401, "unauthenticated".to_owned());
    assert_eq!(refusal(ask()).await, unauthenticated);
    assert_eq!(refusal(ask().bearer_auth(&access)).await, unauthenticated);
    assert_eq!(refusal(ask().bearer_auth(&token)).await, unauthenticated, "not as a cookie");
    assert_eq!(refusal(ask().header("authorization", shop.keys.service_authorization())).await, unauthenticated);
    for cookie in ["", "shop_admin", "shop_admin=", "shop_cart=x", "SHOP_ADMIN=x", &"shop_admin=x;".repeat(500)] {
        assert_eq!(refusal(ask().header("cookie", cookie)).await, unauthenticated, "{cookie:.40}");
    }
    let odd = HeaderValue::from_bytes(b"shop_admin=\xff\xfe").expect("a header can carry it");
    assert_eq!(refusal(ask().header("cookie", odd)).await, unauthenticated);
    let among_others = ask().header("cookie", format!("shop_admin=planted; shop_admin={token}"));
    assert_eq!(send(among_others).await.status(), StatusCode::NO_CONTENT, "a neighbour can't lock anybody out");
    let post = shop.post("/internal/admin-session").header("cookie", format!("shop_admin={token}"));
    assert_eq!(send(post).await.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_gateway_may_ask_often_since_it_costs_no_hash_and_hardly_a_query() {
    let shop = Shop::open().await;
    shop.admin("root").await;
    let token = log_in(&shop, "root").await;
    let hashes = async || shop.metric(r#"user_password_hashes_total{algorithm="argon2id"}"#).await;
    let before = hashes().await;
    let answers = join_all((0..200).map(|_| status(&shop, &token))).await;
    assert!(answers.iter().all(|answer| *answer == 204), "{answers:?}");
    assert!((hashes().await - before).abs() < f64::EPSILON);
    loop {
        let (token, begun) = (log_in(&shop, "root").await, Instant::now());
        assert_eq!(status(&shop, &token).await, 204);
        shop.sql("UPDATE users SET role = 'user'").await;
        let again = status(&shop, &token).await;
        // On a busy machine, that may have taken so long that it was looked at again.
        if begun.elapsed() < Duration::from_secs(1) {
            assert_eq!(again, 204, "what was found a moment ago is good enough");
            break;
        }
        shop.sql("UPDATE users SET role = 'admin'").await;
    }
}

#[tokio::test]
async fn logging_out_ends_this_browsers_session_at_every_replica_and_takes_the_cookie_back() {
    let (shop, replica) = with_replica().await;
    shop.admin("root").await;
    let (token, other) = (log_in(&shop, "root").await, log_in(&shop, "root").await);
    for asked in [&shop, &replica] {
        assert_eq!(status(asked, &token).await, 204);
    }
    let response = send(shop.post(LOGOUT).header("cookie", format!("shop_admin={token}"))).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(header(response.headers(), "location"), LOGIN);
    let cookie = header(response.headers(), "set-cookie");
    assert_eq!(cookie, "shop_admin=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    assert_eq!(status(&shop, &token).await, 401, "at once");
    eventually_is(401, &[&replica], &token).await;
    for asked in [&shop, &replica] {
        assert_eq!(status(asked, &other).await, 204, "another browser stays");
    }
    for cookie in ["shop_admin=x.y.z", "a=b"] {
        assert_eq!(send(shop.post(LOGOUT).header("cookie", cookie)).await.status(), StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn logging_out_everywhere_and_a_new_password_end_the_sessions_of_browsers_too() {
    let (shop, replica) = with_replica().await;
    let (_, access) = shop.admin("root").await;
    let token = log_in(&shop, "root").await;
    assert_eq!(status(&replica, &token).await, 204);
    let everywhere = send(shop.post("/user-api/logout/everywhere").bearer_auth(&access)).await;
    assert_eq!(everywhere.status(), StatusCode::NO_CONTENT);
    eventually_is(401, &[&shop, &replica], &token).await;

    let (token, access) = (log_in(&shop, "root").await, shop.tokens("root").await.access);
    assert_eq!(status(&replica, &token).await, 204);
    let change = json!({"old_password": PASSWORD, "new_password": "battery staple"});
    let changed = send(shop.post("/user-api/users/me/password").bearer_auth(&access).json(&change)).await;
    assert_eq!(changed.status(), StatusCode::NO_CONTENT);
    eventually_is(401, &[&shop, &replica], &token).await;
}

#[tokio::test]
async fn whoever_loses_the_role_is_let_in_no_more_however_it_was_lost() {
    let (shop, replica) = with_replica().await;
    let (_, access) = shop.admin("root").await;
    let (ann, _) = shop.admin("ann").await;
    let token = log_in(&shop, "ann").await;
    assert_eq!(status(&replica, &token).await, 204);
    set_role(&shop, &access, &ann, "user").await;
    eventually_is(401, &[&shop, &replica], &token).await;
    said(send(form(&shop, "ann", PASSWORD, "/")).await, StatusCode::FORBIDDEN).await;

    let token = log_in(&shop, "root").await;
    assert_eq!(status(&replica, &token).await, 204);
    shop.sql("UPDATE users SET role = 'user'").await;
    eventually_is(403, &[&shop, &replica], &token).await;
    assert_eq!(refusal(session(&replica, &token)).await, (403, "forbidden".into()));
}

#[tokio::test]
async fn an_account_that_is_gone_is_let_in_no_more() {
    let (shop, replica) = with_replica().await;
    shop.admin("root").await;
    let token = log_in(&shop, "root").await;
    for asked in [&shop, &replica] {
        assert_eq!(status(asked, &token).await, 204);
    }
    shop.sql("DELETE FROM users").await;
    eventually_is(401, &[&shop, &replica], &token).await;
}

#[tokio::test]
async fn a_session_ends_by_itself_and_is_never_gone_on_with() {
    let shop = Shop::open().await;
    shop.admin("root").await;
    let token = log_in(&shop, "root").await;
    let left: f64 = sqlx::query_scalar(
        "SELECT extract(epoch FROM expires_at - now())::float8 FROM sessions
          WHERE idle_until = expires_at AND access_until = expires_at
            AND NOT EXISTS (SELECT FROM refresh_tokens WHERE session_id = id)",
    )
    .fetch_one(shop.db.pool())
    .await
    .expect("one session has no refresh token");
    assert!((28_700.0..=28_800.0).contains(&left), "{left}");
    assert_eq!(status(&shop, &token).await, 204);
    shop.sql("UPDATE sessions SET idle_until = now()").await;
    eventually_is(401, &[&shop], &token).await;
}

#[tokio::test]
async fn what_was_found_to_be_over_stays_so_when_the_database_goes_away() {
    let shop = Shop::open().await;
    let proxy = ChaosProxy::to(shop.db.address()).await;
    let replica = shop.replica(Surroundings { database_proxy: Some(proxy.address()), ..Surroundings::default() }).await;
    shop.admin("root").await;
    let token = log_in(&shop, "root").await;
    // No list of ended sessions will ever have it.
    shop.sql("DELETE FROM users").await;
    eventually_is(401, &[&replica], &token).await;
    proxy.break_networking();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(4) {
        assert_eq!(status(&replica, &token).await, 401);
    }
}

#[tokio::test]
async fn while_the_database_is_away_those_who_are_in_stay_in_and_those_who_were_out_stay_out() {
    let shop = Shop::open().await;
    let proxy = ChaosProxy::to(shop.db.address()).await;
    let replica = shop.replica(Surroundings { database_proxy: Some(proxy.address()), ..Surroundings::default() }).await;
    shop.admin("root").await;
    let (token, over) = (log_in(&shop, "root").await, log_in(&shop, "root").await);
    let logged_out = send(shop.post(LOGOUT).header("cookie", format!("shop_admin={over}"))).await;
    assert_eq!(logged_out.status(), StatusCode::SEE_OTHER);
    eventually_is(401, &[&replica], &over).await;
    for silent in [false, true] {
        if silent {
            proxy.silence();
        } else {
            proxy.break_networking();
        }
        // A login that this replica has never seen, so nothing is remembered of it.
        let fresh = log_in(&shop, "root").await;
        for asked in [&token, &fresh] {
            assert_eq!(status(&replica, asked).await, 204, "dashboards are for such moments");
        }
        assert_eq!(status(&replica, &over).await, 401);
        let refused = said(send(form(&replica, "root", PASSWORD, "/")).await, StatusCode::SERVICE_UNAVAILABLE).await;
        assert_eq!(refused, "Passwords can&#39;t be checked at the moment. Wait a moment and try again.");
        proxy.restore_networking();
    }
}
