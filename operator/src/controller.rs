//! The controller: watches, queue and workers.
//!
//! A replica that stands by runs all watches, so that its caches are warm, and only notes which Stores they touched. When it is to lead, every
//! Store is looked at once, those that were touched last first. Whatever the watches touch from then on does not wait for that: with a thousand
//! Stores it takes most of a minute.
//!
//! A Store that somebody changed is looked at at once. Changes of what belongs to it come in bursts, as when its pods come up, and are drawn
//! together for a moment, with those of its status; so are all triggers for one that is worked on.

use std::{
    collections::HashMap,
    convert::Infallible,
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{FutureExt, Stream, StreamExt, stream};
use kube::{
    Client,
    runtime::{
        applier,
        controller::{self, Action, Config},
        events::{Recorder, Reporter},
        reflector::{self, Store as Cache},
    },
};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use crate::{
    args::Settings,
    backoff::Backoff,
    certificates::Certificates,
    context::Context,
    error::Error,
    heartbeat::Heartbeat,
    hits::Hits,
    metrics::{Metrics, Sources},
    observed::{Observed, StoreName},
    policies::Policies,
    queue::{Queue, Trigger, debounced},
    recent::Recent,
    reconcile::{error_policy, reconcile},
    troubles::Troubles,
    turns::Turns,
    watch::{Guarded, Touched, WatchStates, Watches, object_ref},
};

/// What the process around the controller gives it.
pub struct Surroundings {
    /// The way to the API server.
    pub client: Client,
    /// What the operator was told.
    pub settings: Settings,
    /// Figures.
    pub metrics: Metrics,
    /// What the watches see of the children.
    pub observed: Arc<Observed>,
    /// How the watches are.
    pub watches: WatchStates,
    /// The controller's sign of life.
    pub beat: Heartbeat,
}

/// Looks after all Stores until `shutdown`, beginning at once.
pub async fn run(
    client: Client,
    settings: Settings,
    metrics: Metrics,
    observed: Arc<Observed>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let beat = Heartbeat::new("the controller", settings.reconcile_timeout * 2);
    let surroundings = Surroundings { client, settings, metrics, observed, watches: WatchStates::default(), beat };
    run_when(std::future::ready(()), surroundings, shutdown).await;
}

/// Stands by with warm caches until `lead`, then looks after all Stores until `shutdown`.
pub async fn run_when(
    lead: impl Future<Output = ()> + Send + 'static,
    surroundings: Surroundings,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let Surroundings { client, settings, metrics, observed, watches, beat } = surroundings;
    let reporter = Reporter { controller: "shopkeeper".into(), instance: Some(settings.identity.clone()) };
    let (policies, news) = Policies::new(client.clone(), settings.pod_port, metrics.clone());
    let policies = Arc::new(policies);
    let (hits, moved) = Hits::new(policies.clone(), settings.pod_port);
    let hits = Arc::new(hits);
    let troubles = Arc::new(Troubles::default());
    let (cache, writer) = reflector::store();
    let certificates = Arc::new(Certificates::default());
    metrics.read_stores(Sources {
        stores: cache.clone(),
        observed: observed.clone(),
        certificates: certificates.clone(),
    });
    let watches = Watches {
        client: client.clone(),
        namespaces: settings.watch_namespaces.clone(),
        metrics: metrics.clone(),
        states: watches,
    };
    let changed = watches.stores(writer);
    let (turns, called) = Turns::new(settings.rollouts_at_once);
    let touched: [Touched; 8] = [
        watches.children(&observed, &cache),
        watches.named_secrets(cache.clone()),
        watches.named_config_maps(cache.clone(), settings.images.clone()),
        watches.pods(&policies, &troubles),
        news.map(|store| object_ref(&store)).boxed(),
        moved.map(|store| object_ref(&store)).boxed(),
        called.map(|store| object_ref(&store)).boxed(),
        beats(beat).boxed(),
    ];
    let mut touched = stream::select(changed, stream::select_all(touched).map(Trigger::Soon));
    let mut shutdown = pin!(shutdown.fuse());
    let mut recent = Recent::default();
    {
        let mut lead = pin!(lead);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => return,
                () = &mut lead => break,
                Some(trigger) = touched.next() => recent.touch(trigger.into_inner(), cache.len(), |store| cache.get(store).is_some()),
            }
        }
    }
    let asking = hits.clone();
    let every = settings.hits_every;
    let _asking = AbortOnDropHandle::new(tokio::spawn(async move { asking.keep_asking(every).await }));
    let context = Arc::new(Context {
        client: client.clone(),
        observed,
        backoff: Backoff::default(),
        queue: Queue::new(&metrics),
        turns,
        metrics,
        policies,
        hits,
        certificates,
        troubles,
        recorder: Recorder::new(client, reporter),
        written: Mutex::new(HashMap::new()),
        settings,
    });
    let all = recent.first(cache.state().iter().map(|store| reflector::ObjectRef::from_obj(&**store)).collect());
    drop(recent);
    work(context, cache, all, touched, shutdown).await;
}

/// Reconciles whatever is touched, and in between these Stores once.
async fn work(
    context: Arc<Context>,
    cache: Cache<Guarded>,
    all: Vec<reflector::ObjectRef<Guarded>>,
    touched: impl Stream<Item = Trigger<reflector::ObjectRef<Guarded>>> + Send + 'static,
    shutdown: impl Future<Output = ()>,
) {
    let waiting = context.clone();
    let queue = stream::select(debounced(touched), patiently(all, context.clone()))
        .inspect(move |store| waiting.queue.touched(store))
        .map(Ok::<_, Infallible>)
        .take_until(shutdown);
    let config = Config::default().concurrency(context.settings.concurrency);
    applier(
        |store, context| isolated(reconcile(store, context)),
        error_policy,
        context.clone(),
        cache.clone(),
        queue,
        config,
    )
    .for_each(|looked_at| {
        if matches!(looked_at, Err(controller::Error::ObjectNotFound(_))) {
            forget_those_that_are_gone(&context, &cache);
        }
        context.metrics.in_backoff.set(i64::try_from(context.backoff.len()).unwrap_or(i64::MAX));
        std::future::ready(())
    })
    .await;
}

fn forget_those_that_are_gone(context: &Context, cache: &Cache<Guarded>) {
    let exists = |store: &StoreName| cache.get(&object_ref(store)).is_some();
    context.backoff.retain(exists);
    context.policies.retain(exists);
    context.queue.retain(exists);
    context.turns.retain(exists);
    context.observed.retain(exists);
    context.certificates.retain(exists);
    context.written.lock().unwrap_or_else(PoisonError::into_inner).retain(|store, _| exists(store));
}

/// These Stores, each only when no more wait than are worked on at a time, so that one that changes meanwhile is looked at soon.
fn patiently(
    stores: Vec<reflector::ObjectRef<Guarded>>,
    context: Arc<Context>,
) -> impl Stream<Item = reflector::ObjectRef<Guarded>> {
    stream::unfold((stores.into_iter(), context), |(mut stores, context)| async move {
        context.queue.until_fewer(usize::from(context.settings.concurrency).max(1)).await;
        Some((stores.next()?, (stores, context)))
    })
}

/// Works in a task of its own: several can run at the same time, and one that panics is an error like others.
fn isolated(
    work: impl Future<Output = Result<Action, Error>> + Send + 'static,
) -> impl Future<Output = Result<Action, Error>> + Unpin + Send + 'static {
    let task = AbortOnDropHandle::new(tokio::spawn(work.in_current_span()));
    Box::pin(async move { task.await.unwrap_or_else(|error| Err(Error::Panicked(error.to_string()))) })
}

/// A sign of life for as long as the stream is asked for more, which is how the controller lives.
fn beats<T>(beat: Heartbeat) -> impl Stream<Item = T> {
    let ticks = stream::unfold(tokio::time::interval(Duration::from_secs(1)), |mut ticks| async {
        ticks.tick().await;
        Some(((), ticks))
    });
    ticks.filter_map(move |()| {
        beat.beat();
        std::future::ready(None)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reconcile_that_panics_is_an_error_like_others() {
        let result = isolated(async { panic!("a defect") }).await;
        assert!(matches!(result, Err(Error::Panicked(_))));
        assert!(isolated(async { Ok(Action::await_change()) }).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_is_asked_for_more_gives_signs_of_life_and_asks_for_nothing() {
        let beat = Heartbeat::new("it", Duration::ZERO);
        let before = beat.last();
        let mut silence = pin!(beats::<()>(beat.clone()));
        assert!(tokio::time::timeout(Duration::from_secs(10), silence.next()).await.is_err());
        assert!(beat.last() > before);
    }
}
