//! One Store, from what it says to how it is.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use kube::{core::DeserializeGuard, runtime::controller::Action};
use prometheus::IntGauge;
use shopkeeper_api::Store;
use shopkeeper_plan::{Shop, plan, validate};
use tracing::{Instrument, Span, field, info_span};

use crate::{
    apply::{Applied, Monitored, Progress, apply},
    context::Context,
    dereference::dereference,
    error::Error,
    invalid,
    observed::StoreName,
    status::{self, Outcome, Picture},
    telemetry::{Example, note_trace},
    turns::Wish,
    watch::store_name,
};

/// What watches a shop and could not be applied is tried again after this time.
const MONITORING_AGAIN: Duration = Duration::from_secs(30);

/// Reconciles one Store; errors lead to another try after a while.
pub async fn reconcile(store: Arc<DeserializeGuard<Store>>, context: Arc<Context>) -> Result<Action, Error> {
    context.observed.wait_until_synced().await;
    let name = guarded_name(&store);
    let span = info_span!("reconcile", store = %name, trace_id = field::Empty, outcome = field::Empty);
    note_trace(&span);
    context.queue.begun(&name, Example::of(&span));
    traced(&store, &context).instrument(span).await
}

async fn traced(store: &DeserializeGuard<Store>, context: &Context) -> Result<Action, Error> {
    let started = Instant::now();
    let _active = Active::new(&context.metrics.active);
    let limit = context.settings.reconcile_timeout;
    let result = tokio::time::timeout(limit, Box::pin(one(store, context))).await;
    let result = result.unwrap_or(Err(Error::TimedOut(limit))).map_err(Error::or_not_leading);
    context.metrics.seconds.observe(&["store"], started.elapsed(), Example::here());
    let outcome = result.as_ref().map_or_else(Error::reason, |_| "ok");
    context.metrics.reconciles.with_label_values(&["store", outcome]).inc();
    Span::current().record("outcome", outcome);
    result
}

/// Counts a reconcile for as long as it runs, however it ends.
struct Active<'a>(&'a IntGauge);

impl<'a> Active<'a> {
    fn new(gauge: &'a IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

async fn one(guarded: &DeserializeGuard<Store>, context: &Context) -> Result<Action, Error> {
    let store = match &guarded.0 {
        Ok(store) => store,
        Err(object) => {
            context.turns.done(&guarded_name(guarded));
            invalid::tell(context, object).await?;
            return Ok(Action::await_change());
        }
    };
    let Some(name) = store_name(store) else { return Ok(Action::await_change()) };
    let uid = store.metadata.uid.as_deref().unwrap_or_default();
    if context.backoff.is_given_up(&name, uid) {
        return Ok(Action::await_change());
    }
    if store.metadata.deletion_timestamp.is_some() {
        // Kubernetes collects the children; making them again would only hold it up.
        context.backoff.succeeded(&name);
        context.policies.rest(&name);
        context.turns.done(&name);
        return Ok(Action::await_change());
    }
    let shop = validate(store, &context.settings.images);
    let (mut look_again, mut setbacks, mut monitored) = (None, Vec::new(), None);
    let result = match &shop {
        _ if store.is_paused() => {
            context.policies.rest(&name);
            Ok(None)
        }
        Ok(shop) => Box::pin(run(store, shop, &name, context)).await.map(|(applied, at)| {
            look_again = at;
            let Applied { progress, setbacks: found, monitored: watching } = applied;
            setbacks = found;
            monitored = Some(watching);
            Some(progress)
        }),
        Err(invalid) => Err(Error::InvalidSpec(invalid.clone())),
    };
    if result.as_ref().is_err_and(Error::is_namespace_going) {
        // Nothing can be made in it any more, and that cannot be undone. The Store goes with it.
        tracing::info!(store = %format_args!("{}/{}", name.namespace, name.name), "left alone, as its namespace goes");
        context.backoff.give_up(&name, uid);
        context.policies.rest(&name);
        context.turns.done(&name);
        return Ok(Action::await_change());
    }
    let outcome = outcome(&result);
    let try_again = monitored.as_ref().filter(|it: &&Monitored| it.failed.is_some()).map(|_| MONITORING_AGAIN);
    let picture = Picture::take(context, store, shop.as_ref(), &name, outcome, setbacks, monitored);
    if status::holds_up_nobody(&picture) {
        context.turns.done(&name);
    }
    let written = status::write(context, store, &picture).instrument(info_span!("status")).await;
    match result {
        Err(error) if !error.is_terminal() => Err(error),
        _ => {
            written?;
            context.backoff.succeeded(&name);
            let resync = spread(context.settings.resync, rand::random());
            let troubled = context.troubles.next(&name, Timestamp::now());
            let look_again = [look_again, troubled, try_again].into_iter().flatten().min();
            // A moment later than due, so that it is due by then.
            let due = look_again.map_or(resync, |at| at + Duration::from_secs(1));
            Ok(Action::requeue(due.min(resync)))
        }
    }
}

/// The time, more or less a tenth of it: Stores that were looked at together, as after a start, do not stay together.
fn spread(time: Duration, chance: f64) -> Duration {
    time.mul_f64(0.9 + chance / 5.0)
}

/// How far it is, and when to look again though nothing has changed, if not at the next resync.
async fn run(
    store: &Store,
    shop: &Shop,
    name: &StoreName,
    context: &Context,
) -> Result<(Applied, Option<Duration>), Error> {
    let found = Box::pin(dereference(context, store, shop, name).instrument(info_span!("dereference"))).await?;
    let look_again = found.credentials.look_again;
    let wish = Wish { generation: store.metadata.generation, brought_in: found.brought_in() };
    let plan = info_span!("plan").in_scope(|| plan(shop, &found))?;
    Ok((Box::pin(apply(context, shop, (name, store), wish, plan).instrument(info_span!("apply"))).await?, look_again))
}

fn outcome(result: &Result<Option<Progress>, Error>) -> Outcome {
    match result {
        Ok(None) => Outcome::Paused,
        Ok(Some(progress)) => Outcome::Progress(progress.clone()),
        Err(error) => {
            Outcome::Failed { reason: error.reason(), message: error.to_string(), terminal: error.is_terminal() }
        }
    }
}

/// When to try a Store again that failed.
#[expect(clippy::needless_pass_by_value, reason = "the shape that the controller asks for")]
pub fn error_policy(store: Arc<DeserializeGuard<Store>>, error: &Error, context: Arc<Context>) -> Action {
    let name = guarded_name(&store);
    let wait = context.backoff.failed(&name);
    tracing::warn!(store = %name, reason = error.reason(), %error, ?wait, "failed, tried again later");
    context.metrics.in_backoff.set(i64::try_from(context.backoff.len()).unwrap_or(i64::MAX));
    Action::requeue(wait)
}

fn guarded_name(store: &DeserializeGuard<Store>) -> StoreName {
    let metadata = kube::Resource::meta(store);
    StoreName {
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: metadata.name.clone().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_that_are_looked_at_together_are_looked_at_again_apart() {
        let time = Duration::from_secs(600);
        assert_eq!((spread(time, 0.0), spread(time, 1.0)), (Duration::from_secs(540), Duration::from_secs(660)));
        // A thousand of them by the minute in which they come again: none of the two minutes has nearly all.
        let minutes = (0..1000).map(|_| spread(time, rand::random()).as_secs() / 60);
        let in_the_tenth = minutes.filter(|minute| *minute == 9).count();
        assert!((300..700).contains(&in_the_tenth), "{in_the_tenth}");
    }
}
