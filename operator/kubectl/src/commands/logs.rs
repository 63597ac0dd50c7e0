//! `logs`: what the pods of a Store write, each line with who wrote it.

use std::io::Write;

use futures::{
    AsyncBufReadExt as _, StreamExt as _,
    stream::{self, BoxStream},
};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt, api::LogParams};
use shopkeeper_plan::{Component, NAME_LABEL, SERVICES};

use crate::{args::LogsOf, error::Error, fetch::Shops, seen::Seen};

pub(super) async fn logs(shops: &Shops, wanted: &LogsOf, out: &mut (impl Write + ?Sized)) -> Result<(), Error> {
    let store = shops.store(Some(&wanted.store)).await?;
    let services = SERVICES.map(Component::as_str);
    let parts = wanted.service.as_deref().map_or(services.to_vec(), |part| vec![part]);
    let mut pods = shops.pods(&store, &parts).await?;
    if pods.is_empty() {
        return Err(none(shops, &store, &parts).await?);
    }
    pods.sort_by_key(ResourceExt::name_any);
    let streams: Vec<_> = pods.iter().flat_map(containers).map(|source| lines(shops.api(), source, wanted)).collect();
    // What has an end is told one after the other, what has none as it comes.
    let mut all =
        if wanted.follow { stream::select_all(streams).boxed() } else { stream::iter(streams).flatten().boxed() };
    while let Some(line) = all.next().await {
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

/// The lines of one container. Why there are none is a line as well, as the others go on.
fn lines(pods: Api<Pod>, source: Source, wanted: &LogsOf) -> BoxStream<'static, String> {
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
    let lines = stream::once(opened).flat_map(|opened| match opened {
        Ok(reader) => Box::pin(reader).lines().map(|line| line.unwrap_or_else(|error| missing(&error))).boxed(),
        Err(kube::Error::Api(status)) => stream::iter([missing(&status.message)]).boxed(),
        Err(error) => stream::iter([missing(&error)]).boxed(),
    });
    lines.map(move |line| format!("{prefix} {line}")).boxed()
}

fn missing(why: &impl ToString) -> String {
    format!("(no more of its log: {})", why.to_string())
}

/// Why there are no such pods: which there are instead.
async fn none(shops: &Shops, store: &Seen, parts: &[&str]) -> Result<Error, Error> {
    let pods = shops.pods(store, &[]).await?;
    let mut there: Vec<String> = pods.iter().filter_map(|pod| pod.labels().get(NAME_LABEL).cloned()).collect();
    there.sort();
    there.dedup();
    Ok(Error::NoPods { store: store.name(), part: parts.join(", "), there })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::{Request, Response};
    use kube::{Client, client::Body};
    use serde_json::{Value, json};
    use tower::service_fn;

    use super::*;
    use crate::args::StoreName;

    fn pod(name: &str, part: &str) -> Value {
        json!({
            "metadata": {"name": name, "labels": {"app.kubernetes.io/name": part}},
            "spec": {"containers": [{"name": part}, {"name": "beside"}]},
        })
    }

    /// An API server with a Store `demo` that has a pod of its cart and one of its gateway.
    fn answer(request: &Request<Body>) -> (u16, String) {
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        let list = |pods: &[Value]| (200, json!({"metadata": {}, "items": pods}).to_string());
        match path.rsplit('/').next() {
            Some("demo") => (200, json!({"metadata": {"name": "demo"}}).to_string()),
            Some("pods") if query.contains("redis") => list(&[]),
            Some("pods") if query.contains("catalog") => {
                list(&[pod("demo-cart-2", "cart"), pod("demo-cart-1", "cart")])
            }
            Some("pods") => list(&[pod("demo-gateway-1", "gateway"), pod("demo-cart-1", "cart")]),
            Some("log") if query.contains("container=beside") => {
                let message = "container \"beside\" is waiting to start";
                (400, json!({"status": "Failure", "message": message, "reason": "BadRequest", "code": 400}).to_string())
            }
            Some("log") => (200, format!("first\n{}\n", if query.contains("tailLines=7") { "last" } else { query })),
            _ => (404, String::new()),
        }
    }

    async fn said(service: Option<&str>, follow: bool) -> Result<Vec<String>, Error> {
        let server = service_fn(|request: Request<Body>| async move {
            let (status, body) = answer(&request);
            let answer = Response::builder().status(status).body(Body::from(body.into_bytes())).unwrap();
            Ok::<_, Infallible>(answer)
        });
        let shops = Shops::new(Client::new(server, "shop"), "shop".into());
        let store = StoreName::from("demo");
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
}
