//! `pause` and `resume`: the annotation by which the operator leaves a Store alone.

use std::io::Write;

use serde_json::json;
use shopkeeper_api::PAUSED_ANNOTATION;

use crate::{args::StoreName, error::Error, fetch::Shops};

pub(super) async fn set(
    shops: &Shops,
    name: &StoreName,
    paused: bool,
    out: &mut (impl Write + ?Sized),
) -> Result<(), Error> {
    let store = shops.store(Some(name)).await?;
    let said = match (store.is_paused(), paused) {
        (true, true) => format!("Store {name} is paused already; `kubectl shopkeeper resume {name}` ends it.\n"),
        (false, false) => format!("Store {name} is not paused.\n"),
        (false, true) => format!(
            "Store {name} is paused: it goes on as it is, changes of it wait, and nothing is repaired. Deleting it works all the same. \
             `kubectl shopkeeper resume {name}` ends it.\n"
        ),
        (true, false) => format!(
            "Store {name} goes on: what was changed meanwhile is done now, and what somebody changed by hand is put right.\n"
        ),
    };
    if store.is_paused() != paused {
        let value = paused.then_some("true");
        shops.patch(&store, &json!({"metadata": {"annotations": {PAUSED_ANNOTATION: value}}})).await?;
    }
    out.write_all(said.as_bytes())?;
    Ok(())
}
