//! `backup`: a Job like those that the Store's `CronJob` makes by the clock.

use std::{collections::BTreeMap, io::Write};

use k8s_openapi::api::batch::v1::{CronJob, Job};
use kube::{Resource, ResourceExt};

use crate::{args::StoreName, error::Error, fetch::Shops};

/// Says that it was not made by the clock, as `kubectl create job --from` does.
const BY_HAND: (&str, &str) = ("cronjob.kubernetes.io/instantiate", "manual");

pub(super) async fn backup(shops: &Shops, name: &StoreName, out: &mut (impl Write + ?Sized)) -> Result<(), Error> {
    let store = shops.store(Some(name)).await?;
    if store.is_suspended() {
        return Err(Error::Suspended(store.name()));
    }
    let Some(cron_job) = shops.backups(&store).await? else { return Err(Error::NoBackups(store.name())) };
    if !store.owns(&cron_job) {
        return Err(Error::OthersBackups { store: store.name(), cron_job: cron_job.name_any() });
    }
    let job = shops.create(&job(&cron_job)).await?.name_any();
    let namespace = shops.namespace();
    writeln!(
        out,
        "Job {job} makes a backup of Store {name}. To wait for it, and to see which backups there are:\n  \
         kubectl --namespace {namespace} wait --for=condition=Complete --timeout=1h job/{job}\n  \
         kubectl --namespace {namespace} logs job/{job}"
    )?;
    Ok(())
}

/// The operator sees by its owner that it is a backup.
fn job(cron_job: &CronJob) -> Job {
    let template = cron_job.spec.clone().unwrap_or_default().job_template;
    let mut job = Job { metadata: template.metadata.unwrap_or_default(), spec: template.spec, status: None };
    let metadata = &mut job.metadata;
    metadata.generate_name = Some(format!("{}-now-", cron_job.name_any()));
    metadata.owner_references = cron_job.controller_owner_ref(&()).map(|owner| vec![owner]);
    let annotations: &mut BTreeMap<String, String> = metadata.annotations.get_or_insert_default();
    annotations.insert(BY_HAND.0.into(), BY_HAND.1.into());
    job
}

#[cfg(test)]
mod tests {
    use http::Request;
    use kube::client::Body;
    use serde_json::json;

    use super::*;

    /// An API server with the Stores `demo` and `bare`, and with a `CronJob` for each, which is of `demo` both times.
    fn answer(request: &Request<Body>) -> (u16, String) {
        let owner = json!({"apiVersion": "shopkeeper.dev/v1alpha1", "kind": "Store", "name": "demo", "uid": "of-demo"});
        let object = match request.uri().path().rsplit('/').next().unwrap_or_default() {
            "jobs" => json!({"metadata": {"name": "demo-backup-now-1"}}),
            name if name.ends_with("-backup") => json!({"metadata": {"name": name, "ownerReferences": [owner]}}),
            name => json!({"metadata": {"name": name, "uid": format!("of-{name}")}}),
        };
        (200, object.to_string())
    }

    async fn said(store: &str) -> Result<String, Error> {
        let mut out = Vec::new();
        backup(&Shops::answered_by(answer), &StoreName::from(store), &mut out).await?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[tokio::test]
    async fn a_job_is_made_of_the_stores_own_cron_job_alone() {
        let text = said("demo").await.unwrap();
        assert!(text.starts_with("Job demo-backup-now-1 makes a backup of Store demo."), "{text}");
        let error = said("bare").await.unwrap_err().to_string();
        assert!(error.starts_with("CronJob bare-backup does not belong to Store bare, "), "{error}");
    }

    #[test]
    fn the_job_is_the_one_that_the_clock_would_make_under_a_name_of_its_own() {
        let cron_job: CronJob = serde_json::from_value(json!({
            "apiVersion": "batch/v1", "kind": "CronJob",
            "metadata": {"name": "demo-backup", "namespace": "shop", "uid": "c"},
            "spec": {"schedule": "0 3 * * *", "jobTemplate": {
                "metadata": {"labels": {"app.kubernetes.io/instance": "demo"}},
                "spec": {"backoffLimit": 4, "template": {}},
            }},
        }))
        .unwrap();
        let expected = json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {
                "generateName": "demo-backup-now-", "labels": {"app.kubernetes.io/instance": "demo"},
                "annotations": {"cronjob.kubernetes.io/instantiate": "manual"},
                "ownerReferences": [
                    {"apiVersion": "batch/v1", "kind": "CronJob", "name": "demo-backup", "uid": "c", "controller": true}],
            },
            "spec": {"backoffLimit": 4, "template": {}},
        });
        assert_eq!(serde_json::to_value(job(&cron_job)).unwrap(), expected);
    }
}
