//! Which connections a shop's policies let through, worked out as a network would.

use k8s_openapi::api::networking::v1::NetworkPolicy;
use serde_json::{Value, json};
use shopkeeper_plan::{SecretText, TelegramFound};

use crate::fixture::{objects, planned, planned_where, with_spec};

/// One end of a connection.
#[derive(Clone, Copy, Debug)]
enum End {
    /// A pod of a part of the shop.
    Part(&'static str),
    /// A pod of another shop in the same namespace.
    OtherShop(&'static str),
    /// A pod in a namespace with this label.
    Elsewhere(&'static str, &'static str),
    /// Something outside of the cluster.
    Outside,
}

impl End {
    fn labels(self) -> Option<Value> {
        let of = |part: &str, shop: &str| json!({"app.kubernetes.io/name": part, "app.kubernetes.io/instance": shop, "app.kubernetes.io/managed-by": "shopkeeper"});
        match self {
            Self::Part(part) => Some(of(part, "demo")),
            Self::OtherShop(part) => Some(of(part, "other")),
            Self::Elsewhere(..) | Self::Outside => None,
        }
    }

    fn is_selected(self, selector: &Value) -> bool {
        let Some(labels) = self.labels() else { return false };
        has_all(&labels, selector)
    }

    fn is_peer(self, peer: &Value) -> bool {
        match self {
            Self::Elsewhere(key, value) => {
                peer["podSelector"].is_null() && has_all(&json!({key: value}), &peer["namespaceSelector"])
            }
            _ => peer["namespaceSelector"].is_null() && self.is_selected(&peer["podSelector"]),
        }
    }
}

fn has_all(labels: &Value, selector: &Value) -> bool {
    let wanted = selector["matchLabels"].as_object();
    wanted.is_some_and(|wanted| wanted.iter().all(|(key, value)| labels[key] == *value))
}

/// Whether the policies let a connection through: both ends must.
fn is_open(policies: &[Value], from: End, to: End, port: u16) -> bool {
    lets(policies, ("egress", "to"), (from, to), port) && lets_in(policies, from, to, port)
}

fn lets_in(policies: &[Value], from: End, to: End, port: u16) -> bool {
    lets(policies, ("ingress", "from"), (to, from), port)
}

/// Whether an end lets a connection with another one through.
fn lets(policies: &[Value], (direction, side): (&str, &str), (own, other): (End, End), port: u16) -> bool {
    let mine: Vec<_> = policies.iter().filter(|it| own.is_selected(&it["spec"]["podSelector"])).collect();
    let rules = mine.iter().flat_map(|it| it["spec"][direction].as_array().into_iter().flatten());
    let allows = |rule: &Value| {
        let known = rule[side].as_array().is_none_or(|peers| peers.iter().any(|peer| other.is_peer(peer)));
        known && rule["ports"].as_array().is_some_and(|ports| ports.iter().any(|it| it["port"] == port))
    };
    mine.is_empty() || rules.into_iter().any(allows)
}

fn policies(spec: Value) -> Vec<Value> {
    let objects = objects(&planned(&with_spec(spec)));
    objects.into_iter().filter(|object| object["kind"] == "NetworkPolicy").collect()
}

use End::{Elsewhere, OtherShop, Outside, Part};

const OPERATOR: End = Elsewhere("kubernetes.io/metadata.name", "shopkeeper-system");
const SCRAPER: End = Elsewhere("shopkeeper.dev/scrapes", "true");
const STRANGER: End = Elsewhere("kubernetes.io/metadata.name", "default");

#[test]
fn every_way_that_is_needed_is_open() {
    let policies = policies(json!({"demo": {"products": 1}}));
    let ways = [
        (Outside, Part("gateway"), 8080),
        (STRANGER, Part("gateway"), 8080),
        (Part("gateway"), Part("catalog"), 8000),
        (Part("gateway"), Part("cart"), 8001),
        (Part("gateway"), Part("order"), 8002),
        (Part("gateway"), Part("user"), 8003),
        (Part("catalog"), Part("user"), 8003),
        (Part("cart"), Part("catalog"), 8000),
        (Part("cart"), Part("order"), 8002),
        (Part("cart"), Part("user"), 8003),
        (Part("order"), Part("catalog"), 8000),
        (Part("order"), Part("user"), 8003),
        (Part("user"), Part("cart"), 8001),
        (Part("user"), Part("order"), 8002),
        (Part("migrate"), Part("postgres"), 5432),
        (Part("seed"), Part("postgres"), 5432),
        (OPERATOR, Part("gateway"), 9090),
    ];
    for (from, to, port) in ways {
        assert!(is_open(&policies, from, to, port), "{from:?} -> {to:?}:{port}");
    }
    for service in ["catalog", "cart", "order", "user"] {
        for (from, to, port) in [
            (Part(service), Part("postgres"), 5432),
            (Part(service), Part("redis"), 6379),
            (Part(service), Outside, 53),
            (OPERATOR, Part(service), 9090),
            (SCRAPER, Part(service), 9090),
        ] {
            assert!(is_open(&policies, from, to, port), "{from:?} -> {to:?}:{port}");
        }
        assert!(lets_in(&policies, Part("prometheus"), Part(service), 9090), "the shop's own monitoring");
    }
}

#[test]
fn every_other_way_is_closed() {
    let policies = policies(json!({"demo": {"products": 1}}));
    let ways = [
        (Part("gateway"), Part("postgres"), 5432),
        (Part("gateway"), Part("redis"), 6379),
        (Part("gateway"), Outside, 443),
        (Part("migrate"), Part("redis"), 6379),
        (Part("migrate"), Part("catalog"), 8000),
        (Part("catalog"), Part("cart"), 8001),
        (Part("user"), Part("catalog"), 8000),
        (Part("catalog"), Part("postgres"), 9090),
        (Part("catalog"), Outside, 443),
        (Part("postgres"), Part("catalog"), 8000),
        (Part("postgres"), Outside, 443),
        (Part("redis"), Outside, 53),
        (Outside, Part("catalog"), 8000),
        (Outside, Part("gateway"), 9090),
        (STRANGER, Part("catalog"), 8000),
        (STRANGER, Part("catalog"), 9090),
        (STRANGER, Part("postgres"), 5432),
        (OPERATOR, Part("postgres"), 5432),
        (OPERATOR, Part("catalog"), 8000),
        (OtherShop("gateway"), Part("catalog"), 8000),
        (OtherShop("catalog"), Part("postgres"), 5432),
        (Part("gateway"), Part("gateway"), 8443),
    ];
    for (from, to, port) in ways {
        assert!(!is_open(&policies, from, to, port), "{from:?} -> {to:?}:{port}");
    }
}

#[test]
fn servers_of_the_users_own_are_reached_on_their_port() {
    let external = json!({
        "database": {"external": {"secretRef": {"name": "db"}}},
        "redis": {"external": {"secretRef": {"name": "redis"}}},
        "gateway": {"tls": {"secretName": "shop-tls"}},
    });
    let policies = policies(external);
    assert!(is_open(&policies, Part("catalog"), Outside, 5432));
    assert!(is_open(&policies, Part("migrate"), Outside, 5432));
    assert!(is_open(&policies, Part("catalog"), Outside, 6379));
    assert!(!is_open(&policies, Part("gateway"), Outside, 5432));
    assert!(is_open(&policies, Outside, Part("gateway"), 8443), "the gateway serves under TLS");
    assert!(!policies.iter().any(|it| it["metadata"]["name"] == "demo-postgres"));
}

#[test]
fn a_cluster_of_cloud_native_pg_is_reached_by_its_pods() {
    let policies = policies(json!({"database": {"cloudNativePg": {}}}));
    let to_cluster = |part: &str| {
        let policy = policies.iter().find(|it| it["metadata"]["name"] == format!("demo-{part}")).expect("a policy");
        policy.to_string().contains(r#""cnpg.io/cluster":"demo-postgres""#)
    };
    assert!(to_cluster("order") && to_cluster("migrate") && !to_cluster("gateway"));
}

#[test]
fn backups_reach_the_database_and_nothing_else_when_there_are_any() {
    let with = policies(json!({"database": {"managed": {"backup": {}}}}));
    assert!(is_open(&with, Part("backup"), Part("postgres"), 5432));
    assert!(is_open(&with, Part("catalog"), Part("postgres"), 5432));
    for (to, port) in [(Part("redis"), 6379), (Part("catalog"), 8000), (Outside, 443), (Outside, 5432)] {
        assert!(!is_open(&with, Part("backup"), to, port), "{to:?}:{port}");
    }
    assert!(!is_open(&with, OtherShop("backup"), Part("postgres"), 5432));
    assert!(!is_open(&policies(json!({})), Part("backup"), Part("postgres"), 5432), "there are none");
}

const EVERYTHING: &str = r#"{
    "monitoring": {
        "tools": {"pgAdmin": {"enabled": true}, "redisCommander": {"enabled": true}},
        "alertmanager": {"telegram": {"secretRef": {"name": "telegram"}, "apiUrl": "http://telegram.test:8081"}}
    },
    "loadTest": {"enabled": true}
}"#;

fn with_everything() -> Vec<Value> {
    let store = with_spec(serde_json::from_str(EVERYTHING).expect("a spec"));
    let chat = TelegramFound::Chat { token: SecretText::new("1:token"), chat: 1 };
    let objects = objects(&planned_where(&store, |found| found.telegram = chat));
    objects.into_iter().filter(|object| object["kind"] == "NetworkPolicy").collect()
}

#[test]
fn what_watches_the_shop_reaches_what_it_needs() {
    let policies = with_everything();
    let ways = [
        (Part("prometheus"), Part("gateway"), 9091),
        (Part("prometheus"), Part("redis-exporter"), 9121),
        (Part("prometheus"), Part("postgres-exporter"), 9187),
        (Part("prometheus"), Part("jaeger"), 8888),
        (Part("prometheus"), Part("jaeger"), 8889),
        (Part("prometheus"), Part("alertmanager"), 9093),
        (Part("prometheus"), Part("locust"), 8089),
        (Part("prometheus"), OPERATOR, 9090),
        (Part("grafana"), Part("prometheus"), 9090),
        (Part("grafana"), Part("jaeger"), 16686),
        (Part("grafana"), Part("alertmanager"), 9093),
        (Part("jaeger"), Part("prometheus"), 9090),
        (Part("alertmanager"), Outside, 8081),
        (Part("redis-exporter"), Part("redis"), 6379),
        (Part("postgres-exporter"), Part("postgres"), 5432),
        (Part("pgadmin"), Part("postgres"), 5432),
        (Part("redis-commander"), Part("redis"), 6379),
        (Part("locust"), Part("gateway"), 8080),
        (Part("gateway"), Part("grafana"), 3000),
        (Part("gateway"), Part("prometheus"), 9090),
        (Part("gateway"), Part("alertmanager"), 9093),
        (Part("gateway"), Part("jaeger"), 16686),
        (Part("gateway"), Part("jaeger"), 4317),
        (Part("gateway"), Part("locust"), 8089),
        (Part("gateway"), Part("pgadmin"), 8080),
        (Part("gateway"), Part("redis-commander"), 8081),
    ];
    for (from, to, port) in ways {
        assert!(is_open(&policies, from, to, port), "{from:?} -> {to:?}:{port}");
    }
    for service in ["catalog", "cart", "order", "user"] {
        assert!(is_open(&policies, Part("prometheus"), Part(service), 9090), "figures of {service}");
        assert!(is_open(&policies, Part("gateway"), Part(service), 9090), "profiles of {service}");
        assert!(is_open(&policies, Part(service), Part("jaeger"), 4317), "traces of {service}");
    }
    for (part, port) in [("gateway", 9091), ("redis-exporter", 9121), ("postgres-exporter", 9187), ("jaeger", 8888)] {
        assert!(lets_in(&policies, SCRAPER, Part(part), port), "monitoring that is there already reads {part}");
    }
}

#[test]
fn what_watches_the_shop_reaches_nothing_else() {
    let policies = with_everything();
    let ways = [
        (Part("prometheus"), Part("postgres"), 5432),
        (Part("prometheus"), Part("catalog"), 8000),
        (Part("prometheus"), Outside, 443),
        (Part("grafana"), Part("postgres"), 5432),
        (Part("grafana"), Outside, 443),
        (Part("alertmanager"), Outside, 443),
        (Part("alertmanager"), Part("catalog"), 8000),
        (Part("jaeger"), Part("redis"), 6379),
        (Part("redis-exporter"), Part("postgres"), 5432),
        (Part("postgres-exporter"), Part("redis"), 6379),
        (Part("locust"), Part("catalog"), 8000),
        (Part("locust"), Outside, 443),
        (Part("pgadmin"), Part("redis"), 6379),
        (Part("catalog"), Part("prometheus"), 9090),
        (Part("catalog"), Part("grafana"), 3000),
        (Part("catalog"), Part("jaeger"), 16686),
        (Outside, Part("grafana"), 3000),
        (Outside, Part("pgadmin"), 8080),
        (STRANGER, Part("prometheus"), 9090),
        (STRANGER, Part("redis-commander"), 8081),
        (OtherShop("gateway"), Part("grafana"), 3000),
        (OtherShop("catalog"), Part("jaeger"), 4317),
        (OtherShop("prometheus"), Part("catalog"), 9090),
    ];
    for (from, to, port) in ways {
        assert!(!is_open(&policies, from, to, port), "{from:?} -> {to:?}:{port}");
    }
}

#[test]
fn without_monitoring_nobody_is_let_in_for_it() {
    let policies = policies(json!({"monitoring": {"enabled": false}}));
    for (from, to, port) in [
        (Part("catalog"), Part("jaeger"), 4317),
        (Part("gateway"), Part("grafana"), 3000),
        (Part("postgres-exporter"), Part("postgres"), 5432),
        (Part("redis-commander"), Part("redis"), 6379),
        (Part("prometheus"), Part("catalog"), 9090),
    ] {
        assert!(!is_open(&policies, from, to, port), "{from:?} -> {to:?}:{port}");
    }
    let names = policies.iter().filter_map(|it| it["metadata"]["name"].as_str()).collect::<Vec<_>>();
    assert!(!names.iter().any(|name| name.contains("prometheus") || name.contains("jaeger")), "{names:?}");
}

#[test]
fn those_of_what_watches_the_shop_are_made_with_it_and_not_with_the_shop() {
    let store =
        with_spec(json!({"loadTest": {"enabled": true}, "monitoring": {"tools": {"pgAdmin": {"enabled": true}}}}));
    let plan = planned(&store);
    let names = |policies: &[NetworkPolicy]| {
        let mut names: Vec<String> = policies.iter().filter_map(|it| it.metadata.name.clone()).collect();
        names.sort();
        names
    };
    let shop = ["cart", "catalog", "gateway", "migrate", "order", "postgres", "redis", "seed", "shop", "user"];
    assert_eq!(names(&plan.network_policies), shop.map(|it| format!("demo-{it}")));
    let mut parts: Vec<String> = plan.monitoring.parts.iter().map(|part| format!("demo-{}", part.component)).collect();
    parts.sort();
    assert_eq!(names(&plan.monitoring.network_policies), parts);
}

#[test]
fn they_can_be_turned_off() {
    assert!(policies(json!({"networkPolicies": false})).is_empty());
}
