//! `make memory`: what every pod of a shop holds in memory, as the cluster's own metrics tell it, and how many of its containers were
//! killed for it the last time that they ended, as a Markdown table.

use std::process::ExitCode;

use clap::Parser;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams};

/// Prints the working set of every pod in the given namespaces, and the containers whose last end was for want of memory.
#[derive(Parser)]
struct Args {
    /// The namespaces to look at.
    #[arg(default_values = ["shop", "shopkeeper-system"])]
    namespaces: Vec<String>,
}

/// What can keep the table from being printed.
#[derive(Debug, thiserror::Error)]
enum MemoryError {
    #[error("no cluster in reach; `eval \"$(make -s env)\"` puts one into the shell")]
    NoCluster(#[source] kube::Error),
    #[error("no pod metrics in namespace {0}; metrics-server takes about 30 s after a pod started")]
    NoMetrics(String, #[source] kube::Error),
    #[error("the pods of namespace {0} can't be read")]
    NoPods(String, #[source] kube::Error),
    #[error("{0:?} is not an amount of memory that metrics-server is known to write")]
    Quantity(String),
}

#[tokio::main]
async fn main() -> ExitCode {
    match print(&Args::parse().namespaces).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn print(namespaces: &[String]) -> Result<(), MemoryError> {
    let client = kube::Client::try_default().await.map_err(MemoryError::NoCluster)?;
    let kind =
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("metrics.k8s.io", "v1beta1", "PodMetrics"), "pods");
    println!("| namespace | pod | memory, MiB | killed for memory |\n| --- | --- | ---: | ---: |");
    let (mut total, mut killed_of_all) = (0.0, 0);
    for namespace in namespaces {
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &kind);
        let listed = api.list(&ListParams::default()).await;
        let pods = listed.map_err(|error| MemoryError::NoMetrics(namespace.clone(), error))?;
        let running = Api::<Pod>::namespaced(client.clone(), namespace).list(&ListParams::default()).await;
        let running = running.map_err(|error| MemoryError::NoPods(namespace.clone(), error))?;
        for pod in &pods.items {
            let name = pod.metadata.name.as_deref().unwrap_or_default();
            let mebibytes = working_set(pod)?;
            let killed: usize =
                running.items.iter().filter(|it| it.metadata.name.as_deref() == Some(name)).map(killed).sum();
            total += mebibytes;
            killed_of_all += killed;
            println!("| {namespace} | {name} | {mebibytes:.1} | {killed} |");
        }
    }
    println!("| | **all** | **{total:.1}** | **{killed_of_all}** |");
    Ok(())
}

/// How many of a pod's containers ended for want of memory the last time that they ended.
fn killed(pod: &Pod) -> usize {
    let containers = pod.status.as_ref().and_then(|status| status.container_statuses.as_deref()).unwrap_or_default();
    let ends =
        containers.iter().flat_map(|it| [&it.state, &it.last_state]).flatten().filter_map(|it| it.terminated.as_ref());
    ends.filter(|end| end.reason.as_deref() == Some("OOMKilled")).count()
}

/// The sum over a pod's containers, in MiB.
fn working_set(pod: &DynamicObject) -> Result<f64, MemoryError> {
    let containers = pod.data.pointer("/containers").and_then(|list| list.as_array());
    let amounts = containers.into_iter().flatten().filter_map(|container| container.pointer("/usage/memory")?.as_str());
    amounts.map(mebibytes).sum()
}

/// Kubernetes writes amounts of memory as a number with a binary suffix.
fn mebibytes(amount: &str) -> Result<f64, MemoryError> {
    let unknown = || MemoryError::Quantity(amount.to_owned());
    let (digits, factor) =
        match amount.find(|character: char| !character.is_ascii_digit()).map(|at| amount.split_at(at)) {
            None => (amount, 1.0 / 1_048_576.0),
            Some((digits, "Ki")) => (digits, 1.0 / 1024.0),
            Some((digits, "Mi")) => (digits, 1.0),
            Some((digits, "Gi")) => (digits, 1024.0),
            Some(_) => return Err(unknown()),
        };
    Ok(digits.parse::<f64>().map_err(|_| unknown())? * factor)
}
