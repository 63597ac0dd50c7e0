//! The operator: whether it works, keeps up, fails, and is quiet when there is nothing to do.

use super::parts::{NOW, job, or_nothing, quantile, rate};
use crate::grafana::{Dashboard, Level, Mapping, Panel, Target, Unit};
use crate::promql::{Expr, Job};

pub(super) fn dashboard() -> Dashboard {
    let about = "Whether the operator works, keeps up and fails, and what it says of this Store.";
    Dashboard::new("shop-operator", "Operator", about)
        .row("This Store", store())
        .row("At a glance", glance())
        .row("Work", work())
        .row("The API server", api())
        .row("Cache policies", policies())
}

fn now(name: &str) -> Expr {
    job(Job::Operator).metric(name).now()
}

fn per_second(name: &str, by: &[&str]) -> Expr {
    rate(&job(Job::Operator), name, by)
}

fn store() -> Vec<Panel> {
    vec![
        Panel::table("Conditions", Unit::Plain)
            .about("The conditions of the Store. Bad: Ready or another that should be true is not, or Degraded is.")
            .words(Mapping::yes_no("true", "false"))
            .with(Target::new(&now("operator_store_condition").max(&["condition"]), "{{condition}}")),
        Panel::table("Pods that should be", Unit::Count)
            .about(
                "Pods of each part that the Store asks for. Bad: nothing by itself; compare with those that are ready.",
            )
            .wide(6)
            .with(Target::new(&now("operator_store_pods_desired").max(&["component"]), "{{component}}")),
        Panel::table("Pods that are ready", Unit::Count)
            .about("Pods of each part that are ready. Bad: fewer than should be.")
            .wide(6)
            .with(Target::new(&now("operator_store_pods_ready").max(&["component"]), "{{component}}")),
    ]
}

fn glance() -> Vec<Panel> {
    let failed = job(Job::Operator).metric("operator_reconcile_total").unlike("result", "ok|NotLeading");
    vec![
        Panel::figure("Working", Unit::Plain)
            .about("Replicas that hold the Lease. Bad: none; two for a moment is an old figure.")
            .levels([Level::Good(1.0)])
            .with(Target::new(&now("operator_leader").sum(&[]), "working")),
        Panel::figure("Stores not ready", Unit::Count)
            .about("Stores in the whole cluster that are not ready. Bad: any that stays.")
            .levels([Level::Odd(1.0)])
            .with(Target::new(
                &job(Job::Operator).metric("operator_stores").labelled("ready", "False").now().max(&[]),
                "not ready",
            )),
        Panel::figure("Failing", Unit::PerSecond)
            .about("Looks at Stores that ended in an error, a second. Bad: any that stays.")
            .levels([Level::Odd(0.001)])
            .with(Target::new(&or_nothing(&failed.rate(NOW).sum(&[]), &job(Job::Operator)), "failing")),
        Panel::figure("Waiting for another try", Unit::Count)
            .about("Stores that failed and wait. Bad: any that stays.")
            .levels([Level::Odd(1.0)])
            .with(Target::new(&now("operator_objects_in_backoff").max(&[]), "waiting")),
        Panel::figure("Queue", Unit::Count)
            .about("Stores that were touched and not looked at yet. Bad: it stays high: raise concurrency.")
            .levels([Level::Odd(10.0), Level::Bad(100.0)])
            .with(Target::new(&now("operator_queue_depth").max(&[]), "queue")),
        Panel::figure("Memory", Unit::Bytes)
            .about("Resident memory of the largest replica. Bad: near the limit of its container.")
            .with(Target::new(&now("process_resident_memory_bytes").max(&[]), "memory")),
    ]
}

fn work() -> Vec<Panel> {
    let operator = &job(Job::Operator);
    let drift = per_second("operator_drift_corrected_total", &["kind"]);
    vec![
        Panel::areas("Looks at Stores", Unit::PerSecond)
            .about("Looks at Stores by how they ended. Bad: anything but ok that stays; NotLeading is the replica that stands by.")
            .with(Target::new(&per_second("operator_reconcile_total", &["result"]), "{{result}}")),
        Panel::lines("Time for a Store", Unit::Seconds)
            .about("Half and 99 of 100 looks at a Store end within this. Bad: seconds: the API server is slow.")
            .with(Target::new(&quantile(operator, "operator_reconcile_duration_seconds", 0.5, &[]), "half"))
            .with(Target::new(&quantile(operator, "operator_reconcile_duration_seconds", 0.99, &[]), "99 of 100")),
        Panel::lines("Wait in the queue", Unit::Seconds)
            .about("99 of 100 Stores are looked at within this after they were touched. Bad: it grows: raise concurrency.")
            .with(Target::new(&quantile(operator, "operator_queue_wait_seconds", 0.99, &[]), "99 of 100")),
        Panel::lines("Put right", Unit::PerSecond)
            .about("Objects that somebody else had changed or deleted. Bad: it never ends: two who set the same field.")
            .wide(24)
            .with(Target::new(&or_nothing(&drift, operator), "{{kind}}")),
    ]
}

fn api() -> Vec<Panel> {
    let operator = &job(Job::Operator);
    let writes = operator
        .metric("operator_api_requests_total")
        .like("verb", "create|update|patch|delete")
        .not_labelled("resource", "leases");
    vec![
        Panel::areas("Requests", Unit::PerSecond)
            .about("Requests to the API server by how they ended. Bad: failed, unreachable, and many conflicts.")
            .with(Target::new(&per_second("operator_api_requests_total", &["verb", "result"]), "{{verb}} {{result}}")),
        Panel::lines("Writes", Unit::PerSecond)
            .about("What the operator writes, the Lease left out. Bad: anything, while nothing changes.")
            .with(Target::new(&or_nothing(&writes.rate(NOW).sum(&["resource"]), operator), "{{resource}}")),
        Panel::lines("Time of the API server", Unit::Seconds)
            .about(
                "99 of 100 requests are answered within this. Bad: seconds: the API server or etcd has too much to do.",
            )
            .with(Target::new(
                &quantile(operator, "operator_api_request_duration_seconds", 0.99, &["verb"]),
                "{{verb}}",
            )),
        Panel::lines("Watches", Unit::PerSecond)
            .about("Watches that failed or had to list everything again. Bad: more than now and then.")
            .wide(24)
            .with(Target::new(&or_nothing(&per_second("operator_watch_errors_total", &[]), operator), "failed"))
            .with(Target::new(&or_nothing(&per_second("operator_watch_restarts_total", &[]), operator), "began anew")),
    ]
}

fn policies() -> Vec<Panel> {
    let operator = &job(Job::Operator);
    let answers = per_second("operator_cache_policy_answers_total", &["outcome"]);
    vec![
        Panel::lines("Time until all pods run a policy", Unit::Seconds)
            .about("From the writing of cache policies until every pod had acknowledged them: half and 99 of 100. Bad: more than two seconds.")
            .wide(12)
            .with(Target::new(&quantile(operator, "operator_cache_policy_seconds", 0.5, &[]), "half"))
            .with(Target::new(&quantile(operator, "operator_cache_policy_seconds", 0.99, &[]), "99 of 100")),
        Panel::lines("Answers of pods", Unit::PerSecond)
            .about("What pods answered when they were asked for their policies. Bad: refusals, or no answers, that stay.")
            .wide(12)
            .with(Target::new(&or_nothing(&answers, operator), "{{outcome}}")),
    ]
}
