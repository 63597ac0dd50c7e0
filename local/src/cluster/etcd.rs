//! etcd, on a socket in the file system: nothing else on the machine can reach it, and it takes no port.

use std::path::Path;

/// The arguments of `kube etcd`.
pub(crate) fn arguments(data: &Path, socket: &Path) -> Vec<String> {
    let (data, socket) = (data.display(), socket.display());
    vec![
        format!("--data-dir={data}"),
        format!("--listen-client-urls=unix://{socket}"),
        // Clients are told the socket by their flags; what is advertised must merely look like a host and a port.
        "--advertise-client-urls=http://127.0.0.1:2379".into(),
        // There are no peers, but etcd insists on listening for them.
        "--listen-peer-urls=http://127.0.0.1:0".into(),
        // The cluster is thrown away with the machine's power; a test's is so anyway.
        "--unsafe-no-fsync".into(),
        "--log-level=warn".into(),
    ]
}
