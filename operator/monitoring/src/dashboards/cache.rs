//! The caches: whether they help, whether what they serve is true, and what a policy has done to them.

use super::parts::{NOW, job, jobs, or_nothing, quantile, rate};
use crate::grafana::{Dashboard, Level, Mapping, Panel, Target, Unit};
use crate::promql::{Expr, Job, SERVICES, Source};

const CACHE: [&str; 1] = ["cache"];

pub(super) fn dashboard() -> Dashboard {
    let about = "Whether the caches help, whether what they serve is true, and what a policy has done to them.";
    Dashboard::new("shop-cache", "Cache", about)
        .row("At a glance", glance())
        .row("Do they help?", help())
        .row("What they load", loads())
        .row("Is it true?", truth())
        .row("Lifetimes and policies", policies())
        .row("What makes entries void", invalidations())
}

fn all() -> Source {
    jobs(&SERVICES)
}

fn per_second(name: &str, by: &[&str]) -> Expr {
    rate(&all(), name, by)
}

fn answers(by: &[&str]) -> Expr {
    per_second("cache_hits_total", by) + per_second("cache_misses_total", by)
}

fn tier(tier: &str, by: &[&str]) -> Expr {
    all().metric("cache_hits_total").labelled("tier", tier).rate(NOW).sum(by)
}

fn glance() -> Vec<Panel> {
    vec![
        Panel::figure("Answered", Unit::Share)
            .about("The share of look-ups that caches answer, over all of them. Bad: it falls by much.")
            .levels([Level::Odd(0.3), Level::Good(0.5)])
            .with(Target::new(&per_second("cache_hits_total", &[]).share_of(&answers(&[])), "answered")),
        Panel::figure("Look-ups", Unit::PerSecond)
            .about("What caches are asked for, a second. Bad: none while there are requests: the pattern is None.")
            .with(Target::new(&answers(&[]), "look-ups")),
        Panel::figure("Time saved", Unit::Plain)
            .about("Seconds that hits save each second, against loading each time. Bad: near 0: the caches cost more than they give.")
            .with(Target::new(&per_second("cache_time_saved_seconds_total", &[]), "seconds a second")),
        Panel::figure("Past their time", Unit::PerSecond)
            .about("Answers a second that were served past their time, as the source failed or was slow. Bad: any that stays.")
            .levels([Level::Odd(0.001), Level::Bad(1.0)])
            .with(Target::new(&per_second("cache_stale_served_total", &[]), "stale")),
        Panel::figure("Policies", Unit::Plain)
            .about("Whether all pods run the policies of the Store. Bad: not yet, for longer than two seconds.")
            .words(Mapping::yes_no("in force", "not yet"))
            .with(Target::new(&applied(), "applied")),
        Panel::figure("Pods that hear nothing", Unit::Count)
            .about("Pods that do not hear of the invalidations of others. Bad: any: Redis is away, or its subscription is broken.")
            .levels([Level::Bad(1.0)])
            .with(Target::new(&deaf(), "deaf")),
    ]
}

fn applied() -> Expr {
    job(Job::Operator).metric("operator_store_condition").labelled("condition", "CachePolicyApplied").now().max(&[])
}

fn deaf() -> Expr {
    let subscribed = all().metric("cache_subscribed").now();
    subscribed.count(&[]) - subscribed.sum(&[])
}

fn help() -> Vec<Panel> {
    vec![
        Panel::lines("Answered, by cache", Unit::Share)
            .about("The share of look-ups that each cache answers. Bad: low and many look-ups: a longer lifetime, or another pattern.")
            .up_to(1.0)
            .with(Target::new(&per_second("cache_hits_total", &CACHE).share_of(&answers(&CACHE)), "{{cache}}")),
        Panel::areas("Look-ups, by tier", Unit::PerSecond)
            .about("Who answered: the memory of the pod, Redis, or the source. Bad: mostly the source.")
            .with(Target::new(&tier("local", &[]), "memory of the pod"))
            .with(Target::new(&tier("redis", &[]), "Redis"))
            .with(Target::new(&per_second("cache_misses_total", &[]), "source")),
        Panel::lines("Answered from the memory of the pod", Unit::Share)
            .about("The share of look-ups that needed no network. Bad: low for what is asked for all the time; carts and profiles are never kept there.")
            .up_to(1.0)
            .with(Target::new(&tier("local", &CACHE).share_of(&answers(&CACHE)), "{{cache}}")),
        Panel::areas("Look-ups, by cache", Unit::PerSecond)
            .about("What each cache is asked for. Bad: nothing, while its routes are asked for.")
            .wide(12)
            .with(Target::new(&answers(&CACHE), "{{cache}}")),
        Panel::areas("Time saved, by cache", Unit::Plain)
            .about("Seconds that hits save each second. Bad: a cache that saves nothing and is asked for often.")
            .wide(12)
            .with(Target::new(&per_second("cache_time_saved_seconds_total", &CACHE), "{{cache}}")),
    ]
}

fn loads() -> Vec<Panel> {
    let seconds = "cache_load_duration_seconds";
    let bad = all().metric("cache_loads_total").like("outcome", "failed|timed_out|panicked").rate(NOW);
    vec![
        Panel::areas("Loads", Unit::PerSecond)
            .about("Loads from the source. Bad: as many as look-ups.")
            .with(Target::new(&per_second("cache_loads_total", &CACHE), "{{cache}}")),
        Panel::lines("Loads that fail", Unit::PerSecond)
            .about("Loads that failed, took too long or panicked. Bad: any that stays.")
            .with(Target::new(&bad.sum(&["cache", "outcome"]), "{{cache}} {{outcome}}")),
        Panel::lines("Time of a load", Unit::Seconds)
            .about("95 of 100 loads end within this; dots lead to traces. Bad: near the soft timeout, from which on stale answers are served.")
            .with(Target::new(&quantile(&all(), seconds, 0.95, &CACHE), "{{cache}}").with_exemplars()),
        Panel::lines("Shared loads", Unit::PerSecond)
            .about("Look-ups that waited for a load that another one had begun: each is a load that the database was spared. Bad: nothing by itself.")
            .with(Target::new(&per_second("cache_coalesced_total", &CACHE), "{{cache}}")),
        Panel::lines("Loads ahead of time", Unit::PerSecond)
            .about("Entries renewed before their end, by RefreshAhead. Bad: none of bestsellers while that is its pattern.")
            .with(Target::new(&per_second("cache_refreshes_total", &CACHE), "{{cache}}")),
        Panel::heatmap("Times of loads", Unit::Seconds)
            .about("How many loads took how long; dots lead to traces. Bad: a second band far above the first.")
            .wide(8)
            .with(Target::new(&per_second("cache_load_duration_seconds_bucket", &["le"]), "{{le}}").with_exemplars()),
    ]
}

fn truth() -> Vec<Panel> {
    let behind = "cache_staleness_seconds";
    vec![
        Panel::lines("How far behind, half", Unit::Seconds)
            .about("Half of the answers from the memory of pods were at most this far behind the newest version. Bad: above 0: most are old.")
            .with(Target::new(&quantile(&all(), behind, 0.5, &CACHE), "{{cache}}")),
        Panel::lines("How far behind, 99 of 100", Unit::Seconds)
            .about("99 of 100 answers from the memory of pods were at most this far behind. Bad: more than the local lifetime, 5 s.")
            .with(Target::new(&quantile(&all(), behind, 0.99, &CACHE), "{{cache}}")),
        Panel::lines("Served past their time", Unit::PerSecond)
            .about("Answers whose time was over, as their source failed or was slow. Bad: any that stays.")
            .with(Target::new(&per_second("cache_stale_served_total", &CACHE), "{{cache}}")),
        Panel::lines("Values not stored", Unit::PerSecond)
            .about("Values that were refused as something newer may be there: late, overtaken, dropped, or Redis did not take them. Bad: redis; the others are the fence at work.")
            .wide(12)
            .with(Target::new(&per_second("cache_fills_refused_total", &["cache", "cause"]), "{{cache}} {{cause}}")),
        Panel::lines("Rubbish in Redis", Unit::PerSecond)
            .about("Entries that are not what they should be. Bad: any: somebody else writes into this Redis, or a version was changed without its number.")
            .wide(12)
            .with(Target::new(&per_second("cache_undecodable_total", &CACHE), "{{cache}}")),
    ]
}

fn policies() -> Vec<Panel> {
    let now = |name: &str| all().metric(name).now();
    let pods = now("build_info");
    let generations =
        now("cache_policy_generation").with_labels_from(&pods, &["namespace", "store", "job", "instance"], &["pod"]);
    vec![
        Panel::lines("Lifetimes in force", Unit::Duration)
            .about("How long entries of each cache live. Bad: another than was asked for, unless it is tuned.")
            .with(Target::new(&now("cache_ttl_seconds").max(&CACHE), "{{cache}}")),
        Panel::lines("Lifetimes asked for", Unit::Duration)
            .about("How long entries are to live by the policy. Bad: nothing by itself.")
            .with(Target::new(&now("cache_ttl_asked_seconds").max(&CACHE), "{{cache}}")),
        Panel::table("Generation of the policies, by pod", Unit::Plain)
            .about("Which generation of the policies each pod runs. Bad: two pods with different ones for longer than two seconds.")
            .wide(8)
            .with(Target::new(&generations.max(&["job", "pod"]), "{{pod}}")),
        Panel::lines("Generations of the policies", Unit::Plain)
            .about("The highest and the lowest generation in force. Bad: they differ for longer than two seconds.")
            .wide(24)
            .with(Target::new(&now("cache_policy_generation").max(&[]), "highest"))
            .with(Target::new(&now("cache_policy_generation").min(&[]), "lowest")),
    ]
}

fn invalidations() -> Vec<Panel> {
    let waiting = all().metric("cache_invalidations_waiting").now().max(&["job"]);
    vec![
        Panel::areas("By reason", Unit::PerSecond)
            .about("Why entries became void: written, an event, a tag, all, on request, or as a pod may have missed something (flush). Bad: flush that stays.")
            .with(Target::new(&per_second("cache_invalidations_total", &["reason"]), "{{reason}}")),
        Panel::areas("By cache", Unit::PerSecond)
            .about("Which caches' entries became void. Bad: as many as loads: what is cached changes too often for it.")
            .with(Target::new(&per_second("cache_invalidations_total", &CACHE), "{{cache}}")),
        Panel::lines("Not told to Redis yet", Unit::Count)
            .about("Invalidations that have not reached Redis. Bad: any that stays: Redis is away.")
            .with(Target::new(&or_nothing(&waiting, &all()), "{{job}}")),
    ]
}
