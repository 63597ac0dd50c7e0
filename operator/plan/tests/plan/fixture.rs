//! Stores and what they refer to, always the same.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use shopkeeper_api::{Store, StoreSpec};
use shopkeeper_plan::{
    BackupParts, CachePolicyParts, ClusterParts, Credentials, DatabasePasswords, Found, GatewayParts, ImageDefaults,
    MigrateParts, MonitoringImages, MonitoringPart, MonitoringParts, MonitoringPods, Plan, PostgresParts, RedisParts,
    SERVICES, SecretText, ServiceParts, TelegramFound, plan, validate,
};

/// The sample Store, as if it were in a cluster.
pub(crate) fn demo() -> Store {
    let sample = include_str!("../../../../samples/demo.yaml");
    let document = sample.split("\n---\n").last().expect("a document");
    let mut store: Store = serde_yaml_ng::from_str(document).expect("a Store");
    store.metadata.generation = Some(1);
    store.metadata.uid = Some("00000000-0000-0000-0000-000000000001".into());
    store
}

pub(crate) fn with_spec(spec: Value) -> Store {
    Store { spec: serde_json::from_value::<StoreSpec>(spec).expect("a spec"), ..demo() }
}

pub(crate) fn images() -> ImageDefaults {
    ImageDefaults {
        registry: "shopkeeper.local".into(),
        tag: "v1".into(),
        postgres: "shopkeeper.local/postgres:15".into(),
        redis: "shopkeeper.local/redis:7".into(),
        nginx: "shopkeeper.local/nginx:1.22".into(),
        monitoring: MonitoringImages {
            prometheus: "shopkeeper.local/prometheus:2".into(),
            alertmanager: "shopkeeper.local/alertmanager:0".into(),
            grafana: "shopkeeper.local/grafana:13".into(),
            jaeger: "shopkeeper.local/jaeger:2".into(),
            redis_exporter: "shopkeeper.local/redis-exporter:1".into(),
            postgres_exporter: "shopkeeper.local/postgres-exporter:0".into(),
            locust: "shopkeeper.local/locust:2".into(),
            pg_admin: "shopkeeper.local/pgadmin:9".into(),
            redis_commander: "shopkeeper.local/redis-commander:0".into(),
        },
    }
}

pub(crate) fn found() -> Found {
    let password = |name: &str| SecretText::new(format!("password-of-{name}"));
    Found {
        credentials: Credentials {
            database: DatabasePasswords {
                admin: password("admin"),
                catalog: password("catalog"),
                cart: password("cart"),
                orders: password("orders"),
                users: password("users"),
            },
            monitor: password("monitor"),
            redis: password("redis"),
            grafana: password("grafana"),
            pg_admin: password("pgadmin"),
            service_token: password("services"),
            signing_key: password("signing"),
            public_keys: BTreeMap::from([("0123456789abcdef".into(), "public key\n".into())]),
            look_again: None,
        },
        external_database: Some(SecretText::new(
            "postgres://admin:password-of-mine@db.example.com:5432/shop?sslmode=require",
        )),
        external_redis: Some(SecretText::new("redis://:password-of-mine@redis.example.com:6379")),
        cache_policy: None,
        backup_volume: None,
        figures_volume: None,
        certificate: None,
        secrets: BTreeMap::new(),
        config_maps: BTreeMap::new(),
        operator_namespace: "shopkeeper-system".into(),
        telegram: TelegramFound::NotAsked,
        prometheus_operator: false,
        operator_metrics: Some("shopkeeper-pods.shopkeeper-system.svc:9090".into()),
        addresses: SERVICES.into_iter().zip(1..).map(|(service, n)| (service, format!("10.96.0.{n}"))).collect(),
    }
}

pub(crate) fn planned(store: &Store) -> Plan {
    plan(&validate(store, &images()).expect("a valid Store"), &found()).expect("a plan")
}

/// The plan where more is found than usual.
pub(crate) fn planned_where(store: &Store, change: impl FnOnce(&mut Found)) -> Plan {
    let mut found = found();
    change(&mut found);
    plan(&validate(store, &images()).expect("a valid Store"), &found).expect("a plan")
}

/// All objects of a plan as JSON.
pub(crate) fn objects(plan: &Plan) -> Vec<Value> {
    fn json<T: Serialize>(object: &T) -> Value {
        serde_json::to_value(object).expect("JSON")
    }
    let Plan {
        account,
        auth_keys,
        cache_policy: CachePolicyParts { config, version: _ },
        postgres,
        backup,
        cluster,
        redis,
        migrate: MigrateParts { secret, job },
        services,
        gateway,
        seed,
        network_policies,
        monitoring,
    } = plan;
    let mut objects = vec![json(account), json(auth_keys), json(config), json(secret), json(job)];
    if let Some(PostgresParts { config, volume, service, stateful_set }) = postgres {
        objects.extend([json(config), json(volume), json(service), json(stateful_set)]);
    }
    if let Some(BackupParts { volume, cron_job }) = backup {
        objects.push(json(volume));
        objects.extend(cron_job.iter().map(json));
    }
    if let Some(ClusterParts { secret, cluster }) = cluster {
        objects.extend([json(secret), json(cluster)]);
    }
    if let Some(RedisParts { config, service, stateful_set }) = redis {
        objects.extend([json(config), json(service), json(stateful_set)]);
    }
    for ServiceParts { component: _, secret, service, deployment, budget, autoscaler } in services {
        objects.extend([json(secret), json(service), json(deployment)]);
        objects.extend(budget.iter().map(json));
        objects.extend(autoscaler.iter().map(json));
    }
    let GatewayParts { config, service, deployment, budget, ingress, http_route } = gateway;
    objects.extend([json(config), json(service), json(deployment)]);
    objects.extend(budget.iter().map(json));
    objects.extend(ingress.iter().map(json));
    objects.extend(http_route.iter().map(json));
    objects.extend(network_policies.iter().map(json));
    objects.extend(seed.iter().map(json));
    let MonitoringParts {
        parts,
        network_policies,
        scraped,
        dashboards,
        service_monitor,
        operator_monitor,
        prometheus_rule,
        left_out: _,
    } = monitoring;
    objects.extend(network_policies.iter().map(json));
    for MonitoringPart { component: _, config, secret, volume, service, pods } in parts {
        objects.extend(volume.iter().map(json));
        objects.extend(config.iter().map(json));
        objects.extend(secret.iter().map(json));
        objects.push(json(service));
        objects.push(match pods {
            MonitoringPods::Deployment(deployment) => json(deployment),
            MonitoringPods::StatefulSet(stateful_set) => json(stateful_set),
        });
    }
    objects.extend(scraped.iter().map(json));
    objects.extend(dashboards.iter().map(json));
    objects.extend(service_monitor.iter().map(json));
    objects.extend(operator_monitor.iter().map(json));
    objects.extend(prometheus_rule.iter().map(json));
    objects
}

/// The pod template of an object, if it has one.
pub(crate) fn template(object: &Value) -> Option<&Value> {
    object.pointer("/spec/template").or_else(|| object.pointer("/spec/jobTemplate/spec/template"))
}

/// The pods of an object, if it has any.
pub(crate) fn pod(object: &Value) -> Option<&Value> {
    template(object)?.get("spec")
}

/// Whether its pods come to an end by themselves.
pub(crate) fn ends(object: &Value) -> bool {
    object["kind"] == "Job" || object["kind"] == "CronJob"
}

/// A list, or an empty one where there is none.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The containers of a pod.
pub(crate) fn containers(pod: &Value) -> &[Value] {
    list(&pod["containers"])
}

/// The containers of a pod, and those that come before them.
pub(crate) fn all_containers(pod: &Value) -> impl Iterator<Item = &Value> {
    containers(pod).iter().chain(list(&pod["initContainers"]))
}

/// Everything that can watch a shop, each part with these settings of its pods.
fn all_that_watches(pods: &Value) -> Value {
    let with = |more: Value| {
        let mut part = pods.clone();
        part.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
        part
    };
    let on = || with(json!({"enabled": true}));
    json!({
        "monitoring": {
            "prometheus": pods, "alertmanager": pods, "grafana": pods, "tracing": pods, "exporters": pods,
            "tools": {"pgAdmin": on(), "redisCommander": on()},
        },
        "loadTest": on(),
    })
}

/// Everything that a shop can be made of when the operator runs all of it, each part with these settings of its pods.
pub(crate) fn every_part(pods: &Value) -> Value {
    let mut spec = json!({
        "services": {"catalog": pods, "cart": pods, "order": pods, "user": pods}, "gateway": pods,
        "database": {"managed": pods}, "redis": {"managed": pods}, "jobs": pods, "demo": {"products": 1, "users": true},
    });
    spec["database"]["managed"]["backup"] = json!({});
    spec.as_object_mut().expect("fields").extend(all_that_watches(pods).as_object().expect("fields").clone());
    spec
}
