//! What is shipped beside the programs: what is made from the charts, what others are told in annotations, and what an upgrade leaves alone.

mod artifact_hub;
mod bundle;
mod dependencies;
mod helm_tests;
mod kube_state_metrics;
mod manifests;
mod pages;
mod upgrade;
mod values;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize as _;
use serde_json::Value;

use crate::support::{Strict, helm, kubectl};

/// With this in the environment, what is made is written to where the repository keeps it, before it is compared.
const UPDATE: &str = "UPDATE_PACKAGING";

const NAMESPACE: &str = "shopkeeper-system";

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(place(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Wants a file of the repository to be what was made.
fn keep(name: &str, made: &str) {
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(place(name), made).expect("to write");
    }
    assert!(read(name) == made, "{name} differs: run scripts/packaging");
}

/// All documents of a text that are not empty.
fn documents(yaml: &str) -> Vec<Value> {
    serde_yaml_ng::Deserializer::from_str(yaml)
        .map(|document| Value::deserialize(document).expect("a document"))
        .filter(|document| !document.is_null())
        .collect()
}

fn of_kind<'a>(documents: &'a [Value], kind: &str) -> &'a Value {
    documents.iter().find(|document| document["kind"] == kind).unwrap_or_else(|| panic!("there is no {kind}"))
}

/// What a command says, which must be content.
fn said(command: &mut Command) -> String {
    let output = command.output().expect("a program");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The documents of a chart, with those of `helm test`.
async fn rendered(chart: &str, release: &str, arguments: &[&str]) -> String {
    let mut helm = helm().await;
    helm.args(["template", release]).arg(place(chart)).args(["--namespace", NAMESPACE, "--kube-version", "1.34.0"]);
    said(helm.args(arguments))
}

/// A helm command for an API server of a test's own.
async fn helm_of(strict: &Strict) -> Command {
    let mut command = helm().await;
    command.args(["--kubeconfig", &strict.kubeconfig()]);
    command
}

/// A kubectl command for an API server of a test's own.
async fn kubectl_of(strict: &Strict) -> Command {
    let mut command = kubectl().await;
    // The later one counts.
    command.args(["--kubeconfig", &strict.kubeconfig()]);
    command
}
