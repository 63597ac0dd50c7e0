//! The picture as people read it.

use std::fmt::Write as _;

use jiff::Timestamp;
use shopkeeper_api::BackupStatus;

use super::{Mark, Picture, conditions::ConditionPicture, is_everywhere, is_whole};
use crate::{
    age::since,
    paint::{Paint, Tone},
    table::{Cell, Table},
};

/// What stands where nothing is known.
const UNKNOWN: &str = "-";

pub(crate) fn text(picture: &Picture, paint: Paint, now: Timestamp) -> String {
    let mut parts = vec![headline(picture, paint, now)];
    if !picture.conditions.is_empty() {
        parts.push(conditions(picture, paint, now));
    }
    parts.extend(advice(picture, paint));
    if !picture.services.is_empty() {
        parts.push(services(picture, paint));
    }
    if !picture.caches.is_empty() {
        parts.push(caches(picture, paint));
    }
    let facts = facts(picture, paint, now);
    if !facts.is_empty() {
        parts.push(facts);
    }
    parts.join("\n")
}

fn headline(picture: &Picture, paint: Paint, now: Timestamp) -> String {
    let Picture { namespace, name, ready, notes, .. } = picture;
    let (tone, word) = if *ready { (Tone::Well, "ready") } else { (Tone::Wrong, "not ready") };
    let told = picture.told();
    let how_long = told.map(|it| format!(" for {}", since(it.since, now))).unwrap_or_default();
    let why = told.filter(|_| !ready).map(|it| format!(": {}", it.reason)).unwrap_or_default();
    let mut text = format!("Store {name} in namespace {namespace} is {}{how_long}{why}\n", paint.paint(tone, word));
    for note in notes {
        let _ = writeln!(text, "{} {note}", paint.paint(Tone::Note, sign(Mark::Note)));
    }
    text
}

const fn sign(mark: Mark) -> &'static str {
    match mark {
        Mark::Wrong => "✗",
        Mark::Note => "!",
        Mark::Well => "✓",
    }
}

fn marked(mark: Mark) -> Cell {
    Cell::new(tone(mark), sign(mark))
}

const fn tone(mark: Mark) -> Tone {
    match mark {
        Mark::Wrong => Tone::Wrong,
        Mark::Note => Tone::Note,
        Mark::Well => Tone::Well,
    }
}

const fn whole(is_whole: bool) -> Mark {
    if is_whole { Mark::Well } else { Mark::Wrong }
}

fn conditions(picture: &Picture, paint: Paint, now: Timestamp) -> String {
    let mut table = Table::new(&["", "CONDITION", "STATUS", "REASON", "SINCE", "MESSAGE"]);
    for ConditionPicture { type_, status, mark, reason, message, since: then, advice: _ } in &picture.conditions {
        table.line(vec![
            marked(*mark),
            type_.as_str().into(),
            status.as_str().into(),
            Cell::new(tone(*mark), reason.as_str()),
            since(*then, now).into(),
            message.as_str().into(),
        ]);
    }
    table.text(paint)
}

/// What to do, each advice once.
fn advice(picture: &Picture, paint: Paint) -> Option<String> {
    let mut told: Vec<(&str, &str)> = Vec::new();
    for condition in &picture.conditions {
        let Some(advice) = &condition.advice else { continue };
        if !told.iter().any(|(_, already)| already == advice) {
            told.push((&condition.reason, advice));
        }
    }
    if told.is_empty() {
        return None;
    }
    let mut table = Table::new(&["WHAT TO DO", ""]);
    for (reason, advice) in told {
        table.line(vec![reason.into(), advice.into()]);
    }
    Some(table.text(paint))
}

fn services(picture: &Picture, paint: Paint) -> String {
    let mut table = Table::new(&["", "SERVICE", "READY", "VERSION"]);
    for service in &picture.services {
        let mark = whole(is_whole(service));
        table.line(vec![
            marked(mark),
            service.name.as_str().into(),
            Cell::new(tone(mark), format!("{}/{}", service.ready, service.desired)),
            service.version.as_deref().unwrap_or(UNKNOWN).into(),
        ]);
    }
    table.text(paint)
}

fn caches(picture: &Picture, paint: Paint) -> String {
    let mut table = Table::new(&["", "CACHE", "HIT RATIO", "PATTERN", "TTL", "PODS"]);
    for cache in &picture.caches {
        let mark = whole(is_everywhere(cache));
        table.line(vec![
            marked(mark),
            cache.name.as_str().into(),
            cache.hit_ratio.as_deref().unwrap_or(UNKNOWN).into(),
            cache.pattern.as_str().into(),
            cache.ttl.as_str().into(),
            Cell::new(tone(mark), cache.pods_applied.as_str()),
        ]);
    }
    table.text(paint)
}

/// What is one line each.
fn facts(picture: &Picture, paint: Paint, now: Timestamp) -> String {
    let mut facts: Vec<(&str, String)> = Vec::new();
    if let Some(endpoints) = &picture.endpoints {
        facts.push(("for customers", endpoints.public.clone()));
        facts.push(("in the cluster", endpoints.internal.clone()));
    }
    if let Some(versions) = &picture.versions {
        let data = [("database", &versions.database), ("Redis", &versions.redis)];
        let known = data.into_iter().filter_map(|(name, version)| Some(format!(", {name} {}", version.as_ref()?)));
        let known: String = known.collect();
        facts.push(("versions", format!("shop {}, operator {}{known}", versions.shop, versions.operator)));
    }
    if let Some(ratio) = &picture.hit_ratio {
        facts.push(("hit ratio of all caches", ratio.clone()));
    }
    if let Some(policy) = &picture.cache_policy {
        facts.push(("cache policies", format!("of generation {}, in {} pods", policy.generation, policy.pods_applied)));
    }
    if let Some(backup) = &picture.backup {
        facts.push(("backup", backups(backup, now)));
    }
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let line = |(name, value): &(&str, String)| {
        format!("{}{:gap$}  {value}\n", paint.paint(Tone::Heading, name), "", gap = width - name.chars().count())
    };
    facts.iter().map(line).collect()
}

fn backups(backup: &BackupStatus, now: Timestamp) -> String {
    let made = match &backup.last_success_time {
        Some(time) => format!("complete {} ago", since(time.0, now)),
        None => "none yet".to_owned(),
    };
    match &backup.last_failure {
        Some(failure) => {
            format!("{made}; Job {} failed {} ago: {}", failure.job, since(failure.time.0, now), failure.message)
        }
        None => made,
    }
}
