//! One API server for all tests, each in a namespace of its own.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use kube::{
    Api, Client, Config,
    api::{DynamicObject, ListParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use shopkeeper_local::ApiServer;
use shopkeeper_operator::kind::Kind;
use strum::IntoEnumIterator;
use tokio::sync::OnceCell;

use super::eventually;

/// How long an API server on a busy machine may take to know a new kind.
const ESTABLISHED_WITHIN: Duration = Duration::from_secs(60);

static SERVER: OnceCell<ApiServer> = OnceCell::const_new();

async fn server() -> &'static ApiServer {
    SERVER
        .get_or_init(|| async {
            let server = ApiServer::start().await.expect("an API server");
            install_crd(&server);
            server
        })
        .await
}

/// Teaches an API server what a Store is.
pub fn install_crd(server: &ApiServer) {
    let crd = concat!(env!("CARGO_MANIFEST_DIR"), "/../crds/store.yaml");
    let applied = server.kubectl().args(["apply", "--server-side", "-f", crd]).output().expect("kubectl");
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    let began = Instant::now();
    loop {
        // It gives up at once as long as there is no list of conditions at all.
        let wait = ["wait", "--for=condition=Established", "--timeout=10s", "crd/stores.shopkeeper.dev"];
        let waited = server.kubectl().args(wait).output().expect("kubectl");
        if waited.status.success() {
            return;
        }
        assert!(began.elapsed() < ESTABLISHED_WITHIN, "{}", String::from_utf8_lossy(&waited.stderr));
    }
}

/// How to reach the API server as its administrator.
pub async fn config() -> Config {
    config_of(server().await).await
}

/// How to reach an API server as its administrator.
pub async fn config_of(server: &ApiServer) -> Config {
    let kubeconfig = Kubeconfig::from_yaml(server.kubeconfig()).expect("a kubeconfig");
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.expect("a configuration")
}

/// A file that leads to the API server as its administrator.
pub async fn kubeconfig_path() -> PathBuf {
    server().await.kubeconfig_path()
}

/// A kubectl command.
pub async fn kubectl() -> Command {
    server().await.kubectl()
}

/// A helm command.
pub async fn helm() -> Command {
    server().await.helm()
}

/// A child as it is in the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    pub resource_version: String,
    pub object: DynamicObject,
}

/// All objects of the operator's kinds in a namespace, by kind and name, without what every namespace has by itself.
pub async fn children(client: &Client, namespace: &str) -> BTreeMap<(Kind, String), Child> {
    let mut found = BTreeMap::new();
    for kind in Kind::iter() {
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &kind.resource());
        let selected = ListParams::default().labels("app.kubernetes.io/managed-by=shopkeeper");
        for object in listed(kind, &api, &selected).await {
            let name = object.metadata.name.clone().unwrap_or_default();
            let resource_version = object.metadata.resource_version.clone().unwrap_or_default();
            found.insert((kind, name), Child { resource_version, object });
        }
    }
    found
}

/// A list; the API server may be away for a moment, and need not know every kind.
async fn listed(kind: Kind, api: &Api<DynamicObject>, selected: &ListParams) -> Vec<DynamicObject> {
    eventually("a list", || async {
        match api.list(selected).await {
            Ok(listed) => Ok(listed.items),
            Err(kube::Error::Api(status)) if kind.is_optional() && status.code == 404 => Ok(Vec::new()),
            Err(error) => Err(error.to_string()),
        }
    })
    .await
}
