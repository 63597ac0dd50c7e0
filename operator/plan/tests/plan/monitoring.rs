//! What is made to watch a shop, and what of it is left out.

use serde_json::{Value, json};
use shopkeeper_api::{Storage, Store};
use shopkeeper_plan::{Component, Found, MonitoringParts, Plan, SecretText, TelegramFound, validate};

use crate::fixture::{demo, found, images, objects, planned, planned_where, with_spec};

fn parts(plan: &Plan) -> Vec<Component> {
    plan.monitoring.parts.iter().map(|part| part.component).collect()
}

fn reasons(parts: &MonitoringParts) -> Vec<&'static str> {
    parts.left_out.iter().map(|it| it.reason).collect()
}

fn yaml(text: &str) -> Value {
    serde_yaml_ng::from_str(text).expect("YAML")
}

/// A file of a part's settings.
fn file(plan: &Plan, component: Component, name: &str) -> String {
    let part = plan.monitoring.parts.iter().find(|part| part.component == component).expect("the part");
    let setting = part.config.as_ref().and_then(|config| config.data.as_ref()?.get(name).cloned());
    let secret = || {
        let data = part.secret.as_ref()?.data.as_ref()?;
        String::from_utf8(data.get(name)?.0.clone()).ok()
    };
    setting.or_else(secret).expect("the file")
}

fn chat(found: &mut Found) {
    found.telegram = TelegramFound::Chat { token: SecretText::new("1:password-of-bot"), chat: -100_123 };
}

fn with_telegram() -> Value {
    json!({"monitoring": {"alertmanager": {"telegram": {"secretRef": {"name": "telegram"}}}}})
}

#[test]
fn a_store_that_says_nothing_is_watched_by_all_but_the_tools() {
    use Component::{Alertmanager, Grafana, Jaeger, PostgresExporter, Prometheus, RedisExporter};
    let plan = planned(&with_spec(json!({})));
    assert_eq!(parts(&plan), [Prometheus, Alertmanager, Grafana, Jaeger, RedisExporter, PostgresExporter]);
    assert!(plan.monitoring.left_out.is_empty());
    assert_eq!(plan.monitoring.scraped.len(), 5, "the services and the gateway");
    assert!(plan.monitoring.service_monitor.is_none() && plan.monitoring.prometheus_rule.is_none());
}

#[test]
fn what_is_turned_off_leaves_nothing() {
    let off = planned(&with_spec(json!({"monitoring": {"enabled": false}})));
    let MonitoringParts {
        parts,
        network_policies,
        scraped,
        dashboards,
        service_monitor,
        operator_monitor,
        prometheus_rule,
        left_out,
    } = &off.monitoring;
    assert!(parts.is_empty() && network_policies.is_empty() && scraped.is_empty() && dashboards.is_none());
    assert!(left_out.is_empty());
    assert!(service_monitor.is_none() && operator_monitor.is_none() && prometheus_rule.is_none());
    let text = serde_json::to_string(&objects(&off)).expect("JSON");
    assert!(!text.contains("OTEL_") && !text.contains("gateway-exporter"), "no traces and no figures of the gateway");
    let only_traces = json!({"monitoring": {
        "prometheus": {"enabled": false}, "grafana": {"enabled": false}, "alertmanager": {"enabled": false}}});
    let plan = planned(&with_spec(only_traces));
    assert_eq!(self::parts(&plan), [Component::Jaeger]);
    let jaeger = yaml(&file(&plan, Component::Jaeger, "config.yaml"));
    assert!(jaeger["connectors"].is_null(), "nobody would collect figures of traces");
}

#[test]
fn an_image_that_cannot_be_had_is_told_and_all_else_is_made() {
    let mut without = images();
    without.monitoring.grafana = String::new();
    without.monitoring.jaeger = String::new();
    let shop = validate(&with_spec(json!({})), &without).expect("a shop");
    let plan = shopkeeper_plan::plan(&shop, &found()).expect("a plan");
    assert!(!parts(&plan).contains(&Component::Grafana) && parts(&plan).contains(&Component::Prometheus));
    assert_eq!(reasons(&plan.monitoring), ["ImageMissing", "ImageMissing"]);
    assert!(plan.monitoring.left_out[0].message.starts_with("grafana is left out"), "{:?}", plan.monitoring.left_out);
    assert!(plan.monitoring.dashboards.is_some(), "for a Grafana that is there");
    let text = serde_json::to_string(&objects(&plan)).expect("JSON");
    assert!(!text.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "nobody would take traces in");
    let named = with_spec(json!({"images": {"grafana": "example.com/grafana:1"}}));
    let shop = validate(&named, &without).expect("a shop");
    let plan = shopkeeper_plan::plan(&shop, &found()).expect("a plan");
    assert!(parts(&plan).contains(&Component::Grafana), "the Store has one of its own");
}

#[test]
fn with_the_prometheus_operator_its_prometheus_is_told_and_no_other_is_made() {
    let plan = planned_where(&demo(), |found| found.prometheus_operator = true);
    assert!(!parts(&plan).contains(&Component::Prometheus) && !parts(&plan).contains(&Component::Grafana));
    assert!(parts(&plan).contains(&Component::Alertmanager), "it stays as asked");
    assert_eq!(reasons(&plan.monitoring), ["PrometheusElsewhere"]);
    let monitor = plan.monitoring.service_monitor.as_ref().expect("a ServiceMonitor");
    let rule = plan.monitoring.prometheus_rule.as_ref().expect("a PrometheusRule");
    assert!(!rule.spec.groups.is_empty());
    let selector = &monitor.spec.selector;
    assert_eq!(selector["matchExpressions"][0]["key"], "shopkeeper.dev/job");
    // Every port of figures is one that a selected Service has.
    let services: Vec<Value> = objects(&plan)
        .into_iter()
        .filter(|it| it["kind"] == "Service" && it["metadata"]["labels"]["shopkeeper.dev/job"].is_string())
        .collect();
    let ports = |service: &Value| service["spec"]["ports"].as_array().cloned().unwrap_or_default();
    let asked: Vec<&Value> = monitor.spec.endpoints.iter().map(|endpoint| &endpoint["port"]).collect();
    for service in &services {
        let has = ports(service).iter().any(|port| asked.contains(&&port["name"]));
        assert!(has, "{} has no port that is asked", service["metadata"]["name"]);
    }
    assert!(services.len() > 8, "{}", services.len());

    let named = with_spec(json!({"monitoring": {"prometheus": {"url": "http://prometheus-operated.monitoring:9090"}}}));
    let plan = planned_where(&named, |found| found.prometheus_operator = true);
    assert!(parts(&plan).contains(&Component::Grafana) && plan.monitoring.left_out.is_empty());
    let sources = file(&plan, Component::Grafana, "datasources.yaml");
    assert!(sources.contains("http://prometheus-operated.monitoring:9090"), "{sources}");
}

#[test]
fn the_prometheus_that_is_there_is_told_of_the_operator_too() {
    let plan = planned_where(&demo(), |found| found.prometheus_operator = true);
    let monitor = plan.monitoring.operator_monitor.as_ref().expect("a ServiceMonitor");
    assert_eq!(monitor.metadata.name.as_deref(), Some("demo-operator"));
    assert_eq!(monitor.spec.namespace_selector, Some(json!({"matchNames": ["shopkeeper-system"]})));
    assert_eq!(monitor.spec.selector, json!({"matchLabels": {"shopkeeper.dev/job": "operator"}}));
    let endpoint = &monitor.spec.endpoints[0];
    assert_eq!((&endpoint["port"], &endpoint["path"]), (&json!("metrics"), &json!("/metrics")));
    assert_eq!(endpoint["relabelings"][0]["regex"], "shopkeeper-pods", "and not another operator beside it");
    assert_eq!(endpoint["params"], json!({"namespace": ["shop"], "store": ["demo"]}));
    assert_eq!(endpoint["metricRelabelings"][0]["regex"], "shop;demo");
    assert_eq!(plan.monitoring.service_monitor.as_ref().and_then(|it| it.spec.namespace_selector.as_ref()), None);
}

#[test]
fn nobody_is_told_that_the_operator_is_gone_where_nobody_looks_for_it() {
    for prometheus_operator in [false, true] {
        let rules = |operator_metrics: Option<&str>| {
            let plan = planned_where(&demo(), |found| {
                found.prometheus_operator = prometheus_operator;
                found.operator_metrics = operator_metrics.map(ToOwned::to_owned);
            });
            assert_eq!(plan.monitoring.operator_monitor.is_some(), prometheus_operator && operator_metrics.is_some());
            plan.monitoring.prometheus_rule.as_ref().map_or_else(
                || file(&plan, Component::Prometheus, "rules.yml"),
                |rule| serde_json::to_string(&rule.spec).expect("JSON"),
            )
        };
        let (seen, unseen) = (rules(Some("shopkeeper-pods.shopkeeper-system.svc:9090")), rules(None));
        assert!(seen.contains("OperatorDown") && seen.contains("RedisDown"), "{seen}");
        assert!(!unseen.contains("alerts-operator") && !unseen.contains("OperatorDown"), "{unseen}");
        assert!(unseen.contains("RedisDown"), "{unseen}");
    }
}

#[test]
fn an_alertmanager_that_hears_of_no_alert_is_told() {
    let with = |more: Value| {
        let alertmanager =
            json!({"telegram": {"secretRef": {"name": "telegram"}}, "watchdogUrl": "https://example.com/beat"});
        let mut monitoring = json!({"alertmanager": alertmanager, "grafana": {"enabled": false}});
        monitoring.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
        with_spec(json!({"monitoring": monitoring}))
    };
    let left_out = |store: Store, prometheus_operator| {
        let plan = planned_where(&store, |found| {
            chat(found);
            found.prometheus_operator = prometheus_operator;
        });
        plan.monitoring.left_out
    };
    let off = json!({"prometheus": {"enabled": false}});
    for (more, prometheus_operator) in [(json!({}), true), (off.clone(), false), (off, true)] {
        let told = left_out(with(more), prometheus_operator);
        assert_eq!(told.iter().map(|it| it.reason).collect::<Vec<_>>(), ["PrometheusElsewhere"]);
        let said = &told[0].message;
        assert!(said.contains("(telegram, watchdogUrl)") && said.contains("leave it out here"), "{said}");
    }
    assert!(left_out(with(json!({})), false).is_empty(), "the shop's own Prometheus tells it");
    let silent = with(json!({"alertmanager": {}}));
    assert!(left_out(silent, true).is_empty(), "it is asked to tell nobody");
    let none = with(json!({"alertmanager": {"enabled": false, "watchdogUrl": "https://example.com/beat"}}));
    assert!(left_out(none, true).is_empty(), "there is none");
}

#[test]
fn a_pod_of_prometheus_that_does_not_get_ready_can_be_replaced() {
    let all = objects(&planned(&demo()));
    let prometheus = all.iter().find(|it| it["kind"] == "StatefulSet" && it["metadata"]["name"] == "demo-prometheus");
    assert_eq!(prometheus.expect("Prometheus")["spec"]["podManagementPolicy"], "Parallel");
}

#[test]
fn figures_outlive_the_pod_in_a_volume_where_one_is_asked_for_and_go_with_the_store() {
    let spec =
        |prometheus: Value| with_spec(json!({"dataRetention": "Retain", "monitoring": {"prometheus": prometheus}}));
    let of_prometheus = |prometheus: Value, kind: &str| {
        let mut all = objects(&planned(&spec(prometheus))).into_iter();
        all.find(|it| it["kind"] == kind && it["metadata"]["name"] == "demo-prometheus")
    };
    let args = |server: &Value| server["spec"]["template"]["spec"]["containers"][0]["args"].to_string();

    assert!(of_prometheus(json!({}), "PersistentVolumeClaim").is_none());
    let passing = of_prometheus(json!({}), "StatefulSet").expect("a server");
    assert_eq!(passing["spec"]["template"]["spec"]["volumes"][1]["emptyDir"]["sizeLimit"], "1Gi");
    assert!(args(&passing).contains("--storage.tsdb.retention.size=600MB"), "{}", args(&passing));

    let asked = json!({"storage": {"size": "10Gi", "storageClassName": "fast"}});
    let volume = of_prometheus(asked.clone(), "PersistentVolumeClaim").expect("a volume");
    assert_eq!(volume["spec"]["resources"]["requests"]["storage"], "10Gi");
    assert_eq!(volume["spec"]["storageClassName"], "fast");
    assert_eq!(volume["metadata"]["ownerReferences"][0]["kind"], "Store");
    let lasting = of_prometheus(asked.clone(), "StatefulSet").expect("a server");
    let data = &lasting["spec"]["template"]["spec"]["volumes"][1];
    assert_eq!(data["persistentVolumeClaim"]["claimName"], "demo-prometheus");
    assert!(args(&lasting).contains("--storage.tsdb.retention.size=8589934592B"), "{}", args(&lasting));
}

#[test]
fn figures_take_no_more_than_the_volume_that_is_there_and_it_is_never_asked_to_shrink() {
    let planned_with = |asked: &str, there: &str| {
        let spec = json!({"monitoring": {"prometheus": {"storage": {"size": asked}}}});
        let there = json!({"size": there, "storageClassName": "fast"});
        let there: Storage = serde_json::from_value(there).expect("a volume");
        let all = objects(&planned_where(&with_spec(spec), |found| found.figures_volume = Some(there.clone())));
        ["PersistentVolumeClaim", "StatefulSet"].map(|kind| {
            let found = all.iter().find(|it| it["kind"] == kind && it["metadata"]["name"] == "demo-prometheus");
            found.expect(kind)["spec"].clone()
        })
    };
    for (asked, there, claimed, used) in [
        ("10Gi", "5Gi", "10Gi", "4294967296B"),
        ("2Gi", "5Gi", "5Gi", "4294967296B"),
        ("5Gi", "5Gi", "5Gi", "4294967296B"),
    ] {
        let [volume, server] = planned_with(asked, there);
        assert_eq!(volume["resources"]["requests"]["storage"], claimed);
        assert_eq!(volume["storageClassName"], "fast");
        let args = server["template"]["spec"]["containers"][0]["args"].to_string();
        assert!(args.contains(&format!("--storage.tsdb.retention.size={used}")), "{args}");
    }
}

#[test]
fn every_service_of_figures_says_of_which_job_they_are() {
    let plan = planned(&with_spec(json!({"loadTest": {"enabled": true}})));
    let job = |component: Component| {
        let part = plan.monitoring.parts.iter().find(|part| part.component == component).expect("the part");
        part.service.metadata.labels.as_ref().and_then(|labels| labels.get("shopkeeper.dev/job").cloned())
    };
    for (component, expected) in [
        (Component::Alertmanager, Some("alertmanager")),
        (Component::Jaeger, Some("jaeger")),
        (Component::RedisExporter, Some("redis")),
        (Component::PostgresExporter, Some("postgres")),
        (Component::Locust, Some("locust")),
        (Component::Grafana, None),
    ] {
        assert_eq!(job(component).as_deref(), expected, "{component}");
    }
}

#[test]
fn prometheus_collects_all_there_is_under_the_labels_of_the_shop() {
    let everything =
        with_spec(json!({"loadTest": {"enabled": true}, "monitoring": {"prometheus": {"scrapeInterval": "5s"}}}));
    let config = yaml(&file(&planned(&everything), Component::Prometheus, "prometheus.yml"));
    assert_eq!(config["global"]["scrape_interval"], "5s");
    let jobs = config["scrape_configs"].as_array().expect("jobs");
    let names: Vec<&str> = jobs.iter().filter_map(|job| job["job_name"].as_str()).collect();
    let expected = [
        "catalog",
        "cart",
        "order",
        "user",
        "gateway",
        "redis",
        "postgres",
        "jaeger",
        "alertmanager",
        "locust",
        "prometheus",
        "operator",
    ];
    assert_eq!(names, expected);
    for job in jobs {
        let replaced: Vec<_> = job["relabel_configs"]
            .as_array()
            .expect("labels")
            .iter()
            .map(|it| (it["target_label"].as_str().expect("a label"), it["replacement"].as_str().expect("a value")))
            .collect();
        assert_eq!(replaced, [("namespace", "shop"), ("store", "demo")], "{}", job["job_name"]);
    }
    assert_eq!(jobs[0]["dns_sd_configs"][0]["names"], json!(["demo-catalog-pods"]));
    assert_eq!(jobs[4]["dns_sd_configs"][0]["port"], 9091);
    assert_eq!(jobs[7]["static_configs"][0]["targets"], json!(["demo-jaeger:8888", "demo-jaeger:8889"]));
    assert_eq!(jobs[11]["honor_labels"], true);
    let without = planned_where(&demo(), |found| found.operator_metrics = None);
    assert!(!file(&without, Component::Prometheus, "prometheus.yml").contains("operator"));
}

#[test]
fn alerts_go_to_telegram_when_its_secret_is_there_and_nowhere_otherwise() {
    let store = with_spec(with_telegram());
    let config = |change: fn(&mut Found)| {
        let plan = planned_where(&store, change);
        (yaml(&file(&plan, Component::Alertmanager, "alertmanager.yml")), plan)
    };
    let (told, plan) = config(chat);
    assert_eq!((&told["route"]["receiver"], told["receivers"].as_array().map(Vec::len)), (&json!("telegram"), Some(2)));
    let telegram = &told["receivers"][1]["telegram_configs"][0];
    assert_eq!(telegram["chat_id"], -100_123);
    assert_eq!((&telegram["parse_mode"], &telegram["send_resolved"]), (&json!("HTML"), &json!(true)));
    assert!(plan.monitoring.left_out.is_empty());
    assert_eq!(told["route"]["routes"][0]["receiver"], "nobody", "the watchdog");
    let (silent, plan) =
        config(|found| found.telegram = TelegramFound::Unusable("Secret telegram is not there".into()));
    assert_eq!(
        (&silent["route"]["receiver"], silent["receivers"].as_array().map(Vec::len)),
        (&json!("nobody"), Some(1))
    );
    assert_eq!(reasons(&plan.monitoring), ["SecretMissing"]);
    assert!(plan.monitoring.left_out[0].message.contains("Secret telegram is not there"));
    let (_, plan) = config(|_| {});
    assert!(plan.monitoring.left_out.is_empty(), "nobody is asked for");
}

#[test]
fn another_token_rolls_alertmanager_and_nothing_else() {
    let store = with_spec(with_telegram());
    let templates = |token: &str| {
        let change = |found: &mut Found| {
            found.telegram = TelegramFound::Chat { token: SecretText::new(token), chat: 1 };
        };
        let all = objects(&planned_where(&store, change)).into_iter();
        let with_pods = all.filter(|it| it["spec"]["template"].is_object());
        with_pods.map(|it| (it["metadata"]["name"].clone(), it["spec"]["template"].clone())).collect::<Vec<_>>()
    };
    let changed: Vec<_> =
        templates("1:a").into_iter().zip(templates("1:b")).filter(|(a, b)| a != b).map(|(it, _)| it.0).collect();
    assert_eq!(changed, [json!("demo-alertmanager")]);
}

#[test]
fn the_watchdog_goes_where_it_is_asked_to_go() {
    let asked = json!({"monitoring": {"alertmanager": {"watchdogUrl": "https://heartbeats.example.com/shop"}}});
    let plan = planned(&with_spec(asked));
    let config = yaml(&file(&plan, Component::Alertmanager, "alertmanager.yml"));
    assert_eq!(config["route"]["receiver"], "nobody");
    assert_eq!(config["route"]["routes"][0]["receiver"], "watchdog");
    assert_eq!(config["receivers"][1]["webhook_configs"][0]["url"], "https://heartbeats.example.com/shop");
}

#[test]
fn the_thresholds_of_the_store_are_in_the_rules() {
    let rules = |alerts: Value| {
        let plan = planned(&with_spec(json!({"monitoring": {"alerts": alerts, "publicUrl": "http://localhost:8080"}})));
        file(&plan, Component::Prometheus, "rules.yml")
    };
    let (usual, other) = (rules(json!({})), rules(json!({"latencyP99": "1234ms", "labels": {"team": "shop"}})));
    assert!(!usual.contains("1.234") && other.contains("1.234"), "the threshold");
    assert!(!usual.contains("team: shop") && other.contains("team: shop"), "the label");
    assert!(usual.contains("http://localhost:8080/grafana/d"), "links lead to where people reach the gateway");
    assert_ne!(usual, rules(json!({"windows": "Demo"})));
}

#[test]
fn jaeger_has_room_for_as_many_traces_as_are_asked_for() {
    let limit = |traces: u32| {
        let plan = planned(&with_spec(json!({"monitoring": {"tracing": {"maxTraces": traces}}})));
        let config = yaml(&file(&plan, Component::Jaeger, "config.yaml"));
        assert_eq!(config["extensions"]["jaeger_storage"]["backends"]["memory"]["memory"]["max_traces"], traces);
        let all = objects(&plan);
        let jaeger = all.iter().find(|it| it["kind"] == "Deployment" && it["metadata"]["name"] == "demo-jaeger");
        let container = &jaeger.expect("Jaeger")["spec"]["template"]["spec"]["containers"][0];
        container["resources"]["limits"]["memory"].clone()
    };
    assert_eq!((limit(50_000), limit(1000)), (json!("1073Mi"), json!("116Mi")));
}

#[test]
fn services_are_told_where_traces_go_and_how_many_are_asked_for() {
    let asked = json!({"monitoring": {"tracing": {"sampling": "0.25"}}});
    let plan = planned(&with_spec(asked));
    let env = |name: &str| {
        let spec = plan.services[0].deployment.spec.clone().expect("a spec").template.spec.expect("pods");
        spec.containers[0].env.iter().flatten().find(|it| it.name == name).and_then(|it| it.value.clone())
    };
    assert_eq!(env("OTEL_EXPORTER_OTLP_ENDPOINT").as_deref(), Some("http://demo-jaeger:4317"));
    assert_eq!(env("OTEL_RESOURCE_ATTRIBUTES").as_deref(), Some("service.namespace=shop,shop=demo"));
    assert_eq!(env("OTEL_TRACES_SAMPLER_ARG").as_deref(), Some("0.25"));
}

#[test]
fn the_role_that_reads_figures_may_read_nothing_else() {
    let plan = planned(&demo());
    let all = objects(&plan);
    let exporter =
        all.iter().find(|it| it["kind"] == "Deployment" && it["metadata"]["name"] == "demo-postgres-exporter");
    let pod = &exporter.expect("the exporter")["spec"]["template"]["spec"];
    let script = pod["initContainers"][0]["command"].to_string();
    assert!(script.contains("GRANT pg_monitor TO monitor") && script.contains("NOSUPERUSER"), "{script}");
    let own = pod["containers"][0]["env"].to_string();
    assert!(own.contains("\"key\":\"monitor\"") && !own.contains("\"key\":\"admin\""), "{own}");
}

#[test]
fn an_external_database_and_redis_are_left_alone() {
    let external = json!({"external": {"secretRef": {"name": "mine"}}});
    let plan = planned(&with_spec(json!({"database": external, "redis": external})));
    let made = parts(&plan);
    assert!(!made.contains(&Component::PostgresExporter) && !made.contains(&Component::RedisExporter), "{made:?}");
    assert!(plan.monitoring.left_out.is_empty());
}

#[test]
fn locust_has_all_its_scripts_and_what_the_store_asks_for() {
    let asked = json!({"loadTest": {"enabled": true, "users": 7, "spawnRate": 2, "shape": "HotKey", "runTime": "90s"}});
    let plan = planned(&with_spec(asked));
    assert!(file(&plan, Component::Locust, "locustfile.py").contains("import"));
    let all = objects(&plan);
    let locust = all.iter().find(|it| it["kind"] == "Deployment" && it["metadata"]["name"] == "demo-locust");
    let container = &locust.expect("Locust")["spec"]["template"]["spec"]["containers"][0];
    let args: Vec<&str> = container["args"].as_array().expect("args").iter().filter_map(Value::as_str).collect();
    for arg in
        ["--host=http://demo-gateway:8080", "--users=7", "--spawn-rate=2", "--run-time=90s", "--web-base-path=/locust"]
    {
        assert!(args.contains(&arg), "{arg} is not among {args:?}");
    }
    assert!(container["env"].to_string().contains("HotKey"));
    let rate = json!({"name": "LEVEL_RATE", "value": "0"});
    assert!(container["env"].as_array().expect("env").contains(&rate), "a run of the page promises no rate");
}

#[test]
fn the_documents_that_programs_read() {
    let plan = planned_where(&with_spec(with_telegram()), chat);
    insta::assert_snapshot!("prometheus.yml", file(&plan, Component::Prometheus, "prometheus.yml"));
    insta::assert_snapshot!("alertmanager.yml", file(&plan, Component::Alertmanager, "alertmanager.yml"));
    insta::assert_snapshot!("jaeger.yaml", file(&plan, Component::Jaeger, "config.yaml"));
}
