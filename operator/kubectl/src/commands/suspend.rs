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
