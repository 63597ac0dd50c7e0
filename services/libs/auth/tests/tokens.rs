//! Which tokens are believed, and what the others are told.

use axum::Router;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use shop_auth::{
    ADMIN_AUDIENCE, AUDIENCE, Admin, AuthState, Claims, CurrentUser, OptionalUser, Revocation, Role, ServiceCaller,
    ServiceToken, Verifier,
};
use shop_testkit::{Keys, problem, spawn};
use shop_types::{SessionId, UserId};
use time::OffsetDateTime;

fn claims() -> Claims {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    Claims {
        iss: "shopkeeper".into(),
        aud: "shop".into(),
        sub: UserId::generate(),
        name: "Ann".into(),
        role: Role::User,
        iat: now,
        exp: now + 60,
        sid: None,
    }
}

type Change = fn(&mut Claims);

#[test]
fn a_token_is_believed_only_if_everything_about_it_is_right() {
    let keys = Keys::generate();
    let auth = keys.auth_state();
    let verify = |claims: &Claims| auth.verifier().verify(&keys.signer().sign(claims).expect("it can be signed"));
    let good = claims();
    assert_eq!(verify(&good).expect("it is good"), good);

    let wrong: [(&str, Change); 3] = [
        ("another issuer", |claims| claims.iss = "someone".into()),
        ("another audience", |claims| claims.aud = "bank".into()),
        ("expired", |claims| claims.exp = claims.iat - 60),
    ];
    for (what, change) in wrong {
        let mut claims = claims();
        change(&mut claims);
        assert!(verify(&claims).is_err(), "{what}");
    }
    let other_shop = Keys::generate();
    let strange = other_shop.signer().sign(&claims()).expect("it can be signed");
    assert!(auth.verifier().verify(&strange).is_err(), "a key of another shop");
}

#[tokio::test]
async fn a_token_of_one_audience_is_never_good_for_another_also_when_it_was_just_believed() {
    let keys = Keys::generate();
    let auth = keys.auth_state();
    for (own, other) in [(AUDIENCE, ADMIN_AUDIENCE), (ADMIN_AUDIENCE, AUDIENCE)] {
        let token = keys.signer().sign(&claims().for_audience(own)).expect("it can be signed");
        for _ in 0..2 {
            assert!(auth.verifier().verify_for(other, &token).is_err(), "{own} as {other}");
            assert_eq!(auth.authenticate(&token).await.is_ok(), own == AUDIENCE);
            assert_eq!(auth.authenticate_for(own, &token).await.expect("it is good").aud, own);
        }
    }
}

#[tokio::test]
async fn a_token_that_was_believed_is_not_any_more_when_its_time_is_over() {
    let keys = Keys::generate();
    let verifier = keys.auth_state().verifier().clone();
    // Clocks may be five seconds apart, so this is good for about three more.
    let ending = claims();
    let token = keys.signer().sign(&Claims { exp: ending.iat - 2, ..ending }).expect("it can be signed");
    assert!(verifier.verify(&token).is_ok());
    assert!(verifier.verify(&token).is_ok(), "and again, as it comes with many requests");
    shop_testkit::eventually("its time is over", async || verifier.verify(&token).is_err()).await;
}

#[test]
fn a_token_that_chooses_its_own_algorithm_is_not_believed() {
    let keys = Keys::generate();
    let auth = keys.auth_state();
    let kid = keys.signer().kid().as_str();
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = encode(&serde_json::to_value(claims()).expect("JSON"));
    for algorithm in ["none", "HS256", "RS256", "EdDSA"] {
        let header = encode(&json!({"alg": algorithm, "typ": "JWT", "kid": kid}));
        for signature in ["", &URL_SAFE_NO_PAD.encode([7; 64])] {
            assert!(auth.verifier().verify(&format!("{header}.{claims}.{signature}")).is_err(), "{algorithm}");
        }
    }
    // The classic: the public key, which everyone knows, used as the secret of an HMAC.
    let public = keys.signer().public_key().as_bytes();
    let header = jsonwebtoken::Header { kid: Some(kid.into()), ..jsonwebtoken::Header::default() };
    let secret = jsonwebtoken::EncodingKey::from_secret(public);
    let confused = jsonwebtoken::encode(&header, &json!({"sub": UserId::generate()}), &secret).expect("it is signed");
    assert!(auth.verifier().verify(&confused).is_err());
}

#[test]
fn old_and_new_key_are_trusted_while_keys_rotate() {
    let (old, new) = (Keys::generate(), Keys::generate());
    let copied = old.public_keys_dir().join(format!("{}.pem", new.signer().kid()));
    std::fs::copy(new.public_keys_dir().join(copied.file_name().expect("a name")), &copied).expect("copied");
    let verifier = Verifier::from_dir(&old.public_keys_dir()).expect("both can be read");
    for keys in [&old, &new] {
        assert!(verifier.verify(&keys.token(UserId::generate(), Role::User)).is_ok());
    }
    assert_eq!(verifier.jwks().keys.len(), 2);
}

#[test]
fn a_service_does_not_start_with_keys_or_secrets_that_can_not_be_right() {
    let dir = tempfile::tempdir().expect("a folder");
    assert!(Verifier::from_dir(dir.path()).is_err(), "no keys");
    std::fs::write(dir.path().join("bad.pem"), "not a key").expect("written");
    assert!(Verifier::from_dir(dir.path()).is_err(), "not a key");
    let short = dir.path().join("token");
    std::fs::write(&short, "short\n").expect("written");
    assert!(ServiceToken::from_file(&short).is_err(), "a secret that can be guessed");
}

fn routes(auth: AuthState) -> Router {
    Router::new()
        .route("/user", get(|user: CurrentUser| async move { user.name }))
        .route(
            "/anyone",
            get(|OptionalUser(user): OptionalUser| async { user.map_or("nobody".into(), |user| user.name) }),
        )
        .route("/admin", get(|Admin(user): Admin| async move { user.name }))
        .route("/service", get(|_: ServiceCaller| async { "hello" }))
        .with_state(auth)
}

#[tokio::test]
async fn handlers_are_reached_by_those_whom_they_name() {
    let keys = Keys::generate();
    let base = spawn(routes(keys.auth_state())).await;
    let client = reqwest::Client::new();
    let user = format!("bearer {}", keys.token(UserId::generate(), Role::User));
    let admin = format!("Bearer {}", keys.token(UserId::generate(), Role::Admin));
    let service = keys.service_authorization();
    for (path, who, status) in [
        ("/user", &user, 200),
        ("/user", &admin, 200),
        ("/user", &service, 401),
        ("/anyone", &user, 200),
        ("/anyone", &service, 401),
        ("/anyone", &"Bearer x.y.z".to_owned(), 401),
        ("/anyone", &"Bearer".to_owned(), 401),
        ("/admin", &admin, 200),
        ("/admin", &user, 403),
        ("/admin", &service, 401),
        ("/service", &service, 200),
        ("/service", &admin, 401),
    ] {
        let response = client.get(format!("{base}{path}")).header("authorization", who);
        assert_eq!(response.send().await.expect("an answer").status().as_u16(), status, "{path} as {who}");
    }
    let refused = client.get(format!("{base}/user")).send().await.expect("an answer");
    assert_eq!(refused.headers()["www-authenticate"], "Bearer");
    assert_eq!(problem(refused).await.slug(), Some("unauthenticated"));
}

#[tokio::test]
async fn whoever_sends_no_token_is_nobody_where_that_is_enough() {
    let keys = Keys::generate();
    let base = spawn(routes(keys.auth_state())).await;
    let answer = reqwest::get(format!("{base}/anyone")).await.expect("an answer");
    assert_eq!(answer.text().await.expect("text"), "nobody");
}

#[tokio::test]
async fn tokens_of_an_ended_session_open_nothing_and_those_of_others_do() {
    let keys = Keys::generate();
    let auth = keys.auth_state();
    let (ended, other) = (SessionId::generate(), SessionId::generate());
    let (user, role) = (UserId::generate(), Role::User);
    let of = |session| keys.token_of_session(user, role, session);
    let believed = auth.authenticate(&of(ended)).await.expect("it is good");
    auth.revocations().note([Revocation { session: ended, until: i64::MAX }]);
    assert!(!auth.still_believes(&believed));
    let base = spawn(routes(auth)).await;
    let client = reqwest::Client::new();
    for path in ["/user", "/anyone"] {
        for (token, status) in [(of(ended), 401), (of(other), 200), (keys.token(user, role), 200)] {
            let response = client.get(format!("{base}{path}")).bearer_auth(token).send().await.expect("an answer");
            assert_eq!(response.status().as_u16(), status);
        }
    }
}

#[test]
fn a_token_that_names_a_file_or_a_novel_as_its_key_is_not_believed() {
    let keys = Keys::generate();
    let verifier = Verifier::from_dir(&keys.public_keys_dir()).expect("the keys can be read");
    let path = keys.public_keys_dir().join(keys.signer().kid().as_str()).display().to_string();
    let encode = |text: &[u8]| URL_SAFE_NO_PAD.encode(text);
    let good = keys.token(UserId::generate(), Role::User);
    let (_, rest) = good.split_once('.').expect("it has parts");
    for kid in [&path, "../public/key", "", "\0", "'; DROP TABLE users; --", &"k".repeat(3000)] {
        let header = encode(json!({"alg": "EdDSA", "typ": "JWT", "kid": kid}).to_string().as_bytes());
        assert!(verifier.verify(&format!("{header}.{rest}")).is_err(), "{kid:?}");
    }
    let without = encode(br#"{"alg":"EdDSA","typ":"JWT"}"#);
    for token in [
        String::new(),
        ".".repeat(4000),
        "x".repeat(1 << 20),
        format!("{without}.{rest}"),
        format!("{}.{rest}", encode(&[0xff, 0xfe])),
        format!("{}.{}", encode(br#"{"alg":"EdDSA","kid":[],"typ":7}"#), rest),
        format!("{good}x"),
        format!(" {good}"),
    ] {
        assert!(verifier.verify(&token).is_err(), "{}", token.chars().take(80).collect::<String>());
    }
    assert!(verifier.verify(&good).is_ok());
}
