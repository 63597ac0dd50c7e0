//! Kubeconfig files.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::certs::Identity;

/// A kubeconfig with everything inside, as YAML (of which JSON is a part).
pub(crate) fn render(server: &str, authority: &str, identity: &Identity) -> String {
    let config = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "shopkeeper",
        "contexts": [{"name": "shopkeeper", "context": {"cluster": "shopkeeper", "user": "shopkeeper"}}],
        "clusters": [{"name": "shopkeeper", "cluster": {
            "server": server,
            "certificate-authority-data": STANDARD.encode(authority),
        }}],
        "users": [{"name": "shopkeeper", "user": {
            "client-certificate-data": STANDARD.encode(&identity.certificate),
            "client-key-data": STANDARD.encode(&identity.key),
        }}],
    });
    format!("{config:#}\n")
}
