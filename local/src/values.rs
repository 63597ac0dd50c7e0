//! The Helm values that make the operator's chart use the images of this cluster.

use std::path::Path;

use crate::{debian, error::Result, images::REGISTRY, layout::write};

/// Where the images of PostgreSQL, Redis and nginx come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Servers {
    /// From Debian's packages, loaded into the cluster.
    Debian,
    /// As the chart says.
    Upstream,
}

/// Writes the values to a file.
pub(crate) fn write_to(path: &Path, servers: Servers) -> Result<()> {
    write(path, &render(servers), false)
}

fn render(servers: Servers) -> String {
    let mut operands = serde_json::json!({"registry": REGISTRY});
    if servers == Servers::Debian {
        for server in debian::SERVERS {
            operands[server.name()] = server.reference().to_string().into();
        }
    }
    let values = serde_json::json!({"image": {"registry": REGISTRY}, "operands": operands});
    format!("{values:#}\n")
}
