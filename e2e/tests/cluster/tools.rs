//! The pages into the data, as whoever runs the shop opens them: behind the gateway, connected with the shop's own credentials.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::Api;
use serde_json::{Value, json};
use shopkeeper_e2e::cluster::Cluster;
use shopkeeper_e2e::watch::{Admin, PgAdmin, until};

use crate::kubernetes::{DEMO, SHOP, client, eventually, shop_url, stores};

const LIMIT: Duration = Duration::from_secs(180);

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn pg_admin_and_redis_commander_come_when_asked_for_connected_to_this_shop_and_go_again() {
    let (client, cluster) = (client().await, Cluster::connect(SHOP, DEMO).await.expect("the cluster of `make up`"));
    let tools = json!({"pgAdmin": {"enabled": true}, "redisCommander": {"enabled": true}});
    cluster.patch(&json!({"spec": {"monitoring": {"tools": tools}}})).await.expect("tools can be asked for");
    both_are_ready(&client).await;
    let admin = Admin::log_in(&shop_url()).await.expect("the administrator can log in");

    let look = async || Ok(admin.json::<Value>("/redis-commander/apiv2/server/info").await.ok());
    let redis = until("Redis Commander answers behind the gateway", LIMIT, look).await.expect("it comes");
    assert_eq!((&redis["data"][0]["label"], &redis["data"][0]["host"]), (&json!(DEMO), &json!("demo-redis")));
    let known = redis["data"][0]["info"].to_string();
    assert!(known.contains("Redis version"), "it is connected: {known:.300}");

    let look = async || Ok(PgAdmin::log_in(&admin, &password(&client).await).await.ok());
    let pg_admin = until("pgAdmin lets its user in", LIMIT, look).await.expect("it comes");
    let connected = pg_admin.connect(1).await.expect("the password is there already");
    assert_eq!(connected["data"]["db"], "shop", "{connected}");

    cluster.patch(&json!({"spec": {"monitoring": {"tools": null}}})).await.expect("tools can be done without");
    none_is_left(&client).await;
    let gone = admin.page("/pgadmin/").await;
    assert!(gone.is_err(), "nothing is left at its place: {gone:?}");
}

async fn password(client: &Client) -> String {
    let secrets = Api::<Secret>::namespaced(client.clone(), SHOP);
    let secret = secrets.get(&format!("{DEMO}-credentials")).await.expect("the shop's credentials");
    let password = secret.data.and_then(|mut data| data.remove("pgadmin-password")).expect("pgAdmin's password");
    String::from_utf8(password.0).expect("text")
}

async fn both_are_ready(client: &Client) {
    let is_ready = |tool: &Deployment| tool.status.as_ref().and_then(|it| it.ready_replicas) == Some(1);
    let look = || async { tools(client).await.filter(|tools| tools.len() == 2 && tools.iter().all(is_ready)) };
    eventually("both tools are ready", LIMIT, look).await;
}

async fn none_is_left(client: &Client) {
    eventually("no tool is left", LIMIT, || async { tools(client).await.filter(Vec::is_empty) }).await;
}

/// Those that there are, once the operator has seen the Store as it is.
async fn tools(client: &Client) -> Option<Vec<Deployment>> {
    let store = stores(client, SHOP).get(DEMO).await.ok()?;
    if store.data.pointer("/status/observedGeneration").and_then(Value::as_i64) != store.metadata.generation {
        return None;
    }
    let deployments = Api::<Deployment>::namespaced(client.clone(), SHOP);
    let mut found = Vec::new();
    for tool in ["pgadmin", "redis-commander"] {
        found.extend(deployments.get_opt(&format!("{DEMO}-{tool}")).await.ok()?);
    }
    Some(found)
}
