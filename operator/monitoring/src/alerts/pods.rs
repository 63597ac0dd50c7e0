//! Pods: whether they are there, ready, seen, and stay.

use super::Context;
use crate::promql::{Expr, Job, SERVICES, Selector, absent};
use crate::rules::{Alert, Severity};

pub(super) fn alerts(context: &Context<'_>) -> Vec<Alert> {
    vec![
        none_ready(context),
        some_missing(context),
        not_seen(context),
        unknown(context),
        restarting(context),
        not_ready(context),
        degraded(context),
    ]
}

/// The parts without which nothing can be bought.
const NEEDED: &str = "catalog|cart|order|user|gateway|postgres";

/// Pods of each part that should be, and of those that are ready.
fn counts(context: &Context<'_>) -> (Selector, Selector) {
    let operator = context.job(Job::Operator);
    (operator.metric("operator_store_pods_desired"), operator.metric("operator_store_pods_ready"))
}

/// Parts that customers need and that have no pod.
fn closed(context: &Context<'_>) -> Expr {
    let (desired, ready) = counts(context);
    let of = |pods: Selector| pods.like("component", NEEDED).now().max(&["component"]);
    of(ready).equal(0.0).and(&of(desired).above(0.0))
}

fn none_ready(context: &Context<'_>) -> Alert {
    context
        .alert("PodsMissing", Severity::Critical, "{{ $labels.component }}", &closed(context))
        .lasting(context.minutes(2))
        .says("A part of the shop has no pod that is ready.", "No pod of {{ $labels.component }} is ready.")
        .on("shop-overview")
}

fn some_missing(context: &Context<'_>) -> Alert {
    let (desired, ready) = counts(context);
    let of = |pods: Selector| pods.now().max(&["component"]);
    let missing = (of(desired) - of(ready)).above(0.0).unless_on(&["component"], &closed(context));
    context
        .alert("PodsMissing", Severity::Warning, "{{ $labels.component }}", &missing)
        .lasting(context.minutes(10))
        .says(
            "A part of the shop has fewer pods than it should.",
            "{{ $value }} of the pods of {{ $labels.component }} are not ready.",
        )
        .on("shop-overview")
}

fn not_seen(context: &Context<'_>) -> Alert {
    let up = context.scope.recorded().metric("up");
    context
        .alert("InstanceDown", Severity::Warning, "{{ $labels.job }}", &up.now().equal(0.0))
        .lasting(context.minutes(3))
        .says(
            "Something does not tell its figures.",
            "{{ $labels.instance }} of {{ $labels.job }} is there and can't be asked for its figures.",
        )
        .on("shop-runtime")
}

/// Parts of which Prometheus knows no pod, though there should be some.
fn unknown(context: &Context<'_>) -> Alert {
    let desired = context.job(Job::Operator).metric("operator_store_pods_desired");
    let without = |job: Job| {
        let wanted = desired.clone().labelled("component", job.as_str()).now().above(0.0);
        absent(&context.job(job).metric("up").now()).and_on(&["namespace", "store"], &wanted)
    };
    let others = SERVICES.into_iter().map(without);
    let expr = others.fold(without(Job::Gateway), |all, one| all.or(&one));
    context
        .alert("TargetMissing", Severity::Warning, "{{ $labels.job }}", &expr)
        .lasting(context.minutes(5))
        .says(
            "Prometheus knows no pod of a part of the shop.",
            "There should be pods of {{ $labels.job }}, and Prometheus finds none.",
        )
        .on("shop-runtime")
}

fn restarting(context: &Context<'_>) -> Alert {
    let jobs = [Job::Catalog, Job::Cart, Job::Order, Job::User, Job::Gateway];
    let started = context.scope.jobs(&jobs).metric("process_start_time_seconds");
    context
        .alert(
            "ProcessRestarting",
            Severity::Warning,
            "{{ $labels.job }}",
            &started.changes(context.lately()).above(2.0),
        )
        .says(
            "A process ends again and again.",
            "{{ $labels.instance }} of {{ $labels.job }} was started {{ $value }} times in a quarter of an hour.",
        )
        .on("shop-runtime")
}

fn not_ready(context: &Context<'_>) -> Alert {
    let ready = context.job(Job::Operator).metric("operator_store_ready");
    context
        .alert("StoreNotReady", Severity::Critical, "operator", &ready.now().max(&[]).equal(0.0))
        .lasting(context.minutes(5))
        .says("The shop is not ready.", "The operator says that the Store is not ready; its conditions say why.")
        .on("shop-operator")
}

fn degraded(context: &Context<'_>) -> Alert {
    let degraded = context.job(Job::Operator).metric("operator_store_condition").labelled("condition", "Degraded");
    context
        .alert("StoreDegraded", Severity::Warning, "operator", &degraded.now().max(&[]).equal(1.0))
        .lasting(context.minutes(10))
        .says(
            "Something of the Store can't be made.",
            "The operator fails at a part of the Store and tries again; the condition Degraded says which and why.",
        )
        .on("shop-operator")
}

#[cfg(test)]
pub(super) fn examples() -> Vec<super::example::Example> {
    use super::example::Example;
    let (desired, ready) = ("operator_store_pods_desired", "operator_store_pods_ready");
    let cart = r#"component="cart""#;
    let of_cart = [("component", "cart"), ("service", "cart")];
    let pods = |has: &str| {
        Example::of("PodsMissing", "15m").with("operator", desired, cart, "2x60").with("operator", ready, cart, has)
    };
    vec![
        pods("0x60").fires(Severity::Critical, of_cart, "No pod of cart is ready."),
        pods("1x60").fires(Severity::Warning, of_cart, "1 of the pods of cart are not ready."),
        pods("2x60"),
        // Without its traces the shop goes on.
        Example::of("PodsMissing", "15m")
            .with("operator", desired, r#"component="jaeger""#, "1x60")
            .with("operator", ready, r#"component="jaeger""#, "0x60")
            .fires(
                Severity::Warning,
                [("component", "jaeger"), ("service", "jaeger")],
                "1 of the pods of jaeger are not ready.",
            ),
        // A shop that is suspended has none and should have none.
        Example::of("PodsMissing", "15m").with("operator", desired, cart, "0x60").with("operator", ready, cart, "0x60"),
        Example::of("InstanceDown", "5m").with("cart", "up", r#"instance="10.0.0.7:9090""#, "0x60").fires(
            Severity::Warning,
            [("job", "cart"), ("service", "cart"), ("instance", "10.0.0.7:9090")],
            "10.0.0.7:9090 of cart is there and can't be asked for its figures.",
        ),
        Example::of("InstanceDown", "5m").with("cart", "up", r#"instance="10.0.0.7:9090""#, "0x4 1x60"),
        Example::of("TargetMissing", "10m").with("operator", desired, cart, "2x60").fires(
            Severity::Warning,
            [("job", "cart"), ("service", "cart")],
            "There should be pods of cart, and Prometheus finds none.",
        ),
        Example::of("TargetMissing", "10m").with("operator", desired, cart, "2x60").with("cart", "up", "", "0x60"),
        Example::of("ProcessRestarting", "15m")
            .with("cart", "process_start_time_seconds", r#"instance="10.0.0.7:9090""#, "100x10 200x10 300x5 400x30")
            .fires(
                Severity::Warning,
                [("job", "cart"), ("service", "cart"), ("instance", "10.0.0.7:9090")],
                "10.0.0.7:9090 of cart was started 3 times in a quarter of an hour.",
            ),
        Example::of("ProcessRestarting", "15m").with("cart", "process_start_time_seconds", "", "100x10 200x60"),
        Example::of("StoreNotReady", "10m").with("operator", "operator_store_ready", "", "0x60").fires(
            Severity::Critical,
            [("service", "operator")],
            "The operator says that the Store is not ready; its conditions say why.",
        ),
        Example::of("StoreNotReady", "10m").with("operator", "operator_store_ready", "", "0x8 1x60"),
        Example::of("StoreDegraded", "15m")
            .with("operator", "operator_store_condition", r#"condition="Degraded""#, "1x60")
            .fires(
                Severity::Warning,
                [("service", "operator")],
                "The operator fails at a part of the Store and tries again; the condition Degraded says which and why.",
            ),
        Example::of("StoreDegraded", "15m")
            .with("operator", "operator_store_condition", r#"condition="Degraded""#, "0x60")
            .with("operator", "operator_store_condition", r#"condition="Ready""#, "1x60"),
    ]
}
