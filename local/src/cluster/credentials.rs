//! The certificates and kubeconfigs of a cluster, made once.

use super::{apiserver::files, node::NODE_NAME};
use crate::{
    certs::{Authority, Identity, Subject, token_keys},
    error::Result,
    kubeconfig,
    layout::{Layout, write},
    network::{API_PORT, API_SERVICE, NODE},
};

/// What the administrator's kubeconfig is called.
pub(crate) const ADMIN: &str = "admin";
/// The only client that may say on whose behalf it asks.
pub(crate) const FRONT_PROXY: &str = "front-proxy-client";

/// The users, by the name of their kubeconfig: the name and group that Kubernetes' own roles are bound to.
const USERS: [(&str, &str, Option<&str>); 6] = [
    (ADMIN, "admin", Some("system:masters")),
    ("controller-manager", "system:kube-controller-manager", None),
    ("scheduler", "system:kube-scheduler", None),
    ("proxy", "system:kube-proxy", None),
    // What it may do is in manifests/storage.yaml.
    ("storage", "shopkeeper:storage", None),
    ("kubelet", NODE_USER, Some("system:nodes")),
];

const NODE_USER: &str = "system:node:local";

/// The API server's address.
pub(crate) fn server() -> String {
    format!("https://{NODE}:{API_PORT}")
}

/// Makes what is missing: all of it or nothing, since all must be of one authority. The administrator's kubeconfig is written last.
pub(crate) fn ensure(layout: &Layout) -> Result<()> {
    if layout.kubeconfig(ADMIN).exists() {
        return Ok(());
    }
    let authority = Authority::new("shopkeeper")?;
    let hosts =
        ["localhost", "127.0.0.1", NODE, API_SERVICE, "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
    save(layout, "apiserver", &authority.issue(&Subject { name: "kube-apiserver", group: None, hosts: &hosts })?)?;
    let calls_kubelet = Subject { name: "kube-apiserver-kubelet-client", group: Some("system:masters"), hosts: &[] };
    save(layout, "apiserver-kubelet", &authority.issue(&calls_kubelet)?)?;
    save(layout, "kubelet", &authority.issue(&Subject { name: NODE_NAME, group: None, hosts: &[NODE_NAME, NODE] })?)?;

    let front_proxy = Authority::new("shopkeeper-front-proxy")?;
    save(layout, "front-proxy", &front_proxy.issue(&Subject { name: FRONT_PROXY, ..Subject::default() })?)?;

    let (token_key, token_public_key) = token_keys()?;
    let folder = layout.certificates();
    write(&folder.join(files::AUTHORITY), &authority.certificate(), false)?;
    write(&folder.join(files::AUTHORITY_KEY), &authority.key(), true)?;
    write(&folder.join(files::FRONT_PROXY_AUTHORITY), &front_proxy.certificate(), false)?;
    write(&folder.join(files::TOKEN_KEY), &token_key, true)?;
    write(&folder.join(files::TOKEN_PUBLIC_KEY), &token_public_key, false)?;

    for (file, name, group) in USERS.iter().rev() {
        let identity = authority.issue(&Subject { name, group: *group, hosts: &[] })?;
        write(&layout.kubeconfig(file), &kubeconfig::render(&server(), &authority.certificate(), &identity), true)?;
    }
    Ok(())
}

fn save(layout: &Layout, name: &str, identity: &Identity) -> Result<()> {
    write(&layout.certificates().join(format!("{name}.crt")), &identity.certificate, false)?;
    write(&layout.certificates().join(format!("{name}.key")), &identity.key, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kubelet_is_the_user_of_its_node() {
        assert_eq!(NODE_USER, format!("system:node:{NODE_NAME}"));
    }
}
