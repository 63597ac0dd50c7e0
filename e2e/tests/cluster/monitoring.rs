//! What comes up beside the shop to watch it: every target answers, no panel is empty, every rule has data, one checkout is one trace,
//! and an alert reaches whoever is on call.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, LogParams};
use reqwest::{Method, StatusCode, redirect};
use serde_json::{Value, json};
use shopkeeper_e2e::cluster::Cluster;
use shopkeeper_e2e::load::{self, Load, Shelf};
use shopkeeper_e2e::shop::{Silent, Visitor};
use shopkeeper_e2e::watch::{Admin, WatchError, jaeger::Span, until};
use shopkeeper_monitoring::{AlertSettings, Subject, dashboards, rules};
use uuid::Uuid;

use crate::kubernetes::{DEMO, SHOP, client, eventually, ready, shop_url, standing_pods, stores};

const LIMIT: Duration = Duration::from_secs(120);

/// All that is scraped in the sample shop.
const JOBS: [&str; 11] = [
    "alertmanager",
    "cart",
    "catalog",
    "gateway",
    "jaeger",
    "operator",
    "order",
    "postgres",
    "prometheus",
    "redis",
    "user",
];

async fn admin() -> Admin {
    ready(&client().await, SHOP, DEMO, LIMIT).await;
    Admin::log_in(&shop_url()).await.expect("the administrator can log in")
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn everything_is_scraped_and_nothing_is_down() {
    all_targets_are_up(&admin().await).await;
}

async fn all_targets_are_up(admin: &Admin) {
    let look = async || {
        let targets = admin.targets().await?;
        let up: BTreeSet<_> =
            targets.iter().filter(|it| it.health == "up").map(|it| it.labels["job"].clone()).collect();
        let down: Vec<_> = targets.into_iter().filter(|it| it.health != "up").collect();
        Ok((JOBS.iter().all(|job| up.contains(*job)) && down.is_empty()).then_some(()))
    };
    if let Err(error) = until("all targets are up", LIMIT, look).await {
        panic!("{error}: {:#?}", admin.targets().await);
    }
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn what_is_not_for_the_public_is_shown_to_administrators_only() {
    let anonymous =
        reqwest::Client::builder().redirect(redirect::Policy::none()).build().expect("a client can be made");
    let admin = admin().await;
    for path in
        ["/prometheus/-/ready", "/prometheus/api/v1/query?query=up", "/alertmanager/", "/jaeger/search", "/profiles/"]
    {
        let asked = anonymous.get(format!("{}{path}", shop_url())).header("accept", "text/html");
        let answer = asked.send().await.expect("the gateway answers");
        assert_eq!(answer.status(), StatusCode::FOUND, "{path}");
        let target = answer.headers()["location"].to_str().expect("text").to_owned();
        assert!(target.contains("/user-api/admin/login?next="), "{path}: {target}");
        let forged = anonymous.get(format!("{}{path}", shop_url())).header("cookie", "shop_admin=forged");
        let answer = forged.send().await.expect("the gateway answers");
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        admin.page(path).await.expect("the administrator sees it");
    }
    let internal = anonymous.get(format!("{}/internal/admin-session", shop_url())).send().await.expect("it answers");
    assert_eq!(internal.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn the_store_says_what_of_its_monitoring_is_missing_and_is_ready_all_the_same() {
    let client = client().await;
    ready(&client, SHOP, DEMO, LIMIT).await;
    let deployments = Api::<Deployment>::namespaced(client.clone(), SHOP);
    eventually("MonitoringReady tells how Grafana is", LIMIT, || async {
        let is_there = deployments.get_opt(&format!("{DEMO}-grafana")).await.ok()?.is_some();
        let store = stores(&client, SHOP).get(DEMO).await.ok()?;
        let conditions = store.data.pointer("/status/conditions")?.as_array()?.clone();
        let is_ready = conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True");
        let monitoring = conditions.iter().find(|it| it["type"] == "MonitoringReady")?;
        let names_it = monitoring["message"].as_str()?.contains("grafana");
        // On a cluster that has Grafana's image there is nothing to tell.
        let told = if is_there { monitoring["status"] == "True" } else { monitoring["status"] == "False" && names_it };
        (told && is_ready).then_some(())
    })
    .await;
}

/// What happens now and then: a customer looks at the profile, which several services and a cache have a part in, and somebody changes the
/// policy of a cache, which the operator hands on.
async fn look_around_and_change_something() {
    let mut customer = load::administrator(&shop_url()).await.expect("somebody can log in");
    for _ in 0..3 {
        customer.get("/user-api/users/me/profile").await.expect("the profile is shown");
        customer.get("/user-api/users/me").await.expect("the account is shown");
    }
    let cluster = Cluster::connect(SHOP, DEMO).await.expect("KUBECONFIG leads to the cluster of `make up`");
    cluster.set_policy("products", &json!({"ttl": "611s"})).await.expect("all pods take the policy over");
    cluster.set_policy("products", &Value::Null).await.expect("all pods take the default back");
}

/// Customers who shop for a while, so that there is something to see.
async fn some_shopping(seconds: u64) {
    let mut counter = load::administrator(&shop_url()).await.expect("the administrator can log in");
    let shelf = Shelf::fill(&mut counter, &[100_000, 100_000, 100_000]).await.expect("shelves can be filled");
    let customers = load::crowd(&shop_url(), 6).await.expect("customers can register");
    let load = Load::start(customers, &shelf);
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    look_around_and_change_something().await;
    load.stop().await.expect("everyone finishes");
    shelf.clear(&mut counter).await.expect("shelves can be cleared");
}

async fn has_data(admin: &Admin, expression: &str) -> Result<bool, WatchError> {
    Ok(admin.query(expression).await?.iter().any(|sample| !sample.value.is_nan()))
}

/// Dashboard, panel and query, for all that is there without a load test.
fn panels() -> Vec<(String, String, String)> {
    let subject = Subject { namespace: SHOP.into(), store: DEMO.into() };
    let dashboards = dashboards();
    let shown = dashboards.iter().filter(|dashboard| dashboard.uid() != "shop-load-test");
    let queries = shown.flat_map(|dashboard| {
        let of_dashboard = dashboard.queries(&subject).into_iter();
        of_dashboard.map(|(panel, query)| (dashboard.title().to_owned(), panel.to_owned(), query))
    });
    queries.collect()
}

/// The panels that show nothing.
async fn without_data(admin: &Admin, panels: &[(String, String, String)]) -> Vec<String> {
    let mut empty = Vec::new();
    for (dashboard, panel, query) in panels {
        match has_data(admin, query).await {
            Ok(true) => {}
            Ok(false) => empty.push(format!("{dashboard} / {panel}: {query}")),
            Err(error) => empty.push(format!("{dashboard} / {panel}: {query}: {error}")),
        }
    }
    empty
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn no_panel_is_empty_and_every_rule_works_after_some_shopping() {
    let admin = admin().await;
    some_shopping(45).await;
    let panels = panels();
    let mut empty = Vec::new();
    // What happened last is seen with the next two scrapes.
    let look = async || {
        empty = without_data(&admin, &panels).await;
        Ok(empty.is_empty().then_some(()))
    };
    let _ = until("every panel has data", Duration::from_secs(45), look).await;
    let asked = panels.len();
    println!("{asked} queries of {} dashboards asked, {} empty", dashboards().len(), empty.len());
    assert!(asked > 100, "the queries were found: {asked}");
    assert!(empty.is_empty(), "panels without data:\n{}", empty.join("\n"));

    let running = admin.rules().await.expect("Prometheus tells its rules");
    let broken: Vec<_> = running.iter().filter(|rule| rule.health != "ok").collect();
    assert!(broken.is_empty(), "{broken:#?}");
    let subject = Subject { namespace: SHOP.into(), store: DEMO.into() };
    let file = serde_json::to_value(rules(&subject, &AlertSettings::default())).expect("JSON");
    let ours =
        file["groups"].as_array().into_iter().flatten().flat_map(|it| it["rules"].as_array().into_iter().flatten());
    let names: BTreeSet<_> = running.iter().map(|rule| rule.name.as_str()).collect();
    let mut missing = Vec::new();
    for rule in ours {
        let name = rule["alert"].as_str().or(rule["record"].as_str()).unwrap_or_default();
        let recorded = match rule["record"].as_str() {
            Some(record) => has_data(&admin, record).await.expect("Prometheus answers"),
            None => true,
        };
        if !names.contains(name) || !recorded {
            missing.push(name.to_owned());
        }
    }
    assert!(missing.is_empty(), "rules that are not there, or record nothing: {missing:?}");
}

/// A Prometheus that has seen nothing yet. Alerts tell the truth of what the tests before this one did to the shop, for up to an hour.
async fn prometheus_forgets(admin: &Admin, cluster: &Cluster) {
    let before = admin.began().await.expect("Prometheus tells when it began");
    for prometheus in cluster.replicas("prometheus").await.expect("pods can be listed") {
        cluster.vanish(&prometheus).await.expect("a pod can be deleted");
    }
    let another = async || Ok(admin.began().await.ok().filter(|began| *began != before));
    until("there is another Prometheus", LIMIT, another).await.expect("its pod is made again");
    all_targets_are_up(admin).await;
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn no_alert_but_the_watchdog_fires_while_customers_shop_in_a_healthy_shop() {
    let admin = admin().await;
    let cluster = Cluster::connect(SHOP, DEMO).await.expect("KUBECONFIG leads to the cluster of `make up`");
    prometheus_forgets(&admin, &cluster).await;
    let mut counter = load::administrator(&shop_url()).await.expect("the administrator can log in");
    let shelf = Shelf::fill(&mut counter, &[100_000, 100_000, 100_000]).await.expect("shelves can be filled");
    let load = Load::start(load::crowd(&shop_url(), 2).await.expect("customers can register"), &shelf);

    // In a demonstration no alert waits longer than a minute and a half before it fires.
    let (began, mut fired) = (Instant::now(), BTreeMap::new());
    while began.elapsed() < Duration::from_secs(120) {
        let alerts = admin.alerts().await.expect("Prometheus tells its alerts");
        let firing = alerts.into_iter().filter(|alert| alert.state == "firing");
        fired.extend(firing.map(|alert| (alert.name().to_owned(), alert)));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    load.stop().await.expect("everyone finishes");
    shelf.clear(&mut counter).await.expect("shelves can be cleared");
    assert!(fired.remove("Watchdog").is_some(), "alerts are worked out at all");
    assert!(fired.is_empty(), "{fired:#?}");
}

/// The shop's figure of requests that a service has served.
async fn served(admin: &Admin, service: &str) -> f64 {
    let metric = if service == "gateway" {
        "gateway_request_duration_seconds_count"
    } else {
        "http_request_duration_seconds_count"
    };
    let sum = admin.query(&format!("sum({metric}{{job=\"{service}\"}})")).await.expect("Prometheus answers");
    sum.first().map_or(0.0, |sample| sample.value)
}

/// What the pods of a service have logged of a trace.
async fn logged(client: &Client, service: &str, trace: &str) -> usize {
    let pods = standing_pods(client, SHOP, DEMO).await;
    let api = Api::<Pod>::namespaced(client.clone(), SHOP);
    let mut count = 0;
    for pod in pods {
        let labels = pod.metadata.labels.unwrap_or_default();
        if labels.get("app.kubernetes.io/name").is_none_or(|name| name != service) {
            continue;
        }
        let of = LogParams { container: Some(service.to_owned()), since_seconds: Some(300), ..LogParams::default() };
        let log = api.logs(pod.metadata.name.as_deref().unwrap_or_default(), &of).await.expect("logs can be read");
        count += log.lines().filter(|line| line.contains(trace)).count();
    }
    count
}

/// Buys one piece of something, all of it in one trace; the trace.
async fn one_checkout() -> String {
    let trace = Uuid::new_v4().simple().to_string();
    let parent = format!("00-{trace}-{}-01", &Uuid::new_v4().simple().to_string()[..16]);
    let name = format!("traced-{}", &trace[..12]);
    let mut visitor = Visitor::new(&shop_url(), Silent).expect("a client can be made");
    let account = json!({"username": name, "password": "a long enough password", "full_name": "Traced"});
    visitor.post("/user-api/users/register", &account, StatusCode::CREATED).await.expect("registered");
    let form = [("username", name.as_str()), ("password", "a long enough password")];
    let token = visitor.post_form("/user-api/token", &form).await.expect("logged in");
    let token = token.text_at("/access_token").expect("a token").to_owned();
    visitor.token(&token);
    let line = json!({"product_id": 7, "quantity": 1});
    visitor.post("/cart-api/cart/items", &line, StatusCode::OK).await.expect("added");
    let key = Uuid::new_v4().to_string();
    let headers = [("traceparent", parent.as_str()), ("idempotency-key", key.as_str())];
    visitor
        .ask(Method::POST, "/cart-api/cart/checkout", &headers, None, StatusCode::CREATED)
        .await
        .expect("the checkout succeeds");
    trace
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn one_checkout_is_seen_in_the_figures_the_logs_and_one_trace_of_every_service() {
    const EVERYONE: [&str; 5] = ["cart", "catalog", "gateway", "order", "user"];
    let (client, admin) = (client().await, admin().await);
    let mut before = BTreeMap::new();
    for service in EVERYONE {
        before.insert(service, served(&admin, service).await);
    }
    let trace = one_checkout().await;

    let heard = async || {
        let spans = admin.trace(&trace).await?;
        let services: BTreeSet<_> = spans.iter().map(|span| span.service.as_str()).collect();
        // The order goes on by itself, and its later steps may be made and told together with those of others: what has come may be whole before
        // all has come.
        let whole = orphans(&spans).iter().all(|span| span.service == "gateway");
        Ok((EVERYONE.iter().all(|service| services.contains(service)) && whole).then_some(spans))
    };
    let spans = match until("one whole trace has every service", LIMIT, heard).await {
        Ok(spans) => spans,
        Err(error) => {
            let spans = admin.trace(&trace).await.unwrap_or_default();
            panic!("{error}: {:#?}, of which these have no parent: {:#?}", names(&spans), orphans(&spans));
        }
    };
    let kinds = names(&spans);
    println!("one checkout: {} spans: {kinds:?}", spans.len());
    for system in ["postgresql", "redis"] {
        assert!(
            spans
                .iter()
                .any(|span| span.tags.iter().any(|(key, value)| key.starts_with("db.system") && value == system)),
            "{system}: {kinds:?}"
        );
    }

    for service in EVERYONE {
        let look = async || Ok((served(&admin, service).await > before[service]).then_some(()));
        until(&format!("{service} counts its requests"), LIMIT, look).await.expect("the figures move");
        assert!(logged(&client, service, &trace).await > 0, "{service} has logged nothing of trace {trace}");
    }
}

/// Spans whose parent has not arrived; that of the gateway's own is the client's, which nobody tells of.
fn orphans(spans: &[Span]) -> Vec<&Span> {
    let ids: BTreeSet<_> = spans.iter().map(|span| span.id.as_str()).collect();
    spans.iter().filter(|span| span.parent.as_deref().is_some_and(|parent| !ids.contains(parent))).collect()
}

fn names(spans: &[Span]) -> BTreeSet<String> {
    spans.iter().map(|span| format!("{}: {}", span.service, span.operation)).collect()
}
