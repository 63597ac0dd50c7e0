//! How the backups of a Store are, as far as their `CronJob` and its Jobs tell.

use jiff::Timestamp;

use super::{Observed, StoreName};
use crate::{
    health::{Failure, Health},
    kind::{ChildRef, Kind},
};

/// How the backups of a Store are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backups {
    /// When one was complete last.
    pub last_success: Option<Timestamp>,
    /// The Job that failed last, if none succeeded after it.
    pub failed: Option<(String, Failure)>,
}

impl Observed {
    /// How the backups are that a `CronJob` makes, if it is there.
    pub fn backups(&self, store: &StoreName, name: &str) -> Option<Backups> {
        let child = ChildRef { namespace: store.namespace.clone(), kind: Kind::CronJob, name: name.to_owned() };
        let Health::Schedule(last_success) = self.get(&child)?.health else { return None };
        let inner = self.lock();
        let failures = inner.within(&store.namespace).filter_map(|(child, known)| match &known.seen.as_ref()?.health {
            Health::Run(run) if run.of == name => Some((child.name.clone(), run.failed.clone()?)),
            _ => None,
        });
        let latest = failures.max_by_key(|(_, failure)| failure.at);
        let failed = latest.filter(|(_, failure)| last_success.is_none_or(|success| success < failure.at));
        Some(Backups { last_success, failed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::{core::DynamicObject, runtime::watcher::Event};
    use serde_json::{Value, json};
    use shopkeeper_plan::INSTANCE_LABEL;

    fn store() -> StoreName {
        StoreName { namespace: "shop".into(), name: "demo".into() }
    }

    fn record(observed: &Observed, kind: Kind, object: &Value) -> Vec<StoreName> {
        let object: DynamicObject = serde_json::from_value(object.clone()).unwrap();
        observed.record(kind, Event::Apply(object))
    }

    fn cron_job(last_success: Option<&str>) -> Value {
        json!({
            "apiVersion": "batch/v1", "kind": "CronJob",
            "metadata": {"name": "demo-backup", "namespace": "shop", "uid": "c", "labels": {INSTANCE_LABEL: "demo"}},
            "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {}}}},
            "status": {"lastSuccessfulTime": last_success},
        })
    }

    fn job(name: &str, of: &str, condition: &str, at: &str) -> Value {
        json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {
                "name": name, "namespace": "shop", "uid": name, "labels": {INSTANCE_LABEL: "demo"},
                "ownerReferences": [{"apiVersion": "batch/v1", "kind": "CronJob", "name": of, "uid": "c", "controller": true}],
            },
            "spec": {"template": {}},
            "status": {"conditions": [{
                "type": condition, "status": "True", "lastTransitionTime": at, "reason": "BackoffLimitExceeded", "message": "too often",
            }]},
        })
    }

    fn failed(observed: &Observed) -> Option<String> {
        observed.backups(&store(), "demo-backup").unwrap().failed.map(|(job, _)| job)
    }

    #[test]
    fn a_run_counts_as_failed_until_a_later_one_succeeds_or_it_is_gone() {
        let observed = Observed::default();
        assert_eq!(observed.backups(&store(), "demo-backup"), None, "there is no CronJob");
        record(&observed, Kind::CronJob, &cron_job(None));
        assert_eq!(observed.backups(&store(), "demo-backup"), Some(Backups::default()));

        record(&observed, Kind::CronJob, &cron_job(Some("2026-01-01T03:00:10Z")));
        record(&observed, Kind::Job, &job("of-another", "other-backup", "Failed", "2026-01-09T03:00:00Z"));
        record(&observed, Kind::Job, &job("done", "demo-backup", "Complete", "2026-01-09T03:00:00Z"));
        record(&observed, Kind::Job, &job("long-ago", "demo-backup", "Failed", "2025-12-31T03:00:00Z"));
        assert_eq!(failed(&observed), None);

        let first = job("first", "demo-backup", "Failed", "2026-01-02T03:00:00Z");
        assert_eq!(record(&observed, Kind::Job, &first), [store()], "the Store is looked at");
        let second = job("second", "demo-backup", "Failed", "2026-01-03T03:00:00Z");
        record(&observed, Kind::Job, &second);
        let Backups { last_success, failed: latest } = observed.backups(&store(), "demo-backup").unwrap();
        assert_eq!(last_success, Some("2026-01-01T03:00:10Z".parse().unwrap()));
        let expected =
            Failure { at: "2026-01-03T03:00:00Z".parse().unwrap(), why: "BackoffLimitExceeded: too often".into() };
        assert_eq!(latest, Some(("second".to_owned(), expected)));

        let gone: DynamicObject = serde_json::from_value(second).unwrap();
        observed.record(Kind::Job, Event::Delete(gone));
        assert_eq!(failed(&observed).as_deref(), Some("first"));
        record(&observed, Kind::CronJob, &cron_job(Some("2026-01-02T04:00:00Z")));
        assert_eq!(failed(&observed), None);
    }

    #[test]
    fn a_run_is_none_of_the_jobs_that_the_shop_waits_for() {
        let observed = Observed::default();
        record(&observed, Kind::Job, &job("demo-backup-1", "demo-backup", "Complete", "2026-01-01T03:00:00Z"));
        assert_eq!(observed.job(&store(), "demo-backup-1"), None);
        assert!(observed.owned_by(&store(), "c").is_empty());
    }
}
