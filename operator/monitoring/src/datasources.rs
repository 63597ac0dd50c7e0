//! Where Grafana asks.

use serde_json::{Value, json};

/// Where the answers come from, as Grafana's pod reaches them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Prometheus, with its path, as `http://demo-prometheus:9090/prometheus`.
    pub prometheus: String,
    /// Jaeger's query, with its path, as `http://demo-jaeger:16686/jaeger`.
    pub jaeger: Option<String>,
    /// Alertmanager, with its path, as `http://demo-alertmanager:9093/alertmanager`.
    pub alertmanager: Option<String>,
}

/// Grafana's provisioning document of the data sources, with the uids `prometheus`, `jaeger` and `alertmanager`.
#[must_use]
pub fn datasources(addresses: &Addresses) -> Value {
    let mut all = vec![prometheus(addresses)];
    all.extend(addresses.jaeger.as_deref().map(jaeger));
    all.extend(addresses.alertmanager.as_deref().map(alertmanager));
    json!({"apiVersion": 1, "prune": true, "datasources": all})
}

fn prometheus(addresses: &Addresses) -> Value {
    let mut data = json!({"httpMethod": "POST", "prometheusType": "Prometheus", "timeInterval": "10s"});
    if addresses.jaeger.is_some() {
        // A dot of a latency panel that carries a trace id opens that trace.
        data["exemplarTraceIdDestinations"] = json!([{"name": "trace_id", "datasourceUid": "jaeger"}]);
    }
    if addresses.alertmanager.is_some() {
        data["alertmanagerUid"] = json!("alertmanager");
    }
    json!({
        "name": "Prometheus", "uid": "prometheus", "type": "prometheus", "access": "proxy", "isDefault": true, "editable": false,
        "url": addresses.prometheus, "jsonData": data,
    })
}

fn jaeger(url: &str) -> Value {
    // `$$` is how Grafana's provisioning writes a dollar that is not an environment variable.
    let requests = "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{$$__tags}[5m])))";
    let failures = "sum(rate(http_request_duration_seconds_count{$$__tags,status=~\"5..\"}[5m]))";
    json!({
        "name": "Jaeger", "uid": "jaeger", "type": "jaeger", "access": "proxy", "editable": false, "url": url,
        "jsonData": {
            "nodeGraph": {"enabled": true},
            "tracesToMetrics": {
                "datasourceUid": "prometheus",
                "spanStartTimeShift": "-5m", "spanEndTimeShift": "5m",
                "tags": [{"key": "service.name", "value": "job"}],
                "queries": [
                    {"name": "99th percentile of the service", "query": requests},
                    {"name": "Failures of the service", "query": failures},
                ],
            },
        },
    })
}

fn alertmanager(url: &str) -> Value {
    json!({
        "name": "Alertmanager", "uid": "alertmanager", "type": "alertmanager", "access": "proxy", "editable": false, "url": url,
        "jsonData": {"implementation": "prometheus", "handleGrafanaManagedAlerts": false},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses() -> Addresses {
        Addresses {
            prometheus: "http://demo-prometheus:9090/prometheus".into(),
            jaeger: Some("http://demo-jaeger:16686/jaeger".into()),
            alertmanager: Some("http://demo-alertmanager:9093/alertmanager".into()),
        }
    }

    #[test]
    fn the_dashboards_find_prometheus_and_dots_find_their_traces() {
        let document = datasources(&addresses());
        let uids: Vec<_> =
            document["datasources"].as_array().unwrap().iter().map(|source| source["uid"].as_str().unwrap()).collect();
        assert_eq!(uids, ["prometheus", "jaeger", "alertmanager"]);
        let prometheus = &document["datasources"][0];
        assert_eq!(prometheus["isDefault"], true);
        let traces = &prometheus["jsonData"]["exemplarTraceIdDestinations"][0];
        assert_eq!((&traces["name"], &traces["datasourceUid"]), (&json!("trace_id"), &json!("jaeger")));
        assert_eq!(document["datasources"][1]["jsonData"]["tracesToMetrics"]["datasourceUid"], "prometheus");
    }

    #[test]
    fn nothing_points_to_a_part_that_is_not_there() {
        let document = datasources(&Addresses { jaeger: None, alertmanager: None, ..addresses() });
        let text = document.to_string();
        assert_eq!(document["datasources"].as_array().unwrap().len(), 1);
        assert!(!text.contains("jaeger") && !text.contains("alertmanager"), "{text}");
    }
}
