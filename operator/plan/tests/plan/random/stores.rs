//! Stores at random: each field now and then, by itself and beside others, and nothing that contradicts itself.

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Map, Value, json};
use shopkeeper_api::Store;

use super::parts::{backup, cloud_native_pg, gateway, images, pods, services};
use crate::fixture::with_spec;

/// A part of a spec.
pub(super) type Json = BoxedStrategy<Value>;

/// One of these.
pub(super) fn one_of(values: &Value) -> Json {
    select(values.as_array().expect("a list").clone()).boxed()
}

/// An object of these fields, each of which is there as often as not.
pub(super) fn object(fields: Vec<(&'static str, Json)>) -> Json {
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().map(|(name, value)| (name, option::of(value))).unzip();
    let there = move |values: Vec<Option<Value>>| {
        let there = names.iter().zip(values).filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
        Value::Object(there.collect())
    };
    values.prop_map(there).boxed()
}

/// One object of the fields of several.
pub(super) fn merged(objects: Vec<Json>) -> Json {
    let merge = |objects: Vec<Value>| {
        let fields = objects.into_iter().filter_map(|object| object.as_object().cloned()).flatten();
        Value::Object(fields.collect::<Map<_, _>>())
    };
    objects.prop_map(merge).boxed()
}

/// A part with pods that has these fields of its own.
pub(super) fn part(own: Vec<(&'static str, Json)>) -> Json {
    merged(vec![object(own), pods()])
}

/// An object of this one field.
fn field(name: &'static str, value: Json) -> Json {
    value.prop_map(move |value| json!({ name: value })).boxed()
}

pub(super) fn yes_or_no() -> Json {
    one_of(&json!([true, false]))
}

fn database() -> Json {
    let storage = json!([{}, {"size": "5Gi"}, {"size": "1.5Gi", "storageClassName": "fast"}]);
    let managed = part(vec![("storage", one_of(&storage)), ("backup", backup())]);
    let external = one_of(&json!([{"secretRef": {"name": "db"}}, {"secretRef": {"name": "db", "key": "uri"}}]));
    let cluster = cloud_native_pg(&storage);
    prop_oneof![
        3 => field("managed", managed),
        1 => field("external", external),
        1 => field("cloudNativePg", cluster),
    ]
    .boxed()
}

fn redis() -> Json {
    let managed = part(vec![("maxMemory", one_of(&json!(["16Mi", "64Mi", "1Gi"])))]);
    let external = one_of(&json!([{"secretRef": {"name": "redis"}}]));
    prop_oneof![3 => field("managed", managed), 1 => field("external", external)].boxed()
}

/// Policies of some of the caches.
pub(super) fn policies() -> Json {
    let caches =
        ["bestsellers", "recommendations", "flashSales", "topComments", "products", "userProfile", "cart"].map(|cache| {
            let policy = one_of(&json!([
                {}, {"ttl": "1m"}, {"ttl": "1h30m", "jitterPercent": 0}, {"pattern": "None"}, {"staleIfError": "0s", "negativeTtl": "0s"},
                {"pattern": "RefreshAhead", "ttl": "1h", "refreshBefore": "1m"}, {"softTimeout": "100ms", "hardTimeout": "100ms"},
                {"pattern": "EventInvalidated", "ttl": "24h", "local": {"ttl": "0s"}}, {"local": {"maxEntries": 1}},
                {"pattern": "WriteThrough", "ttl": "1ms", "staleIfError": "8000h", "local": {"ttl": "2s", "maxEntries": 50000}},
            ]));
            (cache, policy)
        });
    object(caches.into())
}

fn monitoring() -> Json {
    let alerts = object(vec![
        ("latencyP99", one_of(&json!(["500ms", "1s"]))),
        ("latencyP95", one_of(&json!(["200ms", "300ms"]))),
        ("errorRatio", one_of(&json!(["0", "0.01", "1"]))),
        ("availability", one_of(&json!(["0.9", "0.9999"]))),
        ("minRequestsPerSecond", one_of(&json!(["0", "1"]))),
        ("maxRequestsPerSecond", one_of(&json!(["0", "2000.5"]))),
        ("backupAge", one_of(&json!(["50h"]))),
        ("windows", one_of(&json!(["Standard", "Demo"]))),
        ("runbookUrl", one_of(&json!(["https://wiki.example.com/runbooks"]))),
        ("labels", one_of(&json!([{}, {"team": "shop"}]))),
    ]);
    let telegram = json!([{"secretRef": {"name": "telegram"}}, {"secretRef": {"name": "telegram"}, "apiUrl": "http://telegram.test:8080"}]);
    object(vec![
        ("enabled", yes_or_no()),
        ("publicUrl", one_of(&json!(["http://localhost:8080", "https://shop.example.com"]))),
        (
            "prometheus",
            part(vec![
                ("enabled", yes_or_no()),
                ("scrapeInterval", one_of(&json!(["1s", "30s", "2m"]))),
                ("retention", one_of(&json!(["1h", "8760h"]))),
                ("storage", one_of(&json!([{}, {"size": "10Gi", "storageClassName": "fast"}]))),
                ("url", one_of(&json!(["http://prometheus.monitoring:9090", "https://example.com/prometheus/"]))),
            ]),
        ),
        (
            "alertmanager",
            part(vec![
                ("enabled", yes_or_no()),
                ("telegram", one_of(&telegram)),
                ("watchdogUrl", one_of(&json!(["https://heartbeats.example.com/shop?id=1"]))),
            ]),
        ),
        (
            "grafana",
            part(vec![("enabled", yes_or_no()), ("dashboardLabels", one_of(&json!([{}, {"example.com/x": "1"}])))]),
        ),
        (
            "tracing",
            part(vec![
                ("enabled", yes_or_no()),
                ("maxTraces", one_of(&json!([100, 1_000_000]))),
                ("sampling", one_of(&json!(["0", "0.1", "1.0"]))),
            ]),
        ),
        ("exporters", pods()),
        ("alerts", alerts),
        (
            "tools",
            object(vec![
                ("pgAdmin", part(vec![("enabled", yes_or_no())])),
                ("redisCommander", part(vec![("enabled", yes_or_no())])),
            ]),
        ),
    ])
}

fn spec() -> Json {
    let labels = json!({"example.com/team": "shop"});
    let load_test = part(vec![
        ("enabled", yes_or_no()),
        ("users", one_of(&json!([1, 100_000]))),
        ("spawnRate", one_of(&json!([1, 10_000]))),
        ("shape", one_of(&json!(["Steady", "ColdCache", "HotKey", "FlashSale", "Soak"]))),
        ("runTime", one_of(&json!(["1s", "10m"]))),
    ]);
    object(vec![
        ("profile", one_of(&json!(["Laptop", "Standard", "HighAvailability"]))),
        ("metadata", one_of(&json!([{}, {"labels": labels}, {"labels": labels, "annotations": labels}]))),
        ("images", images()),
        ("services", services()),
        ("gateway", gateway()),
        ("jobs", pods()),
        ("database", database()),
        ("redis", redis()),
        ("cache", object(vec![("policies", policies()), ("tuning", one_of(&json!([{}, {"mode": "Recommend"}])))])),
        ("monitoring", monitoring()),
        ("loadTest", load_test),
        ("demo", object(vec![("products", one_of(&json!([0, 20_000]))), ("users", yes_or_no())])),
        ("networkPolicies", yes_or_no()),
        ("suspend", yes_or_no()),
        ("dataRetention", one_of(&json!(["Retain", "Delete"]))),
    ])
}

/// Takes out of a spec what contradicts the rest of it.
fn mended(mut spec: Value) -> Value {
    let database_is_elsewhere = spec["database"]["external"].is_object();
    let redis_is_elsewhere = spec["redis"]["external"].is_object();
    let is_open = spec["networkPolicies"] == false;
    let has = |spec: &Value, tool: &str| spec["monitoring"]["tools"][tool]["enabled"] == true;
    if database_is_elsewhere && spec["dataRetention"] == "Delete" {
        spec["dataRetention"] = json!("Retain");
    }
    if database_is_elsewhere && has(&spec, "pgAdmin") {
        spec["monitoring"]["tools"]["pgAdmin"]["enabled"] = json!(false);
    }
    if (redis_is_elsewhere || is_open) && has(&spec, "redisCommander") {
        spec["monitoring"]["tools"]["redisCommander"]["enabled"] = json!(false);
    }
    let prometheus = &spec["monitoring"]["prometheus"];
    if prometheus["enabled"] == false && prometheus["url"].is_null() {
        spec["monitoring"]["grafana"]["enabled"] = json!(false);
    }
    spec
}

/// A Store as if it were in a cluster.
pub(super) fn store() -> impl Strategy<Value = Store> {
    ("[a-z]([-a-z0-9]{0,38}[a-z0-9])?", 1..1000_i64, spec()).prop_map(|(name, generation, spec)| {
        let mut store = with_spec(mended(spec));
        store.metadata.name = Some(name);
        store.metadata.generation = Some(generation);
        store
    })
}

/// Up to this many of a list, without one twice.
pub(super) fn some_of(values: &Value) -> Json {
    let values = values.as_array().expect("a list").clone();
    let chosen = vec(any::<bool>(), values.len());
    let keep = move |chosen: Vec<bool>| {
        let kept = values.iter().zip(chosen).filter(|(_, chosen)| *chosen).map(|(value, _)| value.clone());
        Value::Array(kept.collect())
    };
    chosen.prop_map(keep).boxed()
}
