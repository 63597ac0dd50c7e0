//! The controller manager, the scheduler and the provisioner of volumes: clients of the API server, with no port of their own.

use std::path::Path;

use super::apiserver::files;
use crate::layout::Layout;

/// The arguments of `kube controller-manager`.
pub(crate) fn controller_manager(layout: &Layout) -> Vec<String> {
    let file = |name: &str| layout.certificates().join(name).display().to_string();
    let mut arguments = client(&layout.kubeconfig("controller-manager"));
    arguments.extend([
        format!("--service-account-private-key-file={}", file(files::TOKEN_KEY)),
        format!("--root-ca-file={}", file(files::AUTHORITY)),
        format!("--cluster-signing-cert-file={}", file(files::AUTHORITY)),
        format!("--cluster-signing-key-file={}", file(files::AUTHORITY_KEY)),
        "--use-service-account-credentials".into(),
    ]);
    arguments
}

/// The arguments of `kube scheduler`.
pub(crate) fn scheduler(layout: &Layout) -> Vec<String> {
    client(&layout.kubeconfig("scheduler"))
}

/// The arguments of `kube storage`.
pub(crate) fn storage(layout: &Layout) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", layout.kubeconfig("storage").display()),
        format!("--directory={}", layout.volumes().display()),
    ]
}

/// There is one of each, so nobody is to be elected; whether it runs is asked of the kernel, so no health port is needed.
fn client(kubeconfig: &Path) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        "--leader-elect=false".into(),
        "--secure-port=0".into(),
        "--profiling=false".into(),
    ]
}
