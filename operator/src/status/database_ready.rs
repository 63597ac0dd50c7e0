//! `DatabaseReady`.

use super::{Picture, Verdict, ready};

pub(super) fn database_ready(picture: &Picture) -> Verdict {
    match &picture.database {
        None => {
            Verdict::yes("External", "the database is not run by the operator; the services say whether they reach it")
        }
        Some(_) if picture.no_cloud_native_pg => Verdict::no(
            "CloudNativePgMissing",
            "spec.database.cloudNativePg: this cluster does not know Cluster (postgresql.cnpg.io/v1): install CloudNativePG; the shop is \
             made as soon as it is there",
        ),
        Some(_) if ready::is_suspended(picture) => ready::suspended(),
        Some(Some(pods)) if pods.serves() => Verdict::yes("Running", "the database answers"),
        Some(Some(pods)) if pods.ready > 0 && picture.by_cloud_native_pg => Verdict::yes(
            "Running",
            format!("the database answers; {} of {} servers are ready", pods.ready, pods.desired),
        ),
        Some(Some(pods)) if pods.ready > 0 => {
            Verdict::no("RollingOut", "the database is being replaced by its new version")
        }
        Some(Some(_)) => Verdict::no("NotReady", "the database does not answer yet"),
        Some(None) => Verdict::no("NotThere", "the database was not made yet"),
    }
}
