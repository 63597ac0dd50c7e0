//! Faults between the cart and its siblings: the sibling is the real one, but what it hears and what is heard of it is up to the test.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::{Method, StatusCode};
use shop_testkit::eventually;

/// What the cart asks of its siblings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Quote,
    Reserve,
    Commit,
    Release,
    Create,
}

impl Step {
    fn of(request: &Request) -> Option<Self> {
        let path = request.uri().path();
        match *request.method() {
            Method::POST if path.ends_with("/quote") => Some(Self::Quote),
            Method::POST if path.ends_with("/commit") => Some(Self::Commit),
            Method::PUT if path.starts_with("/internal/reservations/") => Some(Self::Reserve),
            Method::DELETE if path.starts_with("/internal/reservations/") => Some(Self::Release),
            Method::PUT if path.starts_with("/internal/orders/") => Some(Self::Create),
            _ => None,
        }
    }
}

/// What happens to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not done.
    NotDone,
    /// It is done, but nobody hears of it.
    AnswerLost,
    /// It is not done, and whoever asked waits in vain.
    Swallowed,
    /// It is done, and whoever asked waits in vain.
    AnswerSwallowed,
    /// It is done after a while.
    Slow(Duration),
    /// It is done, and the answer is held back until the test lets it go.
    Held,
    /// The sibling says no, with this status and an empty problem document.
    Refused(StatusCode),
    /// It is not done, and whoever asked gets an answer with this status that was never agreed on.
    Says(StatusCode),
}

/// The faults of one shop, by step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Arc<Mutex<HashMap<Step, Record>>>);

#[derive(Clone, Copy, Debug, Default)]
struct Record {
    fault: Option<Fault>,
    met: u32,
}

impl Faults {
    /// From now on this happens to the step.
    pub(crate) fn set(&self, step: Step, fault: Fault) {
        self.lock().entry(step).or_default().fault = Some(fault);
    }

    /// Everything works again.
    pub(crate) fn clear(&self) {
        self.lock().values_mut().for_each(|record| record.fault = None);
    }

    /// What happened to this step happens no more; an answer that was held back goes on its way.
    pub(crate) fn let_go(&self, step: Step) {
        self.lock().entry(step).or_default().fault = None;
    }

    fn holds(&self, step: Step) -> bool {
        self.lock().get(&step).is_some_and(|record| record.fault == Some(Fault::Held))
    }

    /// How often the step was asked for.
    pub(crate) fn met(&self, step: Step) -> u32 {
        self.lock().get(&step).map_or(0, |record| record.met)
    }

    /// Waits until the step was asked for, and, if the fault lets it be done, done.
    pub(crate) async fn until_met(&self, step: Step) {
        eventually("the step is asked for", async || self.met(step) > 0).await;
    }

    /// Puts the faults before a sibling.
    pub(crate) fn before(&self, sibling: Router) -> Router {
        sibling.layer(from_fn_with_state(self.clone(), meddle))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Step, Record>> {
        self.0.lock().expect("no test panics with it in its hands")
    }

    fn meet(&self, step: Step) {
        self.lock().entry(step).or_default().met += 1;
    }
}

async fn meddle(State(faults): State<Faults>, request: Request, next: Next) -> Response {
    let Some(step) = Step::of(&request) else { return next.run(request).await };
    let fault = faults.lock().get(&step).and_then(|record| record.fault);
    let done = match fault {
        None | Some(Fault::AnswerLost | Fault::AnswerSwallowed | Fault::Held) => Some(next.run(request).await),
        Some(Fault::Slow(pause)) => {
            faults.meet(step);
            tokio::time::sleep(pause).await;
            return next.run(request).await;
        }
        Some(Fault::NotDone | Fault::Swallowed | Fault::Refused(_) | Fault::Says(_)) => None,
    };
    faults.meet(step);
    match (fault, done) {
        (Some(Fault::Swallowed | Fault::AnswerSwallowed), _) => std::future::pending().await,
        (Some(Fault::Refused(status)), _) => (status, "{}").into_response(),
        (Some(Fault::Says(status)), _) => (status, r#"{"surprise":[1]}"#).into_response(),
        (Some(Fault::Held), Some(answer)) => {
            while faults.holds(step) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            answer
        }
        (None, Some(answer)) => answer,
        _ => StatusCode::BAD_GATEWAY.into_response(),
    }
}
