//! The caches: whether they help, and whether what they serve is true.

use super::Context;
use crate::promql::{Expr, Job, SERVICES, Selector};
use crate::rules::{Alert, Severity};

/// A cache that is asked less often tells nothing by its share of hits.
const SOME_LOOKUPS: f64 = 1.0;
/// The share of answers that may be past their time, since a source was slow for a moment.
const FEW_STALE: f64 = 0.01;
/// The share of loads that may fail.
const FEW_FAILED: f64 = 0.05;

pub(super) fn alerts(context: &Context<'_>) -> Vec<Alert> {
    vec![
        hit_ratio(context),
        staleness(context),
        stale(context),
        loads(context),
        subscription(context),
        waiting(context),
        policy(context),
    ]
}

fn of(context: &Context<'_>, name: &str) -> Selector {
    context.scope.jobs(&SERVICES).metric(name)
}

fn answers(context: &Context<'_>, by: &[&str]) -> (Expr, Expr) {
    let rate = |name| of(context, name).rate(context.recently()).sum(by);
    let hits = rate("cache_hits_total");
    (hits.clone(), hits + rate("cache_misses_total"))
}

/// Over all caches: those with few keys that are asked for twice have few hits by nature.
fn hit_ratio(context: &Context<'_>) -> Alert {
    let (hits, all) = answers(context, &[]);
    let low = hits.share_of(&all).below(context.settings.hit_ratio);
    context
        .alert("CacheHitRatioLow", Severity::Warning, "cache", &low.and(&all.above(SOME_LOOKUPS)))
        .lasting(context.minutes(15))
        .says(
            "The caches help little.",
            "Only {{ $value | humanizePercentage }} of what is asked for is in the caches.",
        )
        .on("shop-cache")
}

fn staleness(context: &Context<'_>) -> Alert {
    let behind = of(context, "cache_staleness_seconds_bucket").rate(context.recently()).quantile(0.99, &["cache"]);
    context
        .alert("CacheStaleness", Severity::Warning, "cache", &behind.above(context.settings.staleness.as_secs_f64()))
        .lasting(context.minutes(5))
        .says(
            "A cache serves what is long out of date.",
            "One of a hundred answers of the cache {{ $labels.cache }} is {{ $value | humanizeDuration }} or more behind the newest version.",
        )
        .on("shop-cache")
}

fn stale(context: &Context<'_>) -> Alert {
    let by = ["cache"];
    let (_, all) = answers(context, &by);
    let stale = of(context, "cache_stale_served_total").rate(context.recently()).sum(&by);
    let share = stale.share_of(&all).above(FEW_STALE);
    context
        .alert("CacheServesStale", Severity::Warning, "cache", &share.and(&all.above(SOME_LOOKUPS)))
        .lasting(context.minutes(5))
        .says(
            "A cache serves what is past its time, since its source fails or is slow.",
            "{{ $value | humanizePercentage }} of the answers of the cache {{ $labels.cache }} are past their time.",
        )
        .on("shop-cache")
}

fn loads(context: &Context<'_>) -> Alert {
    let loads = of(context, "cache_loads_total");
    let all = loads.rate(context.recently()).sum(&["cache"]);
    let failed = loads.like("outcome", "failed|timed_out|panicked").rate(context.recently()).sum(&["cache"]);
    context
        .alert("CacheLoadsFail", Severity::Warning, "cache", &failed.share_of(&all).above(FEW_FAILED))
        .lasting(context.minutes(5))
        .says(
            "What a cache needs can't be loaded.",
            "{{ $value | humanizePercentage }} of the loads of the cache {{ $labels.cache }} fail.",
        )
        .on("shop-cache")
}

fn subscription(context: &Context<'_>) -> Alert {
    // While Redis itself is away, RedisDown says so.
    let away = context.job(Job::Redis).metric("redis_up").now().equal(0.0);
    let deaf = of(context, "cache_subscribed").now().equal(0.0);
    context
        .alert("CacheNotSubscribed", Severity::Warning, "{{ $labels.job }}", &deaf.unless_on(&["namespace", "store"], &away))
        .lasting(context.minutes(2))
        .says(
            "A pod does not hear of the invalidations of others.",
            "{{ $labels.instance }} of {{ $labels.job }} hears of no invalidations, and keeps nothing in its memory for longer than its local lifetime.",
        )
        .on("shop-cache")
}

fn waiting(context: &Context<'_>) -> Alert {
    let waiting = of(context, "cache_invalidations_waiting").now().max(&["job"]);
    context
        .alert("CacheInvalidationsWait", Severity::Warning, "{{ $labels.job }}", &waiting.above(0.0))
        .lasting(context.minutes(5))
        .says(
            "Redis can't be told of changes.",
            "{{ $value }} invalidations of {{ $labels.job }} have not reached Redis yet.",
        )
        .on("shop-cache")
}

fn policy(context: &Context<'_>) -> Alert {
    let applied =
        context.job(Job::Operator).metric("operator_store_condition").labelled("condition", "CachePolicyApplied");
    context
        .alert("CachePolicyNotApplied", Severity::Warning, "cache", &applied.now().max(&[]).equal(0.0))
        .lasting(context.minutes(5))
        .says(
            "Not all pods run the cache policies of the Store.",
            "Some pods do not run the cache policies that the Store asks for; the condition CachePolicyApplied names them.",
        )
        .on("shop-cache")
}

#[cfg(test)]
pub(super) fn examples() -> Vec<super::example::Example> {
    use super::example::Example;
    let (hits, misses) = ("cache_hits_total", "cache_misses_total");
    let products = r#"cache="products""#;
    let of_products = [("cache", "products"), ("service", "cache")];
    let ratio = |found, not| {
        Example::of("CacheHitRatioLow", "30m")
            .with("catalog", hits, r#"cache="products",tier="local""#, found)
            .with("catalog", misses, products, not)
    };
    let staleness = |alert, quick| {
        Example::of(alert, "15m")
            .with("catalog", "cache_staleness_seconds_bucket", r#"cache="products",le="0""#, quick)
            .with("catalog", "cache_staleness_seconds_bucket", r#"cache="products",le="300""#, quick)
            .with("catalog", "cache_staleness_seconds_bucket", r#"cache="products",le="3600""#, "0+100x60")
            .with("catalog", "cache_staleness_seconds_bucket", r#"cache="products",le="+Inf""#, "0+100x60")
    };
    let stale = |values| {
        Example::of("CacheServesStale", "15m")
            .with("catalog", hits, r#"cache="products",tier="redis""#, "0+100x60")
            .with("catalog", misses, products, "0+0x60")
            .with("catalog", "cache_stale_served_total", products, values)
    };
    let loads = |failed| {
        Example::of("CacheLoadsFail", "15m")
            .with("catalog", "cache_loads_total", r#"cache="products",outcome="found""#, "0+75x60")
            .with("catalog", "cache_loads_total", r#"cache="products",outcome="timed_out""#, failed)
    };
    let subscribed = |redis, values| {
        Example::of("CacheNotSubscribed", "10m").with("redis", "redis_up", "", redis).with(
            "catalog",
            "cache_subscribed",
            r#"instance="10.0.0.7:9090""#,
            values,
        )
    };
    let policy = |values| {
        Example::of("CachePolicyNotApplied", "10m").with(
            "operator",
            "operator_store_condition",
            r#"condition="CachePolicyApplied""#,
            values,
        )
    };
    vec![
        ratio("0+25x60", "0+75x60").fires(
            Severity::Warning,
            [("service", "cache")],
            "Only 25% of what is asked for is in the caches.",
        ),
        ratio("0+90x60", "0+10x60"),
        // Nobody asks for anything.
        ratio("0+1x60", "0+9x60"),
        staleness("CacheStaleness", "0+50x60").fires(
            Severity::Warning,
            of_products,
            "One of a hundred answers of the cache products is 58m 54s or more behind the newest version.",
        ),
        staleness("CacheStaleness", "0+100x60"),
        stale("0+5x60").fires(Severity::Warning, of_products, "5% of the answers of the cache products are past their time."),
        stale("0+0.1x60"),
        loads("0+25x60").fires(Severity::Warning, of_products, "25% of the loads of the cache products fail."),
        loads("0+1x60"),
        subscribed("1x60", "0x60").fires(
            Severity::Warning,
            [("job", "catalog"), ("service", "catalog"), ("instance", "10.0.0.7:9090")],
            "10.0.0.7:9090 of catalog hears of no invalidations, and keeps nothing in its memory for longer than its local lifetime.",
        ),
        subscribed("0x60", "0x60"),
        Example::of("CacheInvalidationsWait", "10m")
            .with("catalog", "cache_invalidations_waiting", "", "3x60")
            .fires(
                Severity::Warning,
                [("job", "catalog"), ("service", "catalog")],
                "3 invalidations of catalog have not reached Redis yet.",
            ),
        Example::of("CacheInvalidationsWait", "10m").with("catalog", "cache_invalidations_waiting", "", "3x3 0x60"),
        policy("0x60").fires(
            Severity::Warning,
            [("service", "cache")],
            "Some pods do not run the cache policies that the Store asks for; the condition CachePolicyApplied names them.",
        ),
        policy("0x2 1x60"),
    ]
}
