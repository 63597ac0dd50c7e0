//! Conditions, what is wrong first.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Serialize;
use shopkeeper_api::ConditionType;

use crate::reasons;

/// From what a customer would notice to what nobody may.
const BY_IMPORTANCE: [ConditionType; 9] = [
    ConditionType::Ready,
    ConditionType::Degraded,
    ConditionType::DatabaseReady,
    ConditionType::ServicesReady,
    ConditionType::Progressing,
    ConditionType::RedisReady,
    ConditionType::CachePolicyApplied,
    ConditionType::MonitoringReady,
    ConditionType::Paused,
];

/// Reasons by which a condition is noted, and never wrong by itself: nothing happens, as it is not to, or as something else is wrong, of which
/// another condition tells.
const ONLY_NOTED: [&str; 4] = ["Blocked", "NoPods", "Paused", "Suspended"];

/// How good or bad a condition is. The worst is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mark {
    /// Something is wrong.
    Wrong,
    /// Somebody wanted it so, or it will pass.
    Note,
    /// All is well.
    Well,
}

/// A condition, and what to do about it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConditionPicture {
    #[serde(rename = "type")]
    pub(crate) type_: String,
    pub(crate) status: String,
    pub(crate) mark: Mark,
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) since: Timestamp,
    /// What to do, where something is wrong.
    pub(crate) advice: Option<String>,
}

pub(super) fn ordered(conditions: &[Condition]) -> Vec<ConditionPicture> {
    let mut pictures: Vec<_> = conditions.iter().map(picture).collect();
    pictures.sort_by_key(|it| (it.mark, importance(&it.type_)));
    pictures
}

fn picture(condition: &Condition) -> ConditionPicture {
    let Condition { type_, status, reason, message, last_transition_time, .. } = condition;
    let mark = mark(type_, status, reason);
    ConditionPicture {
        type_: type_.clone(),
        status: status.clone(),
        mark,
        reason: reason.clone(),
        message: message.clone(),
        since: last_transition_time.0,
        advice: (mark == Mark::Wrong).then(|| reasons::advice(type_, reason)).flatten(),
    }
}

fn mark(type_: &str, status: &str, reason: &str) -> Mark {
    // Of a newer version's condition it is not known what would be good.
    let Some(known) = BY_IMPORTANCE.into_iter().find(|it| it.as_str() == type_) else { return Mark::Note };
    let is_passing = matches!(known, ConditionType::Progressing | ConditionType::Paused);
    let good = if is_passing || known == ConditionType::Degraded { "False" } else { "True" };
    match status {
        _ if ONLY_NOTED.contains(&reason) => Mark::Note,
        _ if status == good => Mark::Well,
        "True" | "False" if !is_passing => Mark::Wrong,
        _ => Mark::Note,
    }
}

fn importance(type_: &str) -> usize {
    BY_IMPORTANCE.iter().position(|it| it.as_str() == type_).unwrap_or(BY_IMPORTANCE.len())
}
