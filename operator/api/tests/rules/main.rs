//! The rules of the Store, run as the API server runs them, without one.

#![expect(clippy::unwrap_used, reason = "tests")]

mod documented;
mod examples;
mod lists;
mod monitoring;
mod selection;
mod structure;

use std::sync::LazyLock;

use kube::{CustomResourceExt, core::cel::Validator};
use serde_json::{Value, json};
use shopkeeper_api::Store;
use structure::misfit;

/// What the API server is told of Stores, made once for all tests.
fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        let crd = serde_json::to_value(Store::crd()).unwrap();
        crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
    });
    &SCHEMA
}

fn store(spec: &Value) -> Value {
    json!({"apiVersion": "shopkeeper.dev/v1alpha1", "kind": "Store", "metadata": {"name": "demo", "namespace": "shop"}, "spec": spec})
}

fn complaint(new: &Value, old: Option<&Value>) -> String {
    match Validator::new().validate(schema(), new, old) {
        Ok(()) => String::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    }
}

#[track_caller]
fn refused(spec: &Value, sentence: &str) {
    let said = complaint(&store(spec), None);
    assert!(said.contains(sentence), "{spec} should be refused with {sentence:?}, but the answer was {said:?}");
}

#[track_caller]
fn change_refused(old: &Value, new: &Value, sentence: &str) {
    let said = complaint(&store(new), Some(&store(old)));
    assert!(said.contains(sentence), "{old} -> {new} should be refused with {sentence:?}, but the answer was {said:?}");
}

#[track_caller]
fn change_accepted(old: &Value, new: &Value) {
    assert_eq!(complaint(&store(new), Some(&store(old))), "", "{old} -> {new}");
}

#[track_caller]
fn accepted(spec: &Value) {
    assert_eq!(complaint(&store(spec), None), "", "{spec}");
}

#[test]
fn an_empty_spec_is_a_whole_shop() {
    accepted(&json!({}));
}

#[test]
fn a_full_spec_is_accepted() {
    accepted(&json!({
        "profile": "Standard",
        "services": {
            "catalog": {"replicas": 2, "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "128Mi"}}},
            "cart": {"autoscaling": {"minReplicas": 2, "maxReplicas": 6}},
            "order": {"lifecycle": {"processingAfter": "1s", "shippingAfter": "2s", "deliveredAfter": "3s", "deleteAfter": "1h"}},
            "user": {"accessTokenLifetime": "30m"},
        },
        "gateway": {"host": "shop.example.com", "corsOrigins": ["https://app.example.com:8443"], "service": {"type": "NodePort", "nodePort": 30080}},
        "database": {"external": {"secretRef": {"name": "db"}}},
        "redis": {"managed": {"maxMemory": "128Mi"}},
        "cache": {
            "policies": {"bestsellers": {"pattern": "RefreshAhead", "ttl": "1h", "refreshBefore": "10m"}},
            "tuning": {"mode": "Recommend", "targetHitRatio": "0.95", "minTtl": "5s", "maxTtl": "24h"},
        },
        "demo": {"products": 20000, "users": true},
    }));
}

#[test]
fn exactly_one_database_is_asked_for() {
    let both = json!({"managed": {}, "external": {"secretRef": {"name": "db"}}});
    refused(&json!({"database": both}), "write exactly one of managed, external and cloudNativePg");
    refused(&json!({"redis": both}), "write exactly one of managed and external");
    refused(&json!({"database": {}}), "write exactly one of managed, external and cloudNativePg");
    refused(
        &json!({"database": {"managed": {}, "cloudNativePg": {}}}),
        "write exactly one of managed, external and cloudNativePg",
    );
    accepted(&json!({"database": {"cloudNativePg": {}}}));
}

#[test]
fn durations_are_positive_and_well_written() {
    for ttl in ["-5m", "5", "soon", ""] {
        refused(&json!({"cache": {"policies": {"products": {"ttl": ttl}}}}), "it cannot be negative");
    }
    refused(&json!({"cache": {"policies": {"products": {"ttl": "0s"}}}}), "a ttl must be more than nothing");
    refused(&json!({"services": {"user": {"accessTokenLifetime": "1s"}}}), "an access token lives from 1m to 24h");
    for every in ["30m", "8761h", "1ms"] {
        let user = json!({"signingKeyRotation": every});
        refused(&json!({"services": {"user": user}}), "a signing key is replaced every 1h to 8760h");
    }
    for every in ["0s", "1h", "720h"] {
        accepted(&json!({"services": {"user": {"signingKeyRotation": every}}}));
    }
    let backwards = json!({"processingAfter": "10s", "shippingAfter": "5s"});
    refused(&json!({"services": {"order": {"lifecycle": backwards}}}), "must rise");
}

#[test]
fn cache_policies_must_make_sense() {
    let policy = |policy: Value| json!({"cache": {"policies": {"bestsellers": policy}}});
    refused(
        &policy(json!({"pattern": "RefreshAhead", "ttl": "5m", "refreshBefore": "10m"})),
        "refreshBefore must be shorter than ttl",
    );
    refused(&policy(json!({"refreshBefore": "10m"})), "refreshBefore needs a ttl");
    refused(
        &policy(json!({"pattern": "CacheAside", "ttl": "1h", "refreshBefore": "1m"})),
        "only used by pattern RefreshAhead",
    );
    refused(
        &policy(json!({"softTimeout": "2s", "hardTimeout": "1s"})),
        "softTimeout must not be longer than hardTimeout",
    );
    refused(&policy(json!({"hardTimeout": "0s"})), "a hardTimeout must be more than nothing");
    refused(&policy(json!({"ttl": "9000h"})), "together must not be longer than 365 days");
    refused(&policy(json!({"ttl": "1h", "staleIfError": "8760h"})), "together must not be longer than 365 days");
    for other in ["recommendations", "flashSales", "topComments", "products", "userProfile", "cart"] {
        let alone = json!({"ttl": "1h", "refreshBefore": "1m"});
        refused(&json!({"cache": {"policies": {other: alone}}}), "which is not this cache's default");
        let said = json!({"pattern": "RefreshAhead", "ttl": "1h", "refreshBefore": "1m"});
        accepted(&json!({"cache": {"policies": {other: said}}}));
    }
    accepted(&policy(json!({"ttl": "5m"})));
    accepted(&policy(json!({"ttl": "1h", "refreshBefore": "5m"})));
    accepted(&policy(
        json!({"negativeTtl": "0s", "softTimeout": "100ms", "hardTimeout": "1s", "local": {"ttl": "0s"}}),
    ));
    refused(&json!({"cache": {"tuning": {"minTtl": "1h", "maxTtl": "1m"}}}), "minTtl must not be longer than maxTtl");
    refused(&json!({"cache": {"tuning": {"targetHitRatio": "1.5"}}}), "write a ratio between 0 and 1");
}

#[test]
fn replicas_and_autoscaling_exclude_each_other() {
    let autoscaling = json!({"minReplicas": 2, "maxReplicas": 6});
    for service in ["catalog", "cart", "order", "user"] {
        refused(
            &json!({"services": {service: {"replicas": 2, "autoscaling": autoscaling}}}),
            "write either replicas or autoscaling",
        );
    }
    refused(
        &json!({"services": {"cart": {"autoscaling": {"minReplicas": 6, "maxReplicas": 2}}}}),
        "must not be greater than maxReplicas",
    );
}

#[test]
fn amounts_hosts_origins_and_ports_are_checked() {
    refused(&json!({"redis": {"managed": {"maxMemory": "64 MB"}}}), "write an amount such as");
    refused(&json!({"gateway": {"host": "https://shop"}}), "write a host name in lower case");
    refused(&json!({"gateway": {"corsOrigins": ["https://app.example.com/"]}}), "without a path");
    refused(&json!({"gateway": {"service": {"nodePort": 30080}}}), "nodePort needs type NodePort");
}

#[test]
fn a_name_must_fit_the_names_of_the_parts() {
    for name in ["1shop", "a.shop", "Shop", &"a".repeat(41)] {
        let mut named = store(&json!({}));
        named["metadata"]["name"] = json!(name);
        assert!(complaint(&named, None).contains("at most 40 lower-case letters"), "{name}");
    }
}

#[test]
fn what_cannot_be_done_to_data_is_refused() {
    let external = json!({"external": {"secretRef": {"name": "db"}}});
    let cluster = json!({"cloudNativePg": {"storage": {"size": "5Gi"}}});
    for (old, new) in [
        (json!({}), json!({"database": external})),
        (json!({"database": external}), json!({})),
        (json!({}), json!({"database": cluster})),
        (json!({"database": cluster}), json!({"database": external})),
    ] {
        change_refused(&old, &new, "cannot change between managed, external and cloudNativePg");
    }
    change_refused(
        &json!({"database": cluster}),
        &json!({"database": {"cloudNativePg": {"storage": {"size": "4Gi"}}}}),
        "a volume cannot shrink",
    );
    let sized = |size: &str| json!({"database": {"managed": {"storage": {"size": size}}}});
    change_refused(&sized("2Gi"), &sized("1Gi"), "a volume cannot shrink");
    change_refused(&sized("2Gi"), &sized("2000Mi"), "a volume cannot shrink");
    change_refused(&json!({}), &sized("1Gi"), "a volume cannot shrink");
    change_refused(&sized("3Gi"), &json!({}), "a volume cannot shrink");
    for larger in ["2Gi", "2048Mi", "3Gi", "1Ti"] {
        change_accepted(&json!({}), &sized(larger));
    }
    change_refused(
        &sized("2Gi"),
        &json!({"database": {"managed": {"storage": {"size": "2Gi", "storageClassName": "fast"}}}}),
        "the storage class of a volume cannot change",
    );
    refused(&json!({"database": external, "dataRetention": "Delete"}), "an external database is never deleted");
}

#[test]
fn backups_have_a_schedule_a_time_zone_and_room() {
    let with = |backup: Value| json!({"database": {"managed": {"backup": backup}}});
    for schedule in ["0 3 * * *", "*/30 * * * *", "15,45 0-6 1 JAN mon-fri", "@daily"] {
        accepted(&with(json!({"schedule": schedule})));
    }
    for schedule in
        ["", "daily", "at 3", "0 3 * *", "60 3 * * *", "0 24 * * *", "0 3 * * 7", "@every 5m", "TZ=UTC 0 3 * * *"]
    {
        refused(&with(json!({"schedule": schedule})), "write five fields as in a crontab");
    }
    for zone in ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+3"] {
        accepted(&with(json!({"timeZone": zone})));
    }
    for zone in ["", "Local", "local", "+02:00", "Europe/", "../etc/passwd"] {
        refused(&with(json!({"timeZone": zone})), "write the name of a time zone");
    }
    refused(&with(json!({"storage": {"size": "2 Gi"}})), "write an amount such as");
    accepted(&with(
        json!({"schedule": "0 3 * * *", "keep": 7, "storage": {"size": "20Gi", "storageClassName": "cheap"}}),
    ));
}

#[test]
fn the_volume_of_the_backups_never_shrinks_and_keeps_its_class() {
    let with = |database: &str, backup: Value| json!({"database": {"managed": {"storage": {"size": database}, "backup": backup}}});
    let sized = |size: &str| json!({"storage": {"size": size}});
    let sentence = "the volume of the backups cannot shrink";
    change_refused(&with("2Gi", sized("4Gi")), &with("2Gi", sized("3Gi")), sentence);
    change_refused(&with("2Gi", sized("4Gi")), &with("2Gi", json!({})), sentence);
    change_refused(&with("4Gi", json!({})), &with("4Gi", sized("3Gi")), sentence);
    let class = |class: &str| json!({"storage": {"storageClassName": class}});
    let sentence = "the storage class of the volume of the backups cannot change";
    change_refused(&with("2Gi", class("cheap")), &with("2Gi", class("fast")), sentence);
    change_refused(&with("2Gi", json!({})), &with("2Gi", class("fast")), sentence);
    let without = json!({"database": {"managed": {"storage": {"size": "2Gi"}}}});
    for (old, new) in [
        (with("2Gi", sized("4Gi")), with("2Gi", sized("5Gi"))),
        (with("2Gi", sized("4Gi")), with("3Gi", sized("4Gi"))),
        (with("2Gi", json!({})), with("3Gi", json!({}))),
        (with("2Gi", json!({})), with("2Gi", sized("2048Mi"))),
        (with("2Gi", sized("4Gi")), without.clone()),
        (without, with("2Gi", sized("1Gi"))),
    ] {
        change_accepted(&old, &new);
    }
}

#[test]
fn what_can_be_changed_is_accepted() {
    let old = json!({"dataRetention": "Retain"});
    let new = json!({"dataRetention": "Delete", "redis": {"external": {"secretRef": {"name": "redis"}}}, "profile": "Standard"});
    change_accepted(&old, &new);
}

#[test]
fn labels_and_annotations_are_the_users_own() {
    let sentence = "write keys of your own, such as example.com/team";
    for key in ["shopkeeper.dev/x", "app.kubernetes.io/name", "kubernetes.io/x", "pod-security.kubernetes.io/x"] {
        for kind in ["labels", "annotations"] {
            let metadata = json!({kind: {key: "x"}});
            refused(&json!({"metadata": metadata}), sentence);
            refused(&json!({"services": {"cart": {"podTemplate": {"metadata": metadata}}}}), sentence);
            refused(&json!({"gateway": {"podTemplate": {"metadata": metadata}}}), sentence);
        }
    }
    accepted(&json!({"metadata": {"labels": {"team": "shop", "example.com/cost-centre": "4711"}}}));
    let annotations = json!({"shopkeeper.dev/paused": "true"});
    for gateway in [json!({"ingress": {"annotations": annotations}}), json!({"service": {"annotations": annotations}})]
    {
        refused(&json!({"gateway": gateway}), "are the operator's: leave them out");
    }
    let annotations =
        json!({"nginx.ingress.kubernetes.io/proxy-body-size": "1m", "cert-manager.io/cluster-issuer": "x"});
    accepted(&json!({"gateway": {"ingress": {"annotations": annotations}}}));
}

#[test]
fn tolerations_make_sense() {
    let with = |toleration: Value| json!({"redis": {"managed": {"scheduling": {"tolerations": [toleration]}}}});
    refused(&with(json!({"effect": "NoSchedule"})), "write operator: Exists, or a key");
    refused(&with(json!({"key": "a", "operator": "Exists", "value": "b"})), "operator Exists takes no value");
    refused(&with(json!({"key": "a", "tolerationSeconds": 5})), "tolerationSeconds is for effect NoExecute only");
    accepted(&with(json!({"operator": "Exists"})));
    accepted(&with(
        json!({"key": "a", "operator": "Equal", "value": "b", "effect": "NoExecute", "tolerationSeconds": 5}),
    ));
}

#[test]
fn a_mirror_is_the_address_of_a_registry_and_nothing_else() {
    for mirror in [
        "mirror.example.com",
        "mirror.example.com:5000/upstream",
        "localhost",
        "localhost:5000",
        "registry:5000/a/b-c/d_e",
        "10.0.0.1:5000",
        "m.example.com/a.b__c",
    ] {
        accepted(&json!({"images": {"mirror": mirror}}));
    }
    for none in [
        "mirror",
        "https://mirror.example.com",
        "mirror.example.com/",
        "mirror.example.com/postgres:17",
        "mirror.example.com/x@sha256:00",
        "Mirror.example.com",
        "mirror..example.com",
        "mirror.example.com:",
        "mirror.example.com:123456",
        "mirror.example.com:+80",
        "mirror.example.com//x",
        "-mirror.example.com",
        "mirror.example.com /x",
        " mirror.example.com",
        "mirror.example.com\n",
        "http://localhost:5000",
        "localhost:5000/",
        "localhost:5000/x:1",
    ] {
        refused(&json!({"images": {"mirror": none}}), "write the host of a registry");
    }
}

#[test]
fn nobody_is_root_by_a_store() {
    let with = |security: Value| json!({"gateway": {"securityContext": security}});
    for level in ["s0", "s0:c26,c5", "s0-s0:c0.c1023", "s15:c1"] {
        accepted(&with(json!({"seLinuxOptions": {"level": level}})));
    }
    for level in ["", "container_t", "s0:", "s0:c1;", "system_u:system_r:container_t:s0"] {
        refused(&with(json!({"seLinuxOptions": {"level": level}})), "write a level of SELinux");
    }
    let misfit = |security: Value| misfit(&schema()["properties"]["spec"], &with(security)).unwrap_or_default();
    for field in ["runAsUser", "runAsGroup", "fsGroup"] {
        assert_eq!(misfit(json!({field: 1})), "");
        assert_eq!(misfit(json!({field: 0})), format!(".gateway.securityContext.{field}: 0 is less than 1"));
    }
    assert_eq!(
        misfit(json!({"supplementalGroups": [5, 0]})),
        ".gateway.securityContext.supplementalGroups[1]: 0 is less than 1"
    );
    for weaker in ["runAsNonRoot", "seccompProfile", "sysctls", "privileged", "capabilities", "windowsOptions"] {
        let said = misfit(json!({weaker: {}}));
        assert_eq!(said, format!(".gateway.securityContext: there is no field {weaker}"));
    }
    for weaker in ["user", "role", "type"] {
        let said = misfit(json!({"seLinuxOptions": {"level": "s0", weaker: "x"}}));
        assert_eq!(said, format!(".gateway.securityContext.seLinuxOptions: there is no field {weaker}"));
    }
}

#[test]
fn an_image_has_one_digest() {
    let digest = format!("sha256:{}", "0".repeat(64));
    accepted(&json!({"images": {"tag": "v1", "digests": {"cart": digest}}}));
    accepted(&json!({"images": {"catalog": "example.com/catalog:v1", "digests": {"cart": digest}}}));
    refused(
        &json!({"images": {"cart": "example.com/cart:v1", "digests": {"cart": digest}}}),
        "a whole reference has its digest in itself",
    );
}

#[test]
fn the_sample_is_a_valid_store() {
    let sample = include_str!("../../../../samples/demo.yaml");
    let document = sample.split("\n---\n").last().unwrap();
    let value: Value = serde_yaml_ng::from_str(document).unwrap();
    assert_eq!(complaint(&value, None), "");
    let store: Store = serde_json::from_value(value).unwrap();
    assert_eq!(store.metadata.name.as_deref(), Some("demo"));
}
