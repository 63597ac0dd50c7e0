//! What watches a shop, and what its data is looked into with.

use serde_json::{Value, json};

use super::{accepted, change_accepted, change_refused, refused};

#[test]
fn monitoring_is_all_on_where_nothing_is_said_and_can_be_asked_for_in_full() {
    accepted(&json!({"monitoring": {}}));
    accepted(&json!({"monitoring": {"enabled": false}}));
    accepted(&json!({
        "monitoring": {
            "publicUrl": "http://localhost:8080",
            "prometheus": {"scrapeInterval": "30s", "retention": "72h", "storage": {"size": "10Gi"}, "resources": {"limits": {"memory": "1Gi"}}},
            "alertmanager": {
                "telegram": {"secretRef": {"name": "telegram"}, "apiUrl": "http://telegram.test:8080"},
                "watchdogUrl": "https://heartbeats.example.com/shop?id=1",
            },
            "grafana": {"dashboardLabels": {"example.com/dashboards": "shop"}},
            "tracing": {"maxTraces": 1000, "sampling": "0.1"},
            "alerts": {
                "latencyP99": "1s", "latencyP95": "300ms", "errorRatio": "0.01", "availability": "0.995",
                "minRequestsPerSecond": "1", "maxRequestsPerSecond": "2000.5", "hitRatio": "0.8", "staleness": "1m",
                "outboxLag": "1m", "backupAge": "50h", "certificateLeft": "72h", "windows": "Demo",
                "runbookUrl": "https://wiki.example.com/runbooks", "labels": {"team": "shop"},
            },
            "tools": {"pgAdmin": {"enabled": true}, "redisCommander": {"enabled": true}},
        },
        "loadTest": {"enabled": true, "users": 200, "spawnRate": 20, "shape": "FlashSale", "runTime": "10m"},
    }));
}

#[test]
fn what_contradicts_itself_in_the_monitoring_is_refused_with_what_to_write() {
    let monitoring = |part: &str, value: Value| json!({"monitoring": {part: value}});
    for (part, value, sentence) in [
        ("publicUrl", json!("shop.example.com"), "write scheme, host and perhaps port"),
        ("publicUrl", json!("https://shop.example.com/"), "without a path"),
        ("prometheus", json!({"scrapeInterval": "1ms"}), "every 1s to 2m"),
        ("prometheus", json!({"scrapeInterval": "5m"}), "every 1s to 2m"),
        ("prometheus", json!({"retention": "1m"}), "from 1h to 8760h"),
        ("prometheus", json!({"url": "prometheus:9090"}), "write the address of a Prometheus"),
        ("prometheus", json!({"enabled": false}), "Grafana has nothing to show"),
        ("alertmanager", json!({"watchdogUrl": "heartbeats"}), "write an address"),
        ("grafana", json!({"dashboardLabels": {"app.kubernetes.io/name": "x"}}), "the operator's and Kubernetes' own"),
        ("tracing", json!({"sampling": "2"}), "write a share between 0 and 1"),
        ("alerts", json!({"errorRatio": "1%"}), "write a share between 0 and 1"),
        ("alerts", json!({"availability": "1.0"}), "write a share less than 1"),
        ("alerts", json!({"maxRequestsPerSecond": "many"}), "write a number of requests a second"),
        ("alerts", json!({"minRequestsPerSecond": "900"}), "must be less than maxRequestsPerSecond"),
        ("alerts", json!({"latencyP95": "2s"}), "latencyP95 must not be longer than latencyP99"),
        ("alerts", json!({"staleness": "0s"}), "write more than nothing"),
        ("alerts", json!({"runbookUrl": "runbooks"}), "write an address"),
        ("alerts", json!({"labels": {"severity": "low"}}), "the alerts set"),
        ("alerts", json!({"labels": {"my-team": "shop"}}), "letters, digits and underscores"),
        ("alerts", json!({"labels": {"team": "{{ $labels.pod }}"}}), "write values without it"),
    ] {
        refused(&monitoring(part, value), sentence);
    }
    let telegram = json!({"telegram": {"secretRef": {"name": "telegram"}, "apiUrl": "https://api.telegram.org/bot"}});
    refused(&monitoring("alertmanager", telegram), "without a path");
    accepted(&json!({"monitoring": {"prometheus": {"enabled": false}, "grafana": {"enabled": false}}}));
    accepted(&json!({"monitoring": {"prometheus": {"enabled": false, "url": "http://prometheus.monitoring:9090"}}}));
    accepted(&monitoring("alerts", json!({"minRequestsPerSecond": "900", "maxRequestsPerSecond": "0"})));
    refused(&json!({"loadTest": {"runTime": "1ms"}}), "a load test lasts at least 1s");
}

#[test]
fn the_volume_of_the_figures_stays_what_it_is_or_grows() {
    let with = |storage: Value| json!({"monitoring": {"prometheus": {"storage": storage}}});
    let (small, large) = (with(json!({"size": "2Gi"})), with(json!({"size": "10Gi", "storageClassName": "fast"})));
    change_refused(&with(json!({"size": "10Gi"})), &small, "the volume of the figures cannot shrink");
    change_refused(&small, &large, "the storage class of the volume of the figures cannot change");
    change_accepted(&small, &with(json!({"size": "3Gi"})));
    change_accepted(&large, &json!({"monitoring": {}}));
    change_accepted(&json!({"monitoring": {}}), &large);
}

#[test]
fn tools_are_for_what_is_run_for_the_store() {
    let external = json!({"external": {"secretRef": {"name": "mine"}}});
    let with = |tool: &str| json!({"tools": {tool: {"enabled": true}}});
    refused(&json!({"database": external, "monitoring": with("pgAdmin")}), "leave monitoring.tools.pgAdmin out");
    refused(
        &json!({"redis": external, "monitoring": with("redisCommander")}),
        "leave monitoring.tools.redisCommander out",
    );
    accepted(&json!({"database": {"cloudNativePg": {}}, "monitoring": with("pgAdmin")}));
    refused(&json!({"networkPolicies": false, "monitoring": with("redisCommander")}), "write networkPolicies: true");
    accepted(&json!({"networkPolicies": false, "monitoring": with("pgAdmin")}));
    let off = json!({"tools": {"redisCommander": {"enabled": false}}});
    accepted(&json!({"networkPolicies": false, "monitoring": off}));
    accepted(&json!({"redis": external, "monitoring": with("pgAdmin")}));
}
