//! The sample Store's objects, to be read.

use serde::Serialize;

use crate::fixture::{demo, planned, with_spec};

fn yaml<T: Serialize>(objects: &[&T]) -> String {
    objects.iter().map(|object| serde_yaml_ng::to_string(object).expect("YAML")).collect::<Vec<_>>().join("---\n")
}

#[test]
fn the_database() {
    let postgres = planned(&demo()).postgres.expect("a database");
    insta::assert_snapshot!("postgres-config", yaml(&[&postgres.config]));
    insta::assert_snapshot!("postgres-volume", yaml(&[&postgres.volume]));
    insta::assert_snapshot!("postgres-server", yaml(&[&postgres.stateful_set]));
}

#[test]
fn backups() {
    let asked = serde_json::json!({"managed": {"backup": {"schedule": "0 3 * * *", "keep": 7}}});
    let backup = planned(&with_spec(serde_json::json!({"database": asked}))).backup.expect("backups");
    insta::assert_snapshot!("backups", yaml(&[&backup.cron_job.expect("a CronJob")]));
}

#[test]
fn redis() {
    let redis = planned(&demo()).redis.expect("a Redis");
    insta::assert_snapshot!("redis-server", yaml(&[&redis.stateful_set]));
}

#[test]
fn services() {
    for service in planned(&demo()).services {
        insta::assert_snapshot!(format!("service-{}", service.component), yaml(&[&service.deployment]));
    }
}

#[test]
fn the_cache_policy() {
    insta::assert_snapshot!("cache-policy", yaml(&[&planned(&demo()).cache_policy.config]));
}

#[test]
fn jobs() {
    let plan = planned(&demo());
    insta::assert_snapshot!("jobs", yaml(&[&plan.migrate.job, &plan.seed.expect("a seed")]));
}

#[test]
fn the_gateway() {
    let gateway = planned(&demo()).gateway;
    let files = gateway.config.data.expect("files");
    insta::assert_snapshot!("nginx.conf", files["nginx.conf"]);
    insta::assert_snapshot!("gateway-pods", yaml(&[&gateway.deployment]));
    insta::assert_snapshot!("gateway-service", yaml(&[&gateway.service]));
}

#[test]
fn the_ways_in_from_outside() {
    let gateway = serde_json::json!({
        "host": "shop.example.com", "tls": {"secretName": "shop-tls"},
        "ingress": {"className": "nginx", "annotations": {"cert-manager.io/cluster-issuer": "letsencrypt"}},
        "httpRoute": {"parentRefs": [{"name": "public", "namespace": "gateways", "sectionName": "https"}]},
    });
    let gateway = planned(&with_spec(serde_json::json!({"gateway": gateway}))).gateway;
    let (ingress, route) = (gateway.ingress.expect("an Ingress"), gateway.http_route.expect("a route"));
    insta::assert_snapshot!("gateway-ingress", yaml(&[&ingress]));
    insta::assert_snapshot!("gateway-http-route", yaml(&[&route]));
}

#[test]
fn a_database_of_cloud_native_pg() {
    let asked = serde_json::json!({"cloudNativePg": {"storage": {"size": "20Gi", "storageClassName": "fast"}}});
    let plan = planned(&with_spec(serde_json::json!({"database": asked, "profile": "HighAvailability"})));
    let parts = plan.cluster.expect("a cluster");
    insta::assert_snapshot!("cluster", yaml(&[&parts.cluster]));
    let data = plan.migrate.secret.data.expect("data");
    let url = String::from_utf8_lossy(&data["ADMIN_DATABASE_URL"].0).into_owned();
    assert_eq!(url, "postgres://postgres:password-of-admin@demo-postgres-rw:5432/shop");
    assert_eq!(parts.secret.data.expect("data")["password"].0, b"password-of-admin");
}

#[test]
fn an_autoscaled_service() {
    let autoscaling = serde_json::json!({"autoscaling": {"minReplicas": 2, "maxReplicas": 6}});
    let plan = planned(&with_spec(serde_json::json!({"services": {"cart": autoscaling}})));
    let cart = plan.services.into_iter().find(|service| service.autoscaler.is_some()).expect("an autoscaled service");
    assert_eq!(cart.deployment.spec.and_then(|spec| spec.replicas), None);
    insta::assert_snapshot!("autoscaler", yaml(&[&cart.autoscaler.expect("an autoscaler")]));
}
