//! `status`: how a Store is.

use std::io::Write;

use jiff::Timestamp;

use super::{Answer, show};
use crate::{
    args::Form,
    error::Error,
    paint::Paint,
    picture::{Picture, text},
    seen::Seen,
};

pub(super) fn status(
    store: &Seen,
    form: Form,
    paint: Paint,
    now: Timestamp,
    out: &mut (impl Write + ?Sized),
) -> Result<Answer, Error> {
    let picture = Picture::of(store)?;
    show(form, &picture, || text(&picture, paint, now), out)?;
    Ok(if picture.is_ready() { Answer::Well } else { Answer::NotReady })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What comes of asking for a paused Store of generation 4.
    fn answer(observed: i64, ready: &str) -> Answer {
        let ready = json!({
            "type": "Ready", "status": ready, "reason": "Any", "message": "", "lastTransitionTime": "2026-01-01T11:55:00Z",
        });
        let store = json!({
            "metadata": {"name": "demo", "generation": 4, "annotations": {"shopkeeper.dev/paused": "true"}},
            "status": {"observedGeneration": observed, "conditions": [ready]},
        });
        let store = Seen(serde_json::from_value(store).unwrap());
        status(&store, Form::Text, Paint::PLAIN, Timestamp::UNIX_EPOCH, &mut std::io::sink()).unwrap()
    }

    #[test]
    fn a_paused_store_is_ready_only_if_its_status_is_of_the_spec_that_there_is_now() {
        assert_eq!(answer(4, "True"), Answer::Well);
        assert_eq!(answer(4, "False"), Answer::NotReady);
        assert_eq!(answer(3, "True"), Answer::NotReady);
    }
}
