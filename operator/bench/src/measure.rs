//! The course of the measurements.

use std::{collections::HashMap, time::Duration};

use anyhow::Context as _;
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    autoscaling::v2::HorizontalPodAutoscaler,
    batch::v1::Job,
    core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service, ServiceAccount},
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Api, Resource, ResourceExt,
    api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::{
    Cli,
    cluster::{Cluster, STORE, namespace},
    figures::{AtSize, Figures, OneField},
    handover,
    operator::Operator,
    proc, repair,
    watched::Watched,
};

/// Changes of one field, each of which touches other children.
const FIELDS: [(&str, &str); 4] = [
    (
        "services.order.lifecycle.processingAfter",
        r#"{"services": {"order": {"lifecycle": {"processingAfter": "5500ms"}}}}"#,
    ),
    ("cache.policies.products.ttl", r#"{"cache": {"policies": {"products": {"ttl": "7m"}}}}"#),
    ("gateway.corsOrigins", r#"{"gateway": {"corsOrigins": ["https://app.example.com"]}}"#),
    ("images.pullPolicy", r#"{"images": {"pullPolicy": "Always"}}"#),
];

pub(crate) async fn run(cli: &Cli) -> anyhow::Result<Figures> {
    let load_before = proc::load_average();
    let mut cluster = Cluster::start().await?;
    let watched = Watched::start(cluster.client.clone());
    let mut sizes = Vec::new();
    for &stores in &cli.stores {
        progress(&format!("{stores} Stores"));
        sizes.push(at_size(cli, &mut cluster, &watched, stores).await.with_context(|| format!("{stores} Stores"))?);
    }
    let operator = Operator::start(&cluster, "last")?;
    operator.calm(cluster.stores() as f64).await?;
    progress("one changed field");
    let mut fields = Vec::new();
    for (field, patch) in FIELDS {
        fields.push(one_field(&cluster, &watched, &operator, field, &serde_json::from_str(patch)?).await?);
    }
    progress("deleted children");
    let repairs = repair::all(&cluster, cli.repeats).await?;
    operator.calm(0.0).await?;
    progress(&format!("{} quiet minutes", cli.quiet_minutes));
    let (quiet, before) = (Duration::from_secs(60 * cli.quiet_minutes), cluster.writes().await?);
    tokio::time::sleep(quiet).await;
    let quiet = (quiet, cluster.writes().await?.since(&before));
    operator.stop().await?;
    progress("hand-over");
    let handovers = handover::all(&cluster, &watched, cli.repeats).await?;
    Ok(Figures { sizes, quiet, fields, repairs, handovers, load_before, load_after: proc::load_average() })
}

#[expect(clippy::print_stderr, reason = "it takes minutes")]
pub(crate) fn progress(what: &str) {
    eprintln!("{what} …");
}

async fn at_size(cli: &Cli, cluster: &mut Cluster, watched: &Watched, stores: usize) -> anyhow::Result<AtSize> {
    let maker = Operator::start(cluster, "maker")?;
    maker.leading().await?;
    let begun = std::time::Instant::now();
    cluster.grow_to(stores).await?;
    watched.ready(stores).await?;
    let made = begun.elapsed();
    maker.calm(0.0).await?;
    maker.stop().await?;

    progress("  a start with all of them in place");
    let before = cluster.writes().await?;
    let operator = Operator::start(cluster, "measured")?;
    let cold_start = operator.calm(stores as f64).await?.duration_since(operator.started);
    let cold_start_writes = cluster.writes().await?.since(&before);
    let memory = proc::memory(operator.pid())?;

    progress("  reconciles with nothing to do");
    let idle_reconciles = idle_reconciles(cli.reconciles, cluster, &operator).await?;
    progress("  changes of a spec");
    let (cpu, reconciles) = (proc::cpu_seconds(operator.pid())?, operator.reconciles().await?);
    let changes = changes(cli.changes, cluster, watched).await?;
    operator.calm(0.0).await?;
    let count = changes.len() as f64;
    let changes_cpu = (proc::cpu_seconds(operator.pid())? - cpu) * 1_000.0 / count;
    let reconciles_per_change = (operator.reconciles().await? - reconciles) / count;
    let memory_after = proc::memory(operator.pid())?;
    operator.stop().await?;
    Ok(AtSize {
        stores,
        made,
        cold_start,
        cold_start_writes,
        memory,
        memory_after,
        changes,
        idle_reconciles,
        changes_cpu,
        reconciles_per_change,
    })
}

/// CPU seconds for a thousand reconciles that were asked for and find nothing to do.
async fn idle_reconciles(count: usize, cluster: &Cluster, operator: &Operator) -> anyhow::Result<f64> {
    let (cpu, reconciles) = (proc::cpu_seconds(operator.pid())?, operator.reconciles().await?);
    for change in 0..count {
        // A label of somebody's own.
        let label = json!({"metadata": {"labels": {"bench": change.to_string()}}});
        cluster.change(change % cluster.stores(), &label).await?;
    }
    // Two changes of one Store that come close together become one reconcile, so what was done is counted and not what was asked for.
    operator.calm(reconciles).await?;
    let done = operator.reconciles().await? - reconciles;
    Ok((proc::cpu_seconds(operator.pid())? - cpu) * 1_000.0 / done.max(1.0))
}

/// Changes specs one after the other; how long each took to be observed, sorted.
async fn changes(count: usize, cluster: &Cluster, watched: &Watched) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(count);
    for change in 0..count {
        let number = change % cluster.stores();
        let (generation, sent) = cluster.change_order(number).await?;
        let observed = watched.observed(&namespace(number), generation).await?;
        times.push(observed.saturating_duration_since(sent));
    }
    times.sort();
    Ok(times)
}

/// The kinds of a Store's children.
pub(crate) fn kinds() -> Vec<ApiResource> {
    fn of<K: Resource<DynamicType = ()>>() -> ApiResource {
        ApiResource::erase::<K>(&())
    }
    vec![
        of::<ServiceAccount>(),
        of::<ConfigMap>(),
        of::<Secret>(),
        of::<PersistentVolumeClaim>(),
        of::<Service>(),
        of::<StatefulSet>(),
        of::<Deployment>(),
        of::<Job>(),
        of::<PodDisruptionBudget>(),
        of::<HorizontalPodAutoscaler>(),
    ]
}

/// The children of a Store: a hash of everything but their statuses, by kind and name.
async fn children(cluster: &Cluster, number: usize) -> anyhow::Result<HashMap<String, String>> {
    let mut found = HashMap::new();
    for kind in kinds() {
        let api: Api<DynamicObject> = Api::namespaced_with(cluster.client.clone(), &namespace(number), &kind);
        let selected = ListParams::default().labels("app.kubernetes.io/managed-by=shopkeeper");
        for object in api.list(&selected).await? {
            let mut content = object.data.clone();
            content["status"] = Value::Null;
            let what = (object.uid(), &object.metadata.labels, &object.metadata.annotations, content);
            found.insert(format!("{} {}", kind.kind, object.name_any()), serde_json::to_string(&what)?);
        }
    }
    Ok(found)
}

async fn one_field(
    cluster: &Cluster,
    watched: &Watched,
    operator: &Operator,
    field: &'static str,
    spec: &Value,
) -> anyhow::Result<OneField> {
    let number = 0;
    let former = children(cluster, number).await?;
    let before = cluster.writes().await?;
    let reconciles = operator.reconciles().await?;
    let store = cluster.api(number).patch(STORE, &PatchParams::default(), &Patch::Merge(json!({"spec": spec}))).await?;
    watched.observed(&namespace(number), store.metadata.generation.unwrap_or_default()).await?;
    operator.calm(reconciles + 1.0).await?;
    let writes = cluster.writes().await?.since(&before);
    let now = children(cluster, number).await?;
    let changed = now.iter().filter(|(name, content)| former.get(*name) != Some(*content)).count();
    Ok(OneField {
        field,
        children: changed,
        of: now.len(),
        events: writes.events(),
        writes: writes.without("PATCH stores"),
    })
}
