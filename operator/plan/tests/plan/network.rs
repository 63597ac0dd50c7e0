//! Which connections a shop's policies let through, worked out as a network would.

use serde_json::{Value, json};

use crate::fixture::{objects, planned, with_spec};

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
        (Part("gateway"), Part("catalog"), 9090),
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

#[test]
fn they_can_be_turned_off() {
    assert!(policies(json!({"networkPolicies": false})).is_empty());
}
