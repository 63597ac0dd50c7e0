//! `logs`: what the pods of a Store write, each line with who wrote it.

use std::io::Write;

use futures::{
    AsyncBufReadExt as _, StreamExt as _,
    stream::{self, BoxStream},
};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt, api::LogParams};
use shopkeeper_plan::{Component, NAME_LABEL, SERVICES};

use crate::{
    args::LogsOf,
    error::Error,
    fetch::{CLUSTER_LABEL, Shops},
    seen::Seen,
};

pub(super) async fn logs(shops: &Shops, wanted: &LogsOf, out: &mut (impl Write + ?Sized)) -> Result<(), Error> {
    let store = shops.store(Some(&wanted.store)).await?;
    let services = SERVICES.map(Component::as_str);
    let parts = wanted.service.as_deref().map_or(services.to_vec(), |part| vec![part]);
    let mut pods = shops.pods(&store, &parts).await?;
    if pods.is_empty() {
        return Err(none(shops, &store, &parts).await?);
    }
    pods.sort_by_key(ResourceExt::name_any);
    // One that has both the labels of a Store and those of a cluster was found twice.
    pods.dedup_by_key(|pod| pod.name_any());
    let streams: Vec<_> = pods.iter().flat_map(containers).map(|source| lines(shops.api(), source, wanted)).collect();
    // What has an end is told one after the other, what has none as it comes.
    let mut all =
        if wanted.follow { stream::select_all(streams).boxed() } else { stream::iter(streams).flatten().boxed() };
    while let Some(line) = all.next().await {
        let line = line.map_err(|error| shops.error(error, "get", "pods/log"))?;
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// A container of a pod.
struct Source {
    pod: String,
    container: String,
}

fn containers(pod: &Pod) -> Vec<Source> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    containers.map(|it| Source { pod: pod.name_any(), container: it.name.clone() }).collect()
}

/// The lines of one container. Why there are none is a line as well, as the others go on; but who may not read one log may read none.
fn lines(pods: Api<Pod>, source: Source, wanted: &LogsOf) -> BoxStream<'static, kube::Result<String>> {
    let Source { pod, container } = source;
    let prefix = format!("[{pod} {container}]");
    let params = LogParams {
        container: Some(container),
        follow: wanted.follow,
        previous: wanted.previous,
        tail_lines: Some(wanted.tail.into()),
        ..LogParams::default()
    };
    let opened = async move { pods.log_stream(&pod, &params).await };
    let lines = stream::once(opened).flat_map(|opened| -> BoxStream<'static, kube::Result<String>> {
        match opened {
            Ok(reader) => Box::pin(reader).lines().map(|line| Ok(line.unwrap_or_else(|error| missing(&error)))).boxed(),
            Err(kube::Error::Api(status)) if status.is_forbidden() => {
                stream::iter([Err(kube::Error::Api(status))]).boxed()
            }
            Err(kube::Error::Api(status)) => stream::iter([Ok(missing(&status.message))]).boxed(),
            Err(error) => stream::iter([Ok(missing(&error))]).boxed(),
        }
    });
    lines.map(move |line| line.map(|line| format!("{prefix} {line}"))).boxed()
}

fn missing(why: &impl ToString) -> String {
    format!("(no more of its log: {})", why.to_string())
}

/// Why there are no such pods: which there are instead.
async fn none(shops: &Shops, store: &Seen, parts: &[&str]) -> Result<Error, Error> {
    let pods = shops.pods(store, &[]).await?;
    let mut there: Vec<String> = pods.iter().filter_map(part).collect();
    there.sort();
    there.dedup();
    Ok(Error::NoPods { store: store.name(), part: parts.join(", "), there })
}

/// Which part a pod is of.
fn part(pod: &Pod) -> Option<String> {
    let labels = pod.labels();
    if labels.contains_key(CLUSTER_LABEL) {
        return Some(Component::Postgres.to_string());
    }
    labels.get(NAME_LABEL).cloned()
}

#[cfg(test)]
mod tests {
    use http::Request;
    use kube::client::Body;
    use serde_json::{Value, json};

    use super::*;
    use crate::args::StoreName;

    fn pod(name: &str, part: &str) -> Value {
        json!({
            "metadata": {"name": name, "labels": {"app.kubernetes.io/name": part}},
            "spec": {"containers": [{"name": part}, {"name": "beside"}]},
        })
    }

    /// A pod of a cluster, with labels of `CloudNativePG` alone.
    fn pod_of_cluster() -> Value {
        json!({
            "metadata": {"name": "clustered-postgres-1", "labels": {
                "cnpg.io/cluster": "clustered-postgres", "app.kubernetes.io/name": "postgresql"}},
            "spec": {"containers": [{"name": "postgres"}]},
        })
    }

    /// An API server with a Store `demo` that has pods of its cart and its gateway, and a user service whose log nobody may read; and with a
    /// Store `clustered`, whose database `CloudNativePG` runs besides.
    fn answer(request: &Request<Body>) -> (u16, String) {
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        let list = |pods: &[Value]| (200, json!({"metadata": {}, "items": pods}).to_string());
        match path.rsplit('/').next() {
            Some("demo") => (200, json!({"metadata": {"name": "demo"}}).to_string()),
            Some("clustered") => {
                let spec = json!({"database": {"cloudNativePg": {"storage": {"size": "1Gi"}}}});
                (200, json!({"metadata": {"name": "clustered"}, "spec": spec}).to_string())
            }
            Some("pods") if query.contains("cnpg.io%2Fcluster%3Dclustered-postgres") => list(&[pod_of_cluster()]),
            Some("pods") if query.contains("redis") || query.contains("postgres") => list(&[]),
            Some("pods") if query.contains("catalog") => {
                list(&[pod("demo-cart-2", "cart"), pod("demo-cart-1", "cart")])
            }
            Some("pods") if query.contains("user") => list(&[pod("demo-user-1", "user")]),
            Some("pods") => list(&[pod("demo-gateway-1", "gateway"), pod("demo-cart-1", "cart")]),
            Some("log") if query.contains("container=beside") => {
                let message = "container \"beside\" is waiting to start";
                (400, json!({"status": "Failure", "message": message, "reason": "BadRequest", "code": 400}).to_string())
            }
            Some("log") if path.contains("demo-user-1") => {
                let message = "pods \"demo-user-1\" is forbidden";
                (403, json!({"status": "Failure", "message": message, "reason": "Forbidden", "code": 403}).to_string())
            }
            Some("log") => (200, format!("first\n{}\n", if query.contains("tailLines=7") { "last" } else { query })),
            _ => (404, String::new()),
        }
    }

    async fn said(service: Option<&str>, follow: bool) -> Result<Vec<String>, Error> {
        said_of("demo", service, follow).await
    }

    async fn said_of(store: &str, service: Option<&str>, follow: bool) -> Result<Vec<String>, Error> {
        let shops = Shops::answered_by(answer);
        let store = StoreName::from(store);
        let wanted = LogsOf { store, service: service.map(ToOwned::to_owned), follow, previous: false, tail: 7 };
        let mut out = Vec::new();
        logs(&shops, &wanted, &mut out).await?;
        Ok(String::from_utf8(out).unwrap().lines().map(ToOwned::to_owned).collect())
    }

    const EXPECTED: [&str; 6] = [
        "[demo-cart-1 cart] first",
        "[demo-cart-1 cart] last",
        "[demo-cart-1 beside] (no more of its log: container \"beside\" is waiting to start)",
        "[demo-cart-2 cart] first",
        "[demo-cart-2 cart] last",
        "[demo-cart-2 beside] (no more of its log: container \"beside\" is waiting to start)",
    ];

    #[tokio::test]
    async fn each_line_says_who_wrote_it_and_one_that_has_none_stops_nobody() {
        assert_eq!(said(None, false).await.unwrap(), EXPECTED);
    }

    #[tokio::test]
    async fn what_is_followed_is_told_as_it_comes() {
        let mut said = said(None, true).await.unwrap();
        said.sort();
        let mut expected = EXPECTED;
        expected.sort_unstable();
        assert_eq!(said, expected);
    }

    #[tokio::test]
    async fn where_there_are_no_such_pods_those_that_there_are_are_named() {
        let error = said(Some("redis"), false).await.unwrap_err().to_string();
        assert_eq!(error, "there is no pod of redis of Store demo; there are pods of cart, gateway");
    }

    #[tokio::test]
    async fn who_may_not_read_logs_is_told_so_instead() {
        for follow in [false, true] {
            let error = said(Some("user"), follow).await.unwrap_err().to_string();
            assert!(error.starts_with("you may not get pods/log in namespace shop: "), "{error}");
        }
    }

    #[tokio::test]
    async fn the_pods_of_a_database_of_cloud_native_pg_are_found_by_its_labels() {
        let postgres = Some("postgres");
        let prefix = "[clustered-postgres-1 postgres]";
        let expected = [format!("{prefix} first"), format!("{prefix} last")];
        assert_eq!(said_of("clustered", postgres, false).await.unwrap(), expected);
        let error = said_of("clustered", Some("redis"), false).await.unwrap_err().to_string();
        assert!(error.ends_with("there are pods of cart, gateway, postgres"), "{error}");
        assert!(said(postgres, false).await.is_err(), "a Store without a cluster");
    }
}
