//! `suspend` and `wake`: the field by which nothing of a Store runs.

use std::io::Write;

use serde_json::json;

use super::waits;
use crate::{args::StoreName, error::Error, fetch::Shops};

pub(super) async fn set(
    shops: &Shops,
    name: &StoreName,
    suspended: bool,
    out: &mut (impl Write + ?Sized),
) -> Result<(), Error> {
    let store = shops.store(Some(name)).await?;
    if store.is_suspended() == suspended {
        let how = if suspended { "suspended already" } else { "not suspended" };
        writeln!(out, "Store {name} is {how}.")?;
        out.write_all(waits(&store).as_bytes())?;
        return Ok(());
    }
    shops.patch(&store, &json!({"spec": {"suspend": suspended}})).await?;
    let namespace = shops.namespace();
    if suspended {
        writeln!(
            out,
            "Store {name} is suspended: what serves customers goes first, then database and Redis. Data and settings are kept. \
             `kubectl shopkeeper wake {name}` lets it run again."
        )?;
    } else {
        writeln!(
            out,
            "Store {name} runs again, in the order in which it was made. To wait for it:\n  \
             kubectl --namespace {namespace} wait --for=condition=Ready --timeout=5m store/{name}"
        )?;
    }
    out.write_all(waits(&store).as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::Request;
    use kube::client::Body;

    use super::*;

    /// An API server whose Stores are paused, of which `resting` is suspended.
    fn answer(request: &Request<Body>) -> (u16, String) {
        let store = json!({
            "metadata": {"name": "demo", "annotations": {"shopkeeper.dev/paused": "true"}},
            "spec": {"suspend": request.uri().path().ends_with("/resting")},
        });
        (200, store.to_string())
    }

    #[tokio::test]
    async fn who_suspends_a_paused_store_is_told_what_that_waits_for_each_time() {
        for (name, said) in
            [("demo", "Store demo is suspended: "), ("resting", "Store resting is suspended already.\n")]
        {
            let mut out = Vec::new();
            set(&Shops::answered_by(answer), &StoreName::from(name), true, &mut out).await.unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(text.starts_with(said), "{text}");
            assert!(text.ends_with("nothing happens until `kubectl shopkeeper resume demo`.\n"), "{text}");
        }
    }
}
