//! What must hold for every plan.

use serde_json::{Value, json};
use shopkeeper_api::Store;
use shopkeeper_plan::{InvalidStore, SecretText, TelegramFound, validate};

use crate::fixture::{
    all_containers, containers, demo, ends, every_part, found, images, objects, planned, planned_where, pod, template,
    with_spec,
};

/// Stores that differ in all that a plan depends on.
fn stores() -> Vec<Store> {
    let specs = [
        json!({}),
        json!({"profile": "Standard", "demo": {"products": 10}, "gateway": {"corsOrigins": ["https://app.example.com"]}}),
        json!({
            "profile": "HighAvailability", "dataRetention": "Delete", "demo": {"users": true},
            "database": {"managed": {"backup": {"schedule": "@hourly", "keep": 30, "storage": {"size": "9Gi"}}}},
        }),
        json!({"database": {"external": {"secretRef": {"name": "db"}}}, "redis": {"external": {"secretRef": {"name": "redis"}}}}),
        json!({
            "services": {
                "cart": {"autoscaling": {"minReplicas": 2, "maxReplicas": 6}},
                "user": {"resources": {"requests": {"memory": "1Gi"}}, "scheduling": {"priorityClassName": "high"}},
            },
            "images": {"registry": "example.com/shop", "tag": "v2", "pullPolicy": "Always", "pullSecrets": [{"name": "registry"}]},
        }),
        json!({
            "metadata": {"labels": {"example.com/team": "shop"}, "annotations": {"example.com/owner": "me"}},
            "gateway": {"tls": {"secretName": "tls"}, "replicas": 2, "trustedProxies": ["10.0.0.0/8"]},
            "database": {"cloudNativePg": {"storage": {"size": "5Gi", "storageClassName": "fast"}}},
            "jobs": {"resources": {"limits": {"memory": "1Gi"}}},
            "redis": {"managed": {"maxMemory": "1Gi", "scheduling": {"tolerations": [{"operator": "Exists"}]}}},
            "demo": {"products": 1, "users": true},
        }),
        json!({
            "monitoring": {
                "tools": {"pgAdmin": {"enabled": true}, "redisCommander": {"enabled": true}},
                "alertmanager": {"telegram": {"secretRef": {"name": "telegram"}}, "watchdogUrl": "https://example.com/beat"},
            },
            "loadTest": {"enabled": true, "runTime": "10m"},
        }),
        json!({"monitoring": {"enabled": false}}),
        json!({
            "suspend": true, "profile": "HighAvailability", "networkPolicies": false,
            "gateway": {"tls": {"secretName": "tls"}, "ingress": {"className": "nginx"}, "httpRoute": {"parentRefs": [{"name": "public"}]}},
            "services": {"cart": {"autoscaling": {"minReplicas": 2, "maxReplicas": 6}}},
        }),
    ];
    let mut stores: Vec<Store> = specs.into_iter().map(with_spec).collect();
    let mut long = demo();
    long.metadata.name = Some("a".repeat(40));
    stores.extend(vec![demo(), long]);
    stores
}

fn all_objects() -> impl Iterator<Item = Value> {
    stores().into_iter().flat_map(|store| objects(&planned(&store)))
}

#[test]
fn the_same_store_gives_the_same_plan() {
    for store in stores() {
        assert_eq!(objects(&planned(&store)), objects(&planned(&store)));
    }
}

#[test]
fn every_pod_is_restricted_and_has_no_token() {
    for object in all_objects() {
        let Some(pod) = pod(&object) else { continue };
        let name = &object["metadata"]["name"];
        assert_eq!(pod["automountServiceAccountToken"], json!(false), "{name}");
        assert_eq!(pod["securityContext"]["runAsNonRoot"], json!(true), "{name}");
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], json!("RuntimeDefault"), "{name}");
        for container in all_containers(pod) {
            let security = &container["securityContext"];
            assert_eq!(security["readOnlyRootFilesystem"], json!(true), "{name}");
            assert_eq!(security["allowPrivilegeEscalation"], json!(false), "{name}");
            assert_eq!(security["capabilities"]["drop"], json!(["ALL"]), "{name}");
            let added = &security["capabilities"]["add"];
            assert!(added.is_null() || *added == json!(["NET_BIND_SERVICE"]), "{name}: the only one that is allowed");
        }
    }
}

#[test]
fn extra_labels_and_annotations_are_on_everything_and_replace_nothing() {
    let extra = json!({"labels": {"example.com/team": "shop"}, "annotations": {"example.com/owner": "me"}});
    let spec = |metadata: Value| {
        json!({"metadata": metadata, "demo": {"products": 1}, "profile": "Standard", "gateway": {"ingress": {}},
               "database": {"managed": {"backup": {}}}})
    };
    let (plain, with) = (objects(&planned(&with_spec(spec(json!({}))))), objects(&planned(&with_spec(spec(extra)))));
    assert_eq!(plain.len(), with.len());
    for (plain, with) in plain.iter().zip(&with) {
        let metadata =
            |object: &Value| [Some(object["metadata"].clone()), template(object).map(|it| it["metadata"].clone())];
        for (plain, with) in metadata(plain).into_iter().zip(metadata(with)) {
            let (Some(plain), Some(with)) = (plain, with) else { continue };
            assert_eq!(
                (&with["labels"]["example.com/team"], &with["annotations"]["example.com/owner"]),
                (&json!("shop"), &json!("me"))
            );
            for (key, value) in plain["labels"].as_object().expect("labels") {
                assert_eq!(with["labels"][key], *value);
            }
        }
    }
}

#[test]
fn what_several_pods_do_has_a_disruption_budget() {
    for profile in ["Laptop", "Standard", "HighAvailability"] {
        let all = objects(&planned(&with_spec(json!({"profile": profile, "services": {"cart": {"replicas": 5}}}))));
        for deployment in all.iter().filter(|it| it["kind"] == "Deployment") {
            let budget = all.iter().find(|it| {
                it["kind"] == "PodDisruptionBudget" && it["spec"]["selector"] == deployment["spec"]["selector"]
            });
            let several = deployment["spec"]["replicas"].as_i64() > Some(1);
            assert_eq!(budget.is_some(), several, "{profile} {}", deployment["metadata"]["name"]);
        }
    }
}

#[test]
fn a_suspended_shop_has_no_pods_and_keeps_all_the_rest() {
    let services = json!({"cart": {"autoscaling": {"minReplicas": 2, "maxReplicas": 6}}});
    let spec = |suspend: bool| {
        json!({"suspend": suspend, "services": services, "demo": {"products": 1}, "profile": "Standard",
               "database": {"managed": {"backup": {}}}})
    };
    let (running, suspended) = (objects(&planned(&with_spec(spec(false)))), objects(&planned(&with_spec(spec(true)))));
    let name = |object: &Value| (object["kind"].clone(), object["metadata"]["name"].clone());
    let gone: Vec<_> =
        running.iter().map(name).filter(|it| !suspended.iter().map(name).any(|other| other == *it)).collect();
    assert_eq!(gone, [(json!("HorizontalPodAutoscaler"), json!("demo-cart"))]);
    for object in &suspended {
        match object["kind"].as_str() {
            Some("Deployment" | "StatefulSet") => assert_eq!(object["spec"]["replicas"], 0, "{:?}", name(object)),
            Some("Job" | "CronJob") => assert_eq!(object["spec"]["suspend"], true),
            _ => {}
        }
    }
    // Not a single pod is another one than before.
    for (before, after) in running.iter().filter(|it| it["kind"] != "HorizontalPodAutoscaler").zip(&suspended) {
        assert_eq!(template(before), template(after), "{:?}", name(before));
    }
    let cluster = json!({"suspend": true, "database": {"cloudNativePg": {}}});
    let cluster = planned(&with_spec(cluster)).cluster.expect("a cluster").cluster;
    assert_eq!(cluster.metadata.annotations.expect("annotations")["cnpg.io/hibernation"], "on");
}

#[test]
fn scheduling_reaches_the_pods_it_is_written_for() {
    let scheduling = json!({
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "dedicated", "value": "shop", "effect": "NoSchedule"}],
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"a": "b"}}}}]}},
        "topologySpreadConstraints": [{"topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"}],
        "priorityClassName": "high",
    });
    let scheduled = json!({"scheduling": scheduling});
    for object in objects(&planned(&with_spec(every_part(&scheduled)))) {
        let Some(pod) = pod(&object) else { continue };
        let name = &object["metadata"]["name"];
        for field in ["nodeSelector", "affinity", "priorityClassName"] {
            assert_eq!(pod[field], scheduling[field], "{name} {field}");
        }
        let toleration = json!({"key": "dedicated", "operator": "Equal", "value": "shop", "effect": "NoSchedule"});
        assert_eq!(pod["tolerations"], json!([toleration]), "{name}");
        if !ends(&object) {
            let constraint = &pod["topologySpreadConstraints"][0];
            assert_eq!(
                (&constraint["topologyKey"], &constraint["whenUnsatisfiable"]),
                (&json!("topology.kubernetes.io/zone"), &json!("DoNotSchedule"))
            );
            assert_eq!(
                constraint["labelSelector"]["matchLabels"]["app.kubernetes.io/name"],
                object["metadata"]["labels"]["app.kubernetes.io/name"]
            );
        }
    }
    let none =
        objects(&planned(&with_spec(json!({"redis": {"managed": {"scheduling": {"topologySpreadConstraints": []}}}}))));
    let spread = |name: &str| {
        let set = none
            .iter()
            .find(|it| it["kind"] == "StatefulSet" && it["metadata"]["name"] == name)
            .and_then(pod)
            .expect("pods");
        set["topologySpreadConstraints"].clone()
    };
    assert_eq!(spread("demo-redis"), Value::Null);
    assert_eq!(spread("demo-postgres")[0]["topologyKey"], "kubernetes.io/hostname");
}

#[test]
fn resources_reach_the_containers_they_are_written_for() {
    let resources = json!({"resources": {"limits": {"memory": "777Mi"}}});
    let mut seen = 0;
    for object in objects(&planned(&with_spec(every_part(&resources)))) {
        let containers = pod(&object).map(containers).unwrap_or_default();
        // It is in the gateway's pods, and no part that is spoken of.
        for container in containers.iter().filter(|it| it["name"] != "gateway-exporter") {
            assert_eq!(container["resources"]["limits"]["memory"], "777Mi", "{}", object["metadata"]["name"]);
            seen += 1;
        }
    }
    assert_eq!(seen, 23, "seven servers, four migrations, two seeds, the backups and nine that watch");
    let cluster =
        planned(&with_spec(json!({"database": {"cloudNativePg": resources}}))).cluster.expect("a cluster").cluster;
    assert_eq!(cluster.spec.resources.limits.expect("limits")["memory"].0, "777Mi");
}

#[test]
fn every_container_has_requests_and_limits_and_servers_have_probes() {
    for object in all_objects() {
        let Some(pod) = pod(&object) else { continue };
        for container in containers(pod) {
            for kind in ["requests", "limits"] {
                for amount in ["cpu", "memory"] {
                    assert!(
                        container["resources"][kind][amount].is_string(),
                        "{} {kind} {amount}",
                        object["metadata"]["name"]
                    );
                }
            }
            if ends(&object) {
                continue;
            }
            // What watches the gateway is in its pods, and must not keep them from being ready.
            let says_when_it_is_ready = container["name"] != "gateway-exporter";
            for probe in ["startupProbe", "readinessProbe"] {
                let there = container[probe].is_object();
                assert_eq!(there, says_when_it_is_ready, "{} {probe}", object["metadata"]["name"]);
            }
            assert!(container["livenessProbe"].is_object(), "{}", object["metadata"]["name"]);
        }
    }
}

#[test]
fn no_password_is_outside_of_a_secret() {
    let chat = || TelegramFound::Chat { token: SecretText::new("1:password-of-bot"), chat: 1 };
    let plans = stores().into_iter().map(|store| planned_where(&store, |found| found.telegram = chat()));
    for object in plans.flat_map(|plan| objects(&plan)).filter(|object| object["kind"] != "Secret") {
        assert!(!object.to_string().contains("password-of-"), "{}", object["metadata"]["name"]);
    }
}

#[test]
fn every_name_fits() {
    for object in all_objects() {
        let name = object["metadata"]["name"].as_str().expect("a name");
        assert!(name.len() <= 63, "{name}");
        // A Job's pods carry its name as a label; a StatefulSet's a hash of ten digits behind its own, and a CronJob's Jobs the minute.
        if object["kind"] == "StatefulSet" || object["kind"] == "CronJob" {
            assert!(name.len() + 11 <= 63, "{name}");
        }
    }
}

#[test]
fn objects_are_distinct() {
    for store in stores() {
        let mut names: Vec<String> = objects(&planned(&store))
            .iter()
            .map(|object| format!("{} {}", object["kind"], object["metadata"]["name"]))
            .collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}

#[test]
fn another_password_rolls_its_user_and_migrates_again() {
    let shop = validate(&demo(), &images()).expect("a shop");
    let before = shopkeeper_plan::plan(&shop, &found()).expect("a plan");
    let mut other = found();
    other.credentials.database.cart = shopkeeper_plan::SecretText::new("password-of-another");
    let after = shopkeeper_plan::plan(&shop, &other).expect("a plan");
    assert_ne!(before.migrate.job.metadata.name, after.migrate.job.metadata.name);
    let changed: Vec<_> = before
        .services
        .iter()
        .zip(&after.services)
        .filter(|(before, after)| before.deployment != after.deployment)
        .map(|(before, _)| before.component.as_str())
        .collect();
    assert_eq!(changed, ["cart"]);
}

#[test]
fn what_slipped_past_the_api_server_is_refused_here() {
    let refuse = |spec| validate(&with_spec(spec), &images()).expect_err("a refusal");
    let both = json!({"managed": {}, "external": {"secretRef": {"name": "db"}}});
    assert_eq!(refuse(json!({"database": both})), InvalidStore::Database);
    assert_eq!(refuse(json!({"redis": {}})), InvalidStore::ManagedOrExternal("redis"));
    assert_eq!(
        refuse(json!({"services": {"order": {"lifecycle": {"processingAfter": "1h"}}}})),
        InvalidStore::Lifecycle
    );
    assert_eq!(refuse(json!({"services": {"user": {"accessTokenLifetime": "1s"}}})), InvalidStore::AccessTokenLifetime);
    assert_eq!(refuse(json!({"database": {"managed": {"backup": {"keep": 0}}}})), InvalidStore::KeepNone);
    let evil = "x; } server { listen 1";
    assert_eq!(refuse(json!({"gateway": {"host": evil}})), InvalidStore::Gateway(evil.into()));
    for (part, value) in [
        ("prometheus", json!({"scrapeInterval": "1ms"})),
        ("prometheus", json!({"enabled": false})),
        ("tracing", json!({"sampling": "2"})),
        ("alerts", json!({"availability": "1.0"})),
        ("alerts", json!({"labels": {"severity": "low"}})),
        ("alerts", json!({"labels": {"team": "{{ $labels.pod }}"}})),
        ("alerts", json!({"runbookUrl": "https://x\n- evil: yes"})),
        ("publicUrl", json!("https://shop.example.com/x")),
    ] {
        let refusal = refuse(json!({"monitoring": {part: value}}));
        assert!(matches!(refusal, InvalidStore::Monitoring { .. }), "{part} {value}: {refusal}");
    }
    let external = json!({"external": {"secretRef": {"name": "db"}}});
    let tool = json!({"tools": {"pgAdmin": {"enabled": true}}});
    let refusal = refuse(json!({"database": external, "monitoring": tool}));
    assert!(refusal.to_string().starts_with("spec.monitoring.tools.pgAdmin: "), "{refusal}");
    let tool = json!({"tools": {"redisCommander": {"enabled": true}}});
    let refusal = refuse(json!({"networkPolicies": false, "monitoring": tool})).to_string();
    assert!(refusal.starts_with("spec.monitoring.tools.redisCommander: "), "{refusal}");
    assert!(refusal.contains("write networkPolicies: true"), "{refusal}");
    let request = json!({"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}});
    assert!(matches!(refuse(json!({"services": {"cart": request}})), InvalidStore::Resources { .. }));
}
