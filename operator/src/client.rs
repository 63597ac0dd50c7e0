//! The client for the API server: named, bounded, every request of it counted, and its writes refused without the Lease.

mod gate;
mod measure;
mod request;

use std::time::Duration;

use http::{HeaderName, HeaderValue, header::USER_AGENT};
use kube::{Client, Config, client::ClientBuilder};
use tower::timeout::TimeoutLayer;

use crate::{lease::Term, metrics::Metrics};
use gate::Gate;
use measure::Measure;

/// How the operator calls itself in the API server's audit log; in brackets after it the name of the replica.
pub const USER_AGENT_NAME: &str = concat!("shopkeeper-operator/", env!("CARGO_PKG_VERSION"));

/// The API server begins to answer within this time, also a watch; its own limit for a request is a minute. Without it, a list that
/// nobody answers would be waited for without end, and with it every reconcile.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(75);

/// A client whose requests are counted, and whose writes nobody stops: for the Lease itself.
///
/// It does not try again by itself: a reconcile that failed is tried again with a backoff of its own, and one that
/// waited inside the client would hold its place among the few that run at the same time.
pub fn client(config: Config, metrics: &Metrics) -> kube::Result<Client> {
    let patient = ClientBuilder::try_from(named(config))?.with_layer(&TimeoutLayer::new(ANSWER_WITHIN));
    Ok(patient.with_layer(&Measure::new(metrics)).build())
}

/// A client that writes only while `term` has time to spare.
pub fn gated_client(config: Config, metrics: &Metrics, term: Term) -> kube::Result<Client> {
    let patient = ClientBuilder::try_from(named(config))?.with_layer(&TimeoutLayer::new(ANSWER_WITHIN));
    Ok(patient.with_layer(&Gate::new(term)).with_layer(&Measure::new(metrics)).build())
}

/// The configuration, with the name of the replica in the audit log.
pub fn as_replica(mut config: Config, identity: &str) -> Config {
    if let Ok(name) = HeaderValue::from_str(&format!("{USER_AGENT_NAME} ({identity})")) {
        config.headers.push((USER_AGENT, name));
    }
    config
}

fn named(mut config: Config) -> Config {
    config.default_retry = false;
    if !config.headers.iter().any(|(name, _)| name == USER_AGENT) {
        let name: (HeaderName, HeaderValue) = (USER_AGENT, HeaderValue::from_static(USER_AGENT_NAME));
        config.headers.push(name);
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_proxy_is_a_way_to_the_api_server() {
        let mut config = Config::new("https://api.example.com".parse().unwrap());
        config.accept_invalid_certs = true;
        config.proxy_url = Some("http://proxy.example.com:3128".parse().unwrap());
        assert!(client(config, &Metrics::new().unwrap()).is_ok());
    }
}
