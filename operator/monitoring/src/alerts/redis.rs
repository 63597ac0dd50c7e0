//! Redis, which holds nothing that can't be lost: none of this hurts customers at once, all of it costs the database.

use super::Context;
use crate::promql::{Job, Selector};
use crate::rules::{Alert, Severity};

pub(super) fn alerts(context: &Context<'_>) -> Vec<Alert> {
    vec![down(context), memory(context), rejected(context), evictions(context), connections(context)]
}

fn of(context: &Context<'_>, name: &str) -> Selector {
    context.job(Job::Redis).metric(name)
}

fn down(context: &Context<'_>) -> Alert {
    context
        .alert("RedisDown", Severity::Warning, "redis", &of(context, "redis_up").now().max(&[]).equal(0.0))
        .lasting(context.minutes(1))
        .says(
            "Redis does not answer.",
            "Redis does not answer: the shop works, and everything that was cached is asked of the database.",
        )
        .on("shop-redis")
}

fn memory(context: &Context<'_>) -> Alert {
    let of = |name| of(context, name).now().max(&[]);
    let share = of("redis_memory_used_bytes").share_of(&of("redis_memory_max_bytes"));
    context
        .alert("RedisMemoryFull", Severity::Info, "redis", &share.above(0.95))
        .lasting(context.minutes(15))
        .says(
            "Redis has used up the memory that it may.",
            "Redis uses {{ $value | humanizePercentage }} of the memory that it may, and drops what was not asked for lately.",
        )
        .on("shop-redis")
}

fn rejected(context: &Context<'_>) -> Alert {
    let refused = of(context, "redis_rejected_connections_total").increase(context.recently()).sum(&[]);
    context
        .alert("RedisRejectsConnections", Severity::Warning, "redis", &refused.above(0.0))
        .says(
            "Redis refuses connections.",
            "Redis has refused {{ $value | humanize }} connections lately: there are as many as it allows.",
        )
        .on("shop-redis")
}

fn evictions(context: &Context<'_>) -> Alert {
    let evicted = of(context, "redis_evicted_keys_total").rate(context.recently()).sum(&[]);
    context
        .alert("RedisEvicts", Severity::Warning, "redis", &evicted.above(1.0))
        .lasting(context.minutes(10))
        .says(
            "Redis drops what is still good.",
            "Redis drops {{ $value | printf \"%.2f\" }} entries a second before their time, as its memory is full.",
        )
        .on("shop-redis")
}

fn connections(context: &Context<'_>) -> Alert {
    let of = |name| of(context, name).now().max(&[]);
    let share = of("redis_connected_clients").share_of(&of("redis_config_maxclients"));
    context
        .alert("RedisConnectionsHigh", Severity::Warning, "redis", &share.above(0.8))
        .lasting(context.minutes(5))
        .says(
            "Redis may soon refuse connections.",
            "{{ $value | humanizePercentage }} of the connections that Redis allows are open.",
        )
        .on("shop-redis")
}

#[cfg(test)]
pub(super) fn examples() -> Vec<super::example::Example> {
    use super::example::Example;
    let redis = [("service", "redis")];
    let memory = |used| {
        Example::of("RedisMemoryFull", "30m").with("redis", "redis_memory_used_bytes", "", used).with(
            "redis",
            "redis_memory_max_bytes",
            "",
            "1000x80",
        )
    };
    vec![
        Example::of("RedisDown", "5m").with("redis", "redis_up", "", "1 0x60").fires(
            Severity::Warning,
            redis,
            "Redis does not answer: the shop works, and everything that was cached is asked of the database.",
        ),
        Example::of("RedisDown", "5m").with("redis", "redis_up", "", "0 0 1x60"),
        memory("980x80").fires(
            Severity::Info,
            redis,
            "Redis uses 98% of the memory that it may, and drops what was not asked for lately.",
        ),
        memory("900x80"),
        // No limit is told as 0.
        Example::of("RedisMemoryFull", "30m").with("redis", "redis_memory_used_bytes", "", "980x80").with(
            "redis",
            "redis_memory_max_bytes",
            "",
            "0x80",
        ),
        Example::of("RedisRejectsConnections", "10m")
            .with("redis", "redis_rejected_connections_total", "", "0+2x60")
            .fires(
                Severity::Warning,
                redis,
                "Redis has refused 20 connections lately: there are as many as it allows.",
            ),
        Example::of("RedisRejectsConnections", "10m").with("redis", "redis_rejected_connections_total", "", "5x60"),
        Example::of("RedisEvicts", "20m").with("redis", "redis_evicted_keys_total", "", "0+90x60").fires(
            Severity::Warning,
            redis,
            "Redis drops 3.00 entries a second before their time, as its memory is full.",
        ),
        Example::of("RedisEvicts", "20m").with("redis", "redis_evicted_keys_total", "", "0+3x60"),
        Example::of("RedisConnectionsHigh", "10m")
            .with("redis", "redis_connected_clients", "", "90x60")
            .with("redis", "redis_config_maxclients", "", "100x60")
            .fires(Severity::Warning, redis, "90% of the connections that Redis allows are open."),
        Example::of("RedisConnectionsHigh", "10m").with("redis", "redis_connected_clients", "", "20x60").with(
            "redis",
            "redis_config_maxclients",
            "",
            "10000x60",
        ),
    ]
}
