//! Grafana's documents, as far as they are used here.

use serde::Serialize;

/// A dashboard, serialised as Grafana's v1 JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dashboard {
    uid: &'static str,
    title: &'static str,
}

impl Dashboard {
    /// What it is known by in addresses: it never changes.
    pub fn uid(&self) -> &str {
        self.uid
    }

    /// What people call it.
    pub fn title(&self) -> &str {
        self.title
    }
}
