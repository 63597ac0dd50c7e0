//! Who asks, as far as an address tells.

use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::serve::Peer;

/// The address of the client.
///
/// Only the gateway and siblings can reach a service, and the gateway appends the address that it saw to `X-Forwarded-For`, so the last
/// entry is the only one that the client can't choose. Without the header it is the peer of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientIp(pub IpAddr);

impl fmt::Display for ClientIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<S: Sync> FromRequestParts<S> for ClientIp {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let forwarded = parts
            .headers
            .get_all("x-forwarded-for")
            .iter()
            .next_back()
            .and_then(|value| value.to_str().ok())
            .and_then(|list| list.rsplit(',').next())
            .and_then(|address| address.trim().parse().ok());
        let peer = || parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
        Ok(Self(forwarded.or_else(peer).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_address_that_the_gateway_saw_counts() {
        let request = http::Request::builder().header("x-forwarded-for", "6.6.6.6, 10.0.0.1").body(()).expect("valid");
        let (mut parts, ()) = request.into_parts();
        let Ok(ip) = ClientIp::from_request_parts(&mut parts, &()).await;
        assert_eq!(ip.to_string(), "10.0.0.1");
    }
}
