//! What a request is in the API server's terms, read from its method and path.

use http::{Method, Request};

/// Whether a request may change something.
pub(super) fn is_write(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// A request in the API server's terms; both are from small sets, so that they can be labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Described {
    /// As in a rule of RBAC.
    pub(super) verb: &'static str,
    /// The resource, with its subresource if there is one.
    pub(super) resource: String,
}

impl Described {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let path = Path::of(request.uri().path());
        let query = request.uri().query().unwrap_or_default();
        let watches = query.split('&').any(|pair| matches!(pair, "watch=true" | "watch=1"));
        let verb = match *request.method() {
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE => "delete",
            _ if watches => "watch",
            _ if path.named => "get",
            _ => "list",
        };
        Self { verb, resource: path.resource }
    }
}

/// What a path such as `/apis/apps/v1/namespaces/shop/deployments/demo-cart/status` names.
struct Path {
    resource: String,
    /// Whether it names one object.
    named: bool,
}

impl Path {
    fn of(path: &str) -> Self {
        let mut parts = path.trim_matches('/').split('/');
        // The core group is at /api/v1, all others at /apis/<group>/<version>.
        let skip = if parts.next() == Some("apis") { 2 } else { 1 };
        let rest: Vec<&str> = parts.skip(skip).collect();
        let rest = if rest.first() == Some(&"namespaces") && rest.len() > 2 { &rest[2..] } else { &rest[..] };
        match rest {
            [resource, _, subresource] => Self { resource: format!("{resource}/{subresource}"), named: true },
            [resource, _, ..] => Self { resource: (*resource).to_owned(), named: true },
            [resource] => Self { resource: (*resource).to_owned(), named: false },
            [] => Self { resource: "other".to_owned(), named: true },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_described_without_names() {
        let cases = [
            (Method::GET, "/apis/apps/v1/namespaces/shop/deployments/demo-cart", "get", "deployments"),
            (Method::GET, "/api/v1/namespaces/shop/secrets?limit=500", "list", "secrets"),
            (Method::GET, "/api/v1/secrets?&watch=true&resourceVersion=7", "watch", "secrets"),
            (
                Method::PATCH,
                "/apis/shopkeeper.dev/v1alpha1/namespaces/shop/stores/demo/status?force=true",
                "patch",
                "stores/status",
            ),
            (Method::GET, "/api/v1/namespaces/shop", "get", "namespaces"),
            (Method::PUT, "/apis/coordination.k8s.io/v1/namespaces/s/leases/operator", "update", "leases"),
            (Method::POST, "/apis/events.k8s.io/v1/namespaces/shop/events", "create", "events"),
            (Method::DELETE, "/apis/batch/v1/namespaces/shop/jobs/demo", "delete", "jobs"),
            (Method::GET, "/api", "get", "other"),
        ];
        for (method, uri, verb, resource) in cases {
            let request = Request::builder().method(method).uri(uri).body(()).unwrap();
            assert_eq!(Described::of(&request), Described { verb, resource: resource.into() });
        }
    }
}
