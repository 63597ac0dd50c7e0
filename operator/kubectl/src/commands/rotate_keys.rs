//! `rotate-keys`: the annotation of which each new value replaces the key that signs access tokens once.

use std::io::Write;

use jiff::Timestamp;
use serde_json::json;
use shopkeeper_api::ROTATE_SIGNING_KEY_ANNOTATION;

use super::waits;
use crate::{args::StoreName, error::Error, fetch::Shops};

pub(super) async fn rotate(
    shops: &Shops,
    name: &StoreName,
    at_once: bool,
    now: Timestamp,
    out: &mut (impl Write + ?Sized),
) -> Result<(), Error> {
    let store = shops.store(Some(name)).await?;
    let value = value(at_once, now);
    shops.patch(&store, &json!({"metadata": {"annotations": {ROTATE_SIGNING_KEY_ANNOTATION: value}}})).await?;
    let when = if at_once {
        "the new key signs as soon as the user service has it, which takes up to a minute and a half, and for as long a service that has not \
         seen it may refuse new tokens. That takes the old key from nobody yet: whatever it signs, also for somebody else who has it, is believed \
         for the lifetime of an access token and five minutes more, 20 minutes where spec.services.user.accessTokenLifetime says nothing, and \
         then until all services have taken the new set of keys, up to a minute and a half later"
    } else {
        "the new key is published to all services first and signs three minutes later, and the old one stays published until its last \
         token is over: nobody is logged out"
    };
    writeln!(out, "Store {name} gets another signing key: {when}.")?;
    out.write_all(waits(&store).as_bytes())?;
    Ok(())
}

/// Another one each time. The operator looks at how it begins.
fn value(at_once: bool, now: Timestamp) -> String {
    if at_once { format!("now-{now}") } else { now.to_string() }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use kube::client::Body;

    use super::*;

    async fn said(at_once: bool) -> String {
        let answer = |_: &Request<Body>| (200, json!({"metadata": {"name": "demo"}}).to_string());
        let mut out = Vec::new();
        let (shops, store) = (Shops::answered_by(answer), StoreName::from("demo"));
        rotate(&shops, &store, at_once, Timestamp::UNIX_EPOCH, &mut out).await.unwrap();
        String::from_utf8(out).unwrap()
    }

    #[tokio::test]
    async fn who_is_in_a_hurry_is_told_how_long_the_old_key_is_believed() {
        let hurried = said(true).await;
        assert!(hurried.contains("is believed for the lifetime of an access token and five minutes more"), "{hurried}");
        let patient = said(false).await;
        assert!(patient.contains("nobody is logged out") && !patient.contains("believed"), "{patient}");
    }

    #[test]
    fn only_what_is_to_sign_at_once_begins_with_now() {
        let now: Timestamp = "2026-01-01T12:00:00.123456789Z".parse().unwrap();
        assert_eq!(value(true, now), "now-2026-01-01T12:00:00.123456789Z");
        assert_eq!(value(false, now), "2026-01-01T12:00:00.123456789Z");
    }
}
