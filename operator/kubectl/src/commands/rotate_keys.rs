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
        "the new key signs as soon as it is published, so for up to a minute and a half a service that has not seen it may refuse new tokens"
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
    use super::*;

    #[test]
    fn only_what_is_to_sign_at_once_begins_with_now() {
        let now: Timestamp = "2026-01-01T12:00:00.123456789Z".parse().unwrap();
        assert_eq!(value(true, now), "now-2026-01-01T12:00:00.123456789Z");
        assert_eq!(value(false, now), "2026-01-01T12:00:00.123456789Z");
    }
}
