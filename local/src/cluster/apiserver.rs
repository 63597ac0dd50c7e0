//! The API server: what its flags have in common in the cluster and in tests, and how to see that it is ready.

use std::{path::Path, time::Duration};

use super::credentials;
use crate::{
    certs,
    error::{Error, Result},
    layout::Layout,
    network::{API_PORT, NODE, SERVICES},
};

/// Where tokens of service accounts come from.
const ISSUER: &str = "https://kubernetes.default.svc";

/// The files that the API server reads, by their names in its folder.
pub(crate) mod files {
    pub(crate) const AUTHORITY: &str = "ca.crt";
    pub(crate) const AUTHORITY_KEY: &str = "ca.key";
    pub(crate) const FRONT_PROXY_AUTHORITY: &str = "front-proxy-ca.crt";
    pub(crate) const CERTIFICATE: &str = "apiserver.crt";
    pub(crate) const KEY: &str = "apiserver.key";
    pub(crate) const TOKEN_KEY: &str = "service-accounts.key";
    pub(crate) const TOKEN_PUBLIC_KEY: &str = "service-accounts.pub";
}

/// The arguments of `kube apiserver` that do not depend on what it is for.
pub(crate) fn common_arguments(certificates: &Path, etcd_socket: &Path, port: u16) -> Vec<String> {
    let file = |name: &str| certificates.join(name).display().to_string();
    vec![
        format!("--etcd-servers=unix://{}", etcd_socket.display()),
        format!("--secure-port={port}"),
        format!("--client-ca-file={}", file(files::AUTHORITY)),
        format!("--tls-cert-file={}", file(files::CERTIFICATE)),
        format!("--tls-private-key-file={}", file(files::KEY)),
        format!("--service-account-key-file={}", file(files::TOKEN_PUBLIC_KEY)),
        format!("--service-account-signing-key-file={}", file(files::TOKEN_KEY)),
        format!("--service-account-issuer={ISSUER}"),
        "--profiling=false".into(),
    ]
}

/// The arguments of `kube apiserver` in the cluster.
pub(crate) fn cluster_arguments(layout: &Layout) -> Vec<String> {
    let certificates = layout.certificates();
    let file = |name: &str| certificates.join(name).display().to_string();
    let mut arguments = common_arguments(&certificates, &layout.etcd_socket(), API_PORT);
    arguments.extend([
        format!("--bind-address={NODE}"),
        format!("--advertise-address={NODE}"),
        format!("--service-cluster-ip-range={SERVICES}"),
        "--authorization-mode=Node,RBAC".into(),
        "--enable-admission-plugins=NodeRestriction".into(),
        "--allow-privileged".into(),
        // Nodes are known by address only; without this, logs and exec would look up the node's name.
        "--kubelet-preferred-address-types=InternalIP".into(),
        format!("--kubelet-certificate-authority={}", file(files::AUTHORITY)),
        format!("--kubelet-client-certificate={}", file("apiserver-kubelet.crt")),
        format!("--kubelet-client-key={}", file("apiserver-kubelet.key")),
        // For metrics-server, which answers a part of the API; it is reached pod by pod, so services' routing is not needed for it.
        "--enable-aggregator-routing".into(),
        format!("--requestheader-client-ca-file={}", file(files::FRONT_PROXY_AUTHORITY)),
        format!("--requestheader-allowed-names={}", credentials::FRONT_PROXY),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".into(),
        "--requestheader-group-headers=X-Remote-Group".into(),
        "--requestheader-username-headers=X-Remote-User".into(),
        format!("--proxy-client-cert-file={}", file("front-proxy.crt")),
        format!("--proxy-client-key-file={}", file("front-proxy.key")),
    ]);
    arguments
}

/// Asks an API server whether it is ready. Anyone may ask that, so no client certificate is needed.
pub(crate) struct ReadyProbe {
    client: kube::Client,
}

impl ReadyProbe {
    pub(crate) fn new(server: &str, authority: &str) -> Result<Self> {
        let unusable = |what: &str| {
            Error::Refused(format!("the API server's {what} can't be read; `local down` and `up` make it anew"))
        };
        let mut config = kube::Config::new(server.parse().map_err(|_| unusable("address"))?);
        let certificate = certs::to_der(authority).ok_or_else(|| unusable("certificate"))?;
        config.root_cert = Some(vec![certificate]);
        config.connect_timeout = Some(Duration::from_secs(2));
        config.default_retry = false;
        Ok(Self { client: kube::Client::try_from(config).map_err(Error::Client)? })
    }

    pub(crate) async fn is_ready(&self) -> bool {
        let Ok(request) = http::Request::get("/readyz").body(Vec::new()) else { return false };
        let answer = tokio::time::timeout(Duration::from_secs(2), self.client.request_text(request));
        answer.await.is_ok_and(|answer| answer.is_ok())
    }
}
