//! The operator is killed at every single write, and the next one brings the Store to the same end.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures::future::BoxFuture;
use http::{Method, Request, Response};
use kube::{
    Client,
    client::{Body, ClientBuilder},
};
use serde_json::{Value, json};
use shopkeeper_operator::{kind::Kind, metrics::Metrics};
use tower::{BoxError, Layer, Service};

use crate::support::{Operator, World, children, config, eventually};

/// Lets some writes pass and then nothing any more, as if the process had died right after the last of them.
#[derive(Clone)]
struct Fuse {
    left: Arc<AtomicU64>,
}

impl<S> Layer<S> for Fuse {
    type Service = Fused<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Fused { inner, left: self.left.clone() }
    }
}

struct Fused<S> {
    inner: S,
    left: Arc<AtomicU64>,
}

impl<S, B> Service<Request<Body>> for Fused<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
    S::Future: Send + 'static,
    B: 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let writes = request.method() != Method::GET;
        let blown = if writes {
            self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
        } else {
            false
        };
        if blown {
            return Box::pin(async { Err(BoxError::from("the process has died")) });
        }
        Box::pin(self.inner.call(request))
    }
}

async fn fused(left: Arc<AtomicU64>) -> Client {
    let mut config = config().await;
    config.default_retry = false;
    ClientBuilder::try_from(config).expect("a client").with_layer(&Fuse { left }).build()
}

fn spec() -> Value {
    json!({"demo": {"products": 1}})
}

/// What matters of the children: everything but what is new with each Store.
async fn shape(world: &World) -> BTreeMap<(Kind, String), Value> {
    let mut shapes = BTreeMap::new();
    for ((kind, name), child) in children(&world.client, &world.namespace).await {
        // Passwords are random, and with them the Jobs' names and the hashes of configurations.
        let name = if kind == Kind::Job {
            name.rsplit_once('-').map_or(name.clone(), |(stem, _)| stem.to_owned())
        } else {
            name
        };
        let mut spec = child.object.data["spec"].clone();
        for random in ["clusterIP", "clusterIPs", "volumeName", "selector", "template"] {
            if let Some(fields) = spec.as_object_mut() {
                fields.remove(random);
            }
        }
        shapes.insert(
            (kind, name),
            json!({"spec": spec, "keys": keys(&child.object.data["data"]), "labels": child.object.metadata.labels}),
        );
    }
    shapes
}

fn keys(data: &Value) -> Vec<String> {
    let keys = data.as_object().map(|data| data.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    // The public key's file is named by the key.
    keys.into_iter().map(|key| if key.contains(".pem") { "key.pem".to_owned() } else { key }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_write_the_next_one_comes_to_the_same_end() {
    let whole = World::new("fault-none").await;
    let operator = whole.operator();
    whole.apply("demo", spec()).await;
    whole.ready("demo").await;
    let expected = shape(&whole).await;
    let writes = operator.writes();
    operator.stop().await;
    assert!(writes > 25, "{writes} writes");

    let mut after = 0;
    while after <= writes {
        let batch = (after..(after + 6).min(writes + 1)).map(|after| {
            let expected = expected.clone();
            async move { converges_after(after, &expected).await }
        });
        futures::future::join_all(batch).await;
        after += 6;
    }
}

async fn converges_after(writes: u64, expected: &BTreeMap<(Kind, String), Value>) {
    let world = World::new(&format!("fault-{writes}")).await;
    let left = Arc::new(AtomicU64::new(writes));
    let dying = Operator::start(fused(left.clone()).await, world.settings(), Metrics::new().expect("metrics"));
    world.apply("demo", spec()).await;
    let spent = async {
        while left.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    // Statuses are written together when things happen together, so a run may need fewer writes than the measured one.
    let _ = tokio::time::timeout(Duration::from_secs(8), spent).await;
    dying.kill().await;

    let next = world.operator();
    world.ready("demo").await;
    eventually(&format!("the same end after {writes} writes"), || async {
        let found = shape(&world).await;
        let missing: Vec<_> =
            expected.iter().filter(|(key, shape)| found.get(*key) != Some(shape)).map(|(key, _)| key).collect();
        let surplus: Vec<_> = found.keys().filter(|key| !expected.contains_key(*key)).collect();
        if missing.is_empty() && surplus.is_empty() {
            Ok(())
        } else {
            Err(format!("missing or different {missing:?}, surplus {surplus:?}"))
        }
    })
    .await;
    next.stop().await;
}
