//! One Store, from what it says to how it is.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use kube::{core::DeserializeGuard, runtime::controller::Action};
use shopkeeper_api::Store;
use shopkeeper_plan::{Shop, plan, validate};

use crate::{
    apply::{Progress, apply},
    context::Context,
    dereference::dereference,
    error::Error,
    invalid,
    observed::StoreName,
    status::{self, Outcome, Picture},
};

/// Reconciles one Store; errors lead to another try after a while.
pub async fn reconcile(store: Arc<DeserializeGuard<Store>>, context: Arc<Context>) -> Result<Action, Error> {
    context.observed.wait_until_synced().await;
    let started = Instant::now();
    context.metrics.active.inc();
    let limit = context.settings.reconcile_timeout;
    let result =
        tokio::time::timeout(limit, Box::pin(one(&store, &context))).await.unwrap_or(Err(Error::TimedOut(limit)));
    context.metrics.active.dec();
    context.metrics.seconds.with_label_values(&["store"]).observe(started.elapsed().as_secs_f64());
    let outcome = result.as_ref().map_or_else(Error::reason, |_| "ok");
    context.metrics.reconciles.with_label_values(&["store", outcome]).inc();
    result
}

async fn one(store: &DeserializeGuard<Store>, context: &Context) -> Result<Action, Error> {
    let store = match &store.0 {
        Ok(store) => store,
        Err(object) => {
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
        return Ok(Action::await_change());
    }
    let shop = validate(store, &context.settings.images);
    let mut look_again = None;
    let result = match &shop {
        _ if store.is_paused() => {
            context.policies.rest(&name);
            Ok(None)
        }
        Ok(shop) => Box::pin(run(store, shop, &name, context)).await.map(|(progress, at)| {
            look_again = at;
            Some(progress)
        }),
        Err(invalid) => Err(Error::InvalidSpec(invalid.clone())),
    };
    if result.as_ref().is_err_and(Error::is_namespace_going) {
        // Nothing can be made in it any more, and that cannot be undone. The Store goes with it.
        tracing::info!(store = %format_args!("{}/{}", name.namespace, name.name), "left alone, as its namespace goes");
        context.backoff.give_up(&name, uid);
        context.policies.rest(&name);
        return Ok(Action::await_change());
    }
    let outcome = outcome(&result);
    let picture = Picture::take(context, store, shop.as_ref(), &name, outcome);
    let written = status::write(context, store, &picture).await;
    match result {
        Err(error) if !error.is_terminal() => Err(error),
        _ => {
            written?;
            context.backoff.succeeded(&name);
            let resync = context.settings.resync.mul_f64(0.9 + rand::random::<f64>() / 5.0);
            // A moment later than due, so that it is due by then.
            let due = look_again.map_or(resync, |at| at + Duration::from_secs(1));
            Ok(Action::requeue(due.min(resync)))
        }
    }
}

/// How far it is, and when to look again though nothing has changed, if not at the next resync.
async fn run(
    store: &Store,
    shop: &Shop,
    name: &StoreName,
    context: &Context,
) -> Result<(Progress, Option<Duration>), Error> {
    let found = dereference(context, store, shop, name).await?;
    let look_again = found.credentials.look_again;
    let plan = plan(shop, &found)?;
    let uid = store.metadata.uid.as_deref().unwrap_or_default();
    Ok((Box::pin(apply(context, shop, name, uid, plan)).await?, look_again))
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
    let metadata = kube::Resource::meta(&*store);
    let name = StoreName {
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: metadata.name.clone().unwrap_or_default(),
    };
    let wait = context.backoff.failed(&name);
    tracing::warn!(store = %format_args!("{}/{}", name.namespace, name.name), reason = error.reason(), %error, ?wait, "failed, tried again later");
    context.metrics.in_backoff.set(i64::try_from(context.backoff.len()).unwrap_or(i64::MAX));
    Action::requeue(wait)
}

fn store_name(store: &Store) -> Option<StoreName> {
    Some(StoreName { namespace: store.metadata.namespace.clone()?, name: store.metadata.name.clone()? })
}
