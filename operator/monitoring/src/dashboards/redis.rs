//! Redis, which holds the caches and nothing that can't be lost.

use super::parts::{job, rate};
use crate::grafana::{Dashboard, Level, Mapping, Panel, Target, Unit};
use crate::promql::{Expr, Job};

pub(super) fn dashboard() -> Dashboard {
    Dashboard::new("shop-redis", "Redis", "The caches' second tier, which holds nothing that can't be lost.")
        .row("At a glance", glance())
        .row("Work", work())
        .row("Memory and keys", memory())
}

fn now(name: &str) -> Expr {
    job(Job::Redis).metric(name).now().max(&[])
}

fn per_second(name: &str, by: &[&str]) -> Expr {
    rate(&job(Job::Redis), name, by)
}

fn found() -> Expr {
    let hits = per_second("redis_keyspace_hits_total", &[]);
    let all = hits.clone() + per_second("redis_keyspace_misses_total", &[]);
    hits.share_of(&all)
}

fn glance() -> Vec<Panel> {
    vec![
        Panel::figure("Redis", Unit::Plain)
            .about("Whether Redis answers. Bad: away: the shop works, and the database has more to do.")
            .words(Mapping::yes_no("answers", "away"))
            .with(Target::new(&now("redis_up"), "Redis")),
        Panel::figure("Memory", Unit::Share)
            .about("How much of the memory that it may use is used. Bad: near 1: it drops what is still good.")
            .levels([Level::Odd(0.8), Level::Bad(0.95)])
            .with(Target::new(&now("redis_memory_used_bytes").share_of(&now("redis_memory_max_bytes")), "used")),
        Panel::figure("Keys", Unit::Count)
            .about("Keys of all kinds: entries, leases, announcements, tags. Bad: it only ever grows.")
            .with(Target::new(&job(Job::Redis).metric("redis_db_keys").now().sum(&[]), "keys")),
        Panel::figure("Commands", Unit::PerSecond)
            .about("Commands a second. Bad: none while there are requests: the services' breakers are open.")
            .with(Target::new(&per_second("redis_commands_processed_total", &[]), "commands")),
        Panel::figure("Keys found", Unit::Share)
            .about("The share of keys asked for that were there; the fence's keys count too. Bad: it falls by much. The cache dashboard has the real hit ratio.")
            .with(Target::new(&found(), "found")),
        Panel::figure("Up for", Unit::Duration)
            .about("Time since Redis started. Bad: short without a reason: it was killed, and all caches began cold.")
            .with(Target::new(&now("redis_uptime_in_seconds"), "up")),
    ]
}

fn work() -> Vec<Panel> {
    let seconds = per_second("redis_commands_duration_seconds_total", &["cmd"]);
    vec![
        Panel::areas("Commands", Unit::PerSecond)
            .about("The ten most frequent commands; scripts are evalsha or fcall. Bad: keys or flushall, which nobody in the shop uses.")
            .with(Target::new(&per_second("redis_commands_total", &["cmd"]).top(10), "{{cmd}}")),
        Panel::lines("Time of commands", Unit::Seconds)
            .about("How long each command takes inside Redis, on average. Bad: a millisecond: it holds up all others.")
            .with(Target::new(&seconds.share_of(&per_second("redis_commands_total", &["cmd"])).top(10), "{{cmd}}")),
        Panel::lines("Network", Unit::BytesPerSecond)
            .about("What Redis reads and writes. Bad: very much for few commands: entries are too large.")
            .with(Target::new(&per_second("redis_net_input_bytes_total", &[]), "read"))
            .with(Target::new(&per_second("redis_net_output_bytes_total", &[]), "written")),
        Panel::lines("Clients", Unit::Count)
            .about("Connections, and those that wait for something. Bad: it keeps growing, or any is blocked for long.")
            .wide(12)
            .with(Target::new(&now("redis_connected_clients"), "connected"))
            .with(Target::new(&now("redis_blocked_clients"), "blocked")),
        Panel::lines("Refused connections", Unit::PerSecond)
            .about("Connections that Redis refused, as there were as many as it allows. Bad: any.")
            .wide(12)
            .with(Target::new(&per_second("redis_rejected_connections_total", &[]), "refused")),
    ]
}

fn memory() -> Vec<Panel> {
    vec![
        Panel::lines("Memory", Unit::Bytes)
            .about("What Redis uses, what its process has, and what it may use. Bad: used is as much as allowed.")
            .with(Target::new(&now("redis_memory_used_bytes"), "used"))
            .with(Target::new(&now("redis_memory_used_rss_bytes"), "process"))
            .with(Target::new(&now("redis_memory_max_bytes"), "allowed")),
        Panel::lines("Keys that went", Unit::PerSecond)
            .about("Keys whose time was over, and those dropped before it as memory was full. Bad: dropped ones.")
            .with(Target::new(&per_second("redis_expired_keys_total", &[]), "expired"))
            .with(Target::new(&per_second("redis_evicted_keys_total", &[]), "dropped")),
        Panel::lines("Keys", Unit::Count)
            .about("Keys, and those of them that end by themselves. Bad: many that don't: only policies and sequences are meant to stay.")
            .with(Target::new(&job(Job::Redis).metric("redis_db_keys").now().sum(&[]), "keys"))
            .with(Target::new(&job(Job::Redis).metric("redis_db_keys_expiring").now().sum(&[]), "with an end")),
    ]
}
