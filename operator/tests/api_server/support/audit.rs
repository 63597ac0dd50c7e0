//! An API server that notes every request, and what it noted.

use std::io::Write as _;

use kube::Config;
use serde_json::Value;
use shopkeeper_local::ApiServer;

use super::cluster::{config_of, install_crd};

/// A request as the audit log has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// When the API server received it, in a form that can be compared.
    pub received: String,
    /// Who asked: the one that was impersonated, if there is one.
    pub user: String,
    pub agent: String,
    /// As in a rule of RBAC.
    pub verb: String,
    pub group: String,
    /// With its subresource.
    pub resource: String,
    pub namespace: String,
    pub name: String,
    pub code: u64,
}

impl Request {
    fn of(event: &Value) -> Self {
        let text = |path: &str| event.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let impersonated = text("/impersonatedUser/username");
        let (resource, subresource) = (text("/objectRef/resource"), text("/objectRef/subresource"));
        Self {
            received: text("/requestReceivedTimestamp"),
            user: if impersonated.is_empty() { text("/user/username") } else { impersonated },
            agent: text("/userAgent"),
            verb: text("/verb"),
            group: text("/objectRef/apiGroup"),
            resource: if subresource.is_empty() { resource } else { format!("{resource}/{subresource}") },
            namespace: text("/objectRef/namespace"),
            name: text("/objectRef/name"),
            code: event.pointer("/responseStatus/code").and_then(Value::as_u64).unwrap_or_default(),
        }
    }

    pub fn is_write(&self) -> bool {
        !matches!(self.verb.as_str(), "get" | "list" | "watch")
    }
}

/// An API server that notes every request and polices owner references.
pub struct Strict {
    server: ApiServer,
}

impl Strict {
    pub async fn start() -> Self {
        let server = ApiServer::start_strict().await.expect("an API server");
        install_crd(&server);
        Self { server }
    }

    /// How to reach it as its administrator.
    pub async fn admin(&self) -> Config {
        config_of(&self.server).await
    }

    /// How to reach it as a service account.
    pub async fn account(&self, namespace: &str, name: &str) -> Config {
        let mut config = self.admin().await;
        config.auth_info.impersonate = Some(format!("system:serviceaccount:{namespace}:{name}"));
        let groups = ["system:serviceaccounts", "system:authenticated"].map(ToOwned::to_owned);
        config.auth_info.impersonate_groups =
            Some(groups.into_iter().chain([format!("system:serviceaccounts:{namespace}")]).collect());
        config
    }

    /// The kubeconfig of its administrator.
    pub fn kubeconfig(&self) -> String {
        self.server.kubeconfig_path().display().to_string()
    }

    /// All requests so far, in the order in which they were received.
    pub fn requests(&self) -> Vec<Request> {
        let mut requests: Vec<_> = self.server.audit().iter().map(Request::of).collect();
        requests.sort();
        requests
    }

    /// What `kubectl` says, and whether it is content.
    pub fn kubectl(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.server.kubectl().args(arguments).output().expect("kubectl");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Applies documents.
    pub fn apply(&self, documents: &[Value]) {
        use std::process::Stdio;
        let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": documents});
        let mut command = self.server.kubectl();
        command.args(["apply", "--filename", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("kubectl");
        child.stdin.take().expect("a pipe").write_all(list.to_string().as_bytes()).expect("to write");
        let output = child.wait_with_output().expect("kubectl's answer");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The documents that the operator's chart makes with these values.
    pub fn chart(&self, values: &[&str]) -> Vec<Value> {
        super::chart::chart(self.server.helm(), values)
    }
}
