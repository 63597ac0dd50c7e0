//! Plays pods, and the kubelet that refreshes their mounts when they are touched.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, http::StatusCode, response::IntoResponse, routing::get};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde_json::json;
use shop_policy::{Acknowledgement, DOCUMENT_FILE, Policies, PolicyDocument, Rejection};
use shopkeeper_operator::policies::TOUCHED;
use tokio::{net::TcpListener, task::JoinHandle};

use super::World;

/// Each pod listens on a loopback address of its own.
static NEXT_ADDRESS: AtomicU8 = AtomicU8::new(2);

/// How a pod behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It has what is mounted so long after it was touched.
    Prompt(Duration),
    /// It has it after as many touches as this.
    Hesitant(u32),
    /// It can't use it.
    Rejecting,
    /// It does not know the question.
    Old,
    /// It answers nothing.
    Silent,
}

struct Inside {
    manner: Manner,
    answer: Acknowledgement,
    asked: u32,
    touched: u32,
    /// What its cache of products has counted.
    hits: u64,
    misses: u64,
}

/// A pod that is played.
pub struct FakePod {
    pub name: String,
    api: Api<Pod>,
    inside: Arc<Mutex<Inside>>,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for FakePod {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

fn lock(inside: &Mutex<Inside>) -> MutexGuard<'_, Inside> {
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A listener on an address of its own, on the world's port; the first one finds the port.
async fn listen(world: &mut World) -> (TcpListener, IpAddr) {
    loop {
        let last = NEXT_ADDRESS.fetch_add(1, Ordering::Relaxed);
        let address = IpAddr::V4(Ipv4Addr::new(127, 0, 7, last));
        let port = if world.pods_begun { world.pod_port } else { 0 };
        if let Ok(listener) = TcpListener::bind((address, port)).await {
            world.pod_port = listener.local_addr().expect("an address").port();
            world.pods_begun = true;
            return (listener, address);
        }
    }
}

impl FakePod {
    /// A running pod of a service of the Store `demo`. All pods are made before the operator, which is told their port.
    pub async fn start(world: &mut World, service: &str, number: u32, manner: Manner) -> Self {
        let (listener, address) = listen(world).await;
        let api: Api<Pod> = Api::namespaced(world.client.clone(), &world.namespace);
        let name = format!("demo-{service}-{number}");
        api.create(&PostParams::default(), &manifest(&name, service)).await.expect("a pod");
        let answer = Acknowledgement { generation: 0, hash: Policies::default().hash(), rejected: None };
        let inside = Arc::new(Mutex::new(Inside { manner, answer, asked: 0, touched: 0, hits: 0, misses: 0 }));
        let serving = tokio::spawn(serve(listener, inside.clone()));
        let configs: Api<ConfigMap> = Api::namespaced(world.client.clone(), &world.namespace);
        let refreshing = tokio::spawn(refresh(api.clone(), configs, name.clone(), inside.clone()));
        let pod = Self { name, api, inside, tasks: [serving, refreshing] };
        pod.says(&address.to_string(), 0).await;
        pod
    }

    async fn says(&self, address: &str, restarts: i32) {
        let container = json!({
            "name": "it", "image": "it", "imageID": "it", "ready": true, "started": true, "restartCount": restarts,
            "state": {"running": {"startedAt": "2025-01-01T00:00:00Z"}},
        });
        let status = json!({"status": {
            "phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "containerStatuses": [container],
        }});
        self.api.patch_status(&self.name, &PatchParams::default(), &Patch::Merge(status)).await.expect("a status");
    }

    /// The process of the pod is another one, which runs the defaults until it is touched.
    pub async fn restart(&self) {
        lock(&self.inside).answer = Acknowledgement { generation: 0, hash: Policies::default().hash(), rejected: None };
        let address = self.api.get(&self.name).await.expect("the pod").status.and_then(|status| status.pod_ip);
        self.says(&address.expect("an address"), 1).await;
    }

    /// Deletes the pod at once.
    pub async fn delete(&self) {
        self.api.delete(&self.name, &DeleteParams::default().grace_period(0)).await.expect("to delete");
    }

    pub fn behave(&self, manner: Manner) {
        lock(&self.inside).manner = manner;
    }

    pub fn generation(&self) -> i64 {
        lock(&self.inside).answer.generation
    }

    /// Its cache of products is asked for something so many times.
    pub fn answers(&self, hits: u64, misses: u64) {
        let mut inside = lock(&self.inside);
        inside.hits += hits;
        inside.misses += misses;
    }

    /// How many times it was asked and touched.
    pub fn counts(&self) -> (u32, u32) {
        let inside = lock(&self.inside);
        (inside.asked, inside.touched)
    }
}

fn manifest(name: &str, service: &str) -> Pod {
    let restricted = json!({
        "allowPrivilegeEscalation": false, "runAsNonRoot": true, "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    });
    serde_json::from_value(json!({
        "metadata": {"name": name, "labels": {
            "app.kubernetes.io/name": service, "app.kubernetes.io/instance": "demo",
            "app.kubernetes.io/managed-by": "shopkeeper",
        }},
        "spec": {
            "automountServiceAccountToken": false, "nodeName": "nowhere",
            "containers": [{"name": "it", "image": "it", "securityContext": restricted}],
        },
    }))
    .expect("a pod")
}

async fn serve(listener: TcpListener, inside: Arc<Mutex<Inside>>) {
    let counted = inside.clone();
    let stats = move || {
        let inside = lock(&counted);
        let products = json!({"name": "products", "local_hits": inside.hits, "redis_hits": 0, "misses": inside.misses});
        std::future::ready(Json(json!({"caches": [products]})))
    };
    let answer = move || {
        let inside = inside.clone();
        async move {
            let (manner, answer) = {
                let mut inside = lock(&inside);
                inside.asked += 1;
                (inside.manner, inside.answer.clone())
            };
            match manner {
                Manner::Silent => std::future::pending().await,
                Manner::Old => StatusCode::NOT_FOUND.into_response(),
                _ => Json(answer).into_response(),
            }
        }
    };
    let router = Router::new().route("/cache/policy", get(answer)).route("/cache/stats", get(stats));
    axum::serve(listener, router).await.expect("to serve");
}

/// Sees touches as the kubelet does, and refreshes what is mounted.
async fn refresh(pods: Api<Pod>, configs: Api<ConfigMap>, name: String, inside: Arc<Mutex<Inside>>) {
    let mut last = None;
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let Ok(Some(pod)) = pods.get_opt(&name).await else { continue };
        let value = pod.metadata.annotations.and_then(|mut all| all.remove(TOUCHED));
        if value == last {
            continue;
        }
        last = value;
        let (manner, touched) = {
            let mut inside = lock(&inside);
            inside.touched += 1;
            (inside.manner, inside.touched)
        };
        let Ok(Some(config)) = configs.get_opt("demo-cache-policy").await else { continue };
        let document = PolicyDocument::parse(&config.data.expect("data")[DOCUMENT_FILE]).expect("a sound document");
        match manner {
            Manner::Prompt(after) => tokio::time::sleep(after).await,
            Manner::Hesitant(needed) if touched < needed => continue,
            Manner::Rejecting => {
                lock(&inside).answer.rejected = Some(Rejection { reason: "unknown variant `Telepathic`".into() });
                continue;
            }
            _ => {}
        }
        lock(&inside).answer = Acknowledgement { generation: document.generation, hash: document.hash, rejected: None };
    }
}
