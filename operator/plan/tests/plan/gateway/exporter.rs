//! The container that makes figures of the gateway's log.

use serde_json::{Value, json};
use shopkeeper_plan::Plan;

use super::nginx::Setup;
use crate::fixture::{self, planned, pod, with_spec};

fn containers(plan: &Plan) -> Vec<Value> {
    let deployment = serde_json::to_value(&plan.gateway.deployment).expect("JSON");
    pod(&deployment).map(fixture::containers).unwrap_or_default().to_vec()
}

fn configuration(plan: &Plan) -> String {
    plan.gateway.config.data.as_ref().expect("files")["nginx.conf"].clone()
}

#[test]
fn the_exporter_is_there_as_long_as_anybody_looks() {
    for (monitoring, there) in [
        (json!({}), true),
        (json!({"prometheus": {"enabled": false}, "grafana": {"enabled": false}}), true),
        (json!({"tracing": {"enabled": false}}), true),
        (
            json!({"prometheus": {"enabled": false}, "grafana": {"enabled": false}, "tracing": {"enabled": false}}),
            false,
        ),
        (json!({"enabled": false}), false),
    ] {
        let plan = planned(&with_spec(json!({"monitoring": monitoring})));
        assert_eq!(containers(&plan).len(), 1 + usize::from(there), "{monitoring}");
        assert_eq!(configuration(&plan).contains("syslog:"), there, "{monitoring}");
    }
}

#[test]
fn nginx_sends_its_log_to_where_the_exporter_listens() {
    let plan = planned(&with_spec(json!({"images": {"jaeger": "example.com/jaeger:2"}})));
    let containers = containers(&plan);
    let exporter = &containers[1];
    let value = |name: &str| {
        let env = exporter["env"].as_array().and_then(|all| all.iter().find(|it| it["name"] == name));
        env.map(|env| env["value"].as_str().unwrap_or_default().to_owned())
    };
    let address = value("LOG_ADDR").expect("an address");
    assert!(configuration(&plan).contains(&format!("access_log syslog:server={address},")), "{address}");
    assert_eq!(exporter["ports"][0]["containerPort"], 9091);
    assert_eq!(value("OTEL_EXPORTER_OTLP_ENDPOINT").as_deref(), Some("http://demo-jaeger:4317"));
    assert_eq!(value("OTEL_RESOURCE_ATTRIBUTES").as_deref(), Some("service.namespace=shop,shop=demo"));
    assert_eq!(exporter["securityContext"]["readOnlyRootFilesystem"], true);
    let untraced = planned(&with_spec(json!({"monitoring": {"tracing": {"enabled": false}}})));
    let untraced = self::containers(&untraced)[1].to_string();
    assert!(!untraced.contains("OTEL_"), "{untraced}");
}

#[test]
fn the_gateway_is_ready_without_its_figures() {
    let containers = containers(&planned(&with_spec(json!({}))));
    let exporter = &containers[1];
    assert_eq!(exporter["livenessProbe"]["httpGet"]["port"], "metrics");
    for probe in ["startupProbe", "readinessProbe"] {
        let why = "while it fails the container is not ready, so neither is the pod, and the shop has no endpoints";
        assert!(exporter[probe].is_null(), "{probe}: {why}");
        assert!(containers[0][probe].is_object(), "{probe} of nginx itself");
    }
}

#[test]
fn requests_are_served_whether_or_not_the_exporter_is_there() {
    // Nobody listens where the log goes to.
    let gateway = Setup::default().start();
    let configuration = std::fs::read_to_string(gateway.folder.path().join("nginx.conf")).expect("nginx.conf");
    assert!(configuration.contains("syslog:server="), "nothing would be sent:\n{configuration}");
    for _ in 0..50 {
        assert_eq!(gateway.get("/api/x").status, 200);
    }
}
