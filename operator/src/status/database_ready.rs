//! `DatabaseReady`.

use super::{Picture, Verdict};

pub(super) fn database_ready(picture: &Picture) -> Verdict {
    match &picture.database {
        None => {
            Verdict::yes("External", "the database is not run by the operator; the services say whether they reach it")
        }
        Some(Some(pods)) if pods.is_healthy() => Verdict::yes("Running", "the database answers"),
        Some(Some(pods)) if pods.ready > 0 => {
            Verdict::no("RollingOut", "the database is being replaced by its new version")
        }
        Some(Some(_)) => Verdict::no("NotReady", "the database does not answer yet"),
        Some(None) => Verdict::no("NotThere", "the database was not made yet"),
    }
}
