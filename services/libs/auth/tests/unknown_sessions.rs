//! A service that starts while the user service is away: it does not know yet which sessions have ended.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use futures::future::join_all;
use http::StatusCode;
use shop_auth::{AuthState, CurrentUser, OptionalUser, REVOCATIONS_PATH, Revocation, RevocationPage, Role};
use shop_testkit::{Keys, eventually, problem, spawn};
use shop_types::{SessionId, UserId};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// A user service that answers as it is told to.
async fn user_service(says: watch::Receiver<(StatusCode, Vec<SessionId>)>) -> String {
    let answer = move || {
        let says = says.clone();
        async move {
            let (status, ended) = says.borrow().clone();
            let revocations = ended.into_iter().map(|session| Revocation { session, until: i64::MAX }).collect();
            (status, axum::Json(RevocationPage { revocations, seq: 1, more: false }))
        }
    };
    spawn(Router::new().route(REVOCATIONS_PATH, get(answer))).await
}

async fn service(auth: AuthState, arrived: Arc<Notify>) -> String {
    let routes = Router::new()
        .route("/mine", get(|user: CurrentUser| async move { user.name }))
        .route("/anyones", get(|_: OptionalUser| async {}))
        .route("/open", get(|| async {}));
    let note = from_fn(move |request: Request, next: Next| {
        arrived.notify_one();
        next.run(request)
    });
    spawn(routes.layer(note).with_state(auth)).await
}

#[tokio::test]
async fn nobody_who_has_logged_in_is_believed_until_the_ended_sessions_are_known_and_all_else_goes_on() {
    let (keys, stop) = (Keys::generate(), CancellationToken::new());
    let (ended, other) = (SessionId::generate(), SessionId::generate());
    let (says, heard) = watch::channel((StatusCode::SERVICE_UNAVAILABLE, vec![]));
    let auth = keys.auth_state();
    let users = user_service(heard).await;
    tokio::spawn(auth.follow_revocations(Some(&users), stop.clone()).expect("an address"));
    let base = service(auth, Arc::default()).await;
    let client = reqwest::Client::new();
    let ask = async |path: &str, token: Option<&str>| {
        let request = client.get(format!("{base}{path}"));
        let request = token.iter().fold(request, reqwest::RequestBuilder::bearer_auth);
        request.send().await.expect("an answer")
    };
    let of = |session| keys.token_of_session(UserId::generate(), Role::User, session);
    let (of_ended, of_other) = (of(ended), of(other));

    let asks = [("/mine", &of_ended), ("/mine", &of_other), ("/anyones", &of_ended), ("/anyones", &of_other)];
    for refused in join_all(asks.map(|(path, token)| ask(path, Some(token)))).await {
        assert_eq!(refused.headers()["retry-after"], "1");
        let problem = problem(refused).await;
        assert_eq!((problem.status, problem.slug()), (503, Some("sessions-unknown")));
    }
    let status = async |path: &str, token: Option<&str>| ask(path, token).await.status().as_u16();
    assert_eq!((status("/open", None).await, status("/open", Some(&of_ended)).await), (200, 200));
    assert_eq!((status("/anyones", None).await, status("/mine", Some("made up")).await), (200, 401));

    says.send_replace((StatusCode::OK, vec![ended]));
    eventually("they are known", async || status("/mine", Some(&of_other)).await == 200).await;
    assert_eq!((status("/mine", Some(&of_ended)).await, status("/anyones", Some(&of_ended)).await), (401, 401));

    says.send_replace((StatusCode::SERVICE_UNAVAILABLE, vec![]));
    assert_eq!(status("/mine", Some(&of_other)).await, 200, "what is known stays in force");
    stop.cancel();
}

#[tokio::test]
async fn who_comes_right_after_the_start_waits_for_the_first_list_and_is_not_turned_away() {
    let (keys, stop) = (Keys::generate(), CancellationToken::new());
    let (_says, heard) = watch::channel((StatusCode::OK, vec![]));
    let auth = keys.auth_state();
    let users = user_service(heard).await;
    let following = auth.follow_revocations(Some(&users), stop.clone()).expect("an address");
    let arrived = Arc::new(Notify::new());
    let base = service(auth, Arc::clone(&arrived)).await;
    let token = keys.token_of_session(UserId::generate(), Role::User, SessionId::generate());
    let request = reqwest::Client::new().get(format!("{base}/mine")).bearer_auth(token);
    let answer = tokio::spawn(request.send());
    arrived.notified().await;
    tokio::spawn(following);
    assert_eq!(answer.await.expect("no panic").expect("an answer").status(), 200);
    stop.cancel();
}
