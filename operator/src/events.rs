//! Events at the Store, when what its conditions say has changed.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{
    Resource,
    runtime::events::{Event, EventType},
};
use shopkeeper_api::{ConditionType, Store, StoreStatus};

use crate::{context::Context, status::REJECTED};

/// The conditions whose changes are told.
const TOLD: [ConditionType; 4] =
    [ConditionType::Ready, ConditionType::Degraded, ConditionType::CachePolicyApplied, ConditionType::Paused];

/// Records an event for each told condition that is not what it was.
pub async fn tell(context: &Context, store: &Store, old: &StoreStatus, new: &StoreStatus) {
    for type_ in TOLD {
        let (was, is) = (find(old, type_), find(new, type_));
        let Some(is) = is else { continue };
        let same = was.is_some_and(|was| was.status == is.status && was.reason == is.reason);
        let was_never_bad = was.is_none() && is.status == "False" && type_ != ConditionType::Ready;
        if same || was_never_bad || is_routine(type_, was, is) {
            continue;
        }
        let event = Event {
            type_: if is_bad(type_, is) { EventType::Warning } else { EventType::Normal },
            reason: is.reason.clone(),
            note: Some(is.message.chars().take(1000).collect()),
            action: "Reconcile".into(),
            secondary: None,
        };
        if let Err(error) = context.recorder.publish(&event, &store.object_ref(&())).await {
            tracing::warn!(%error, "an event could not be recorded");
        }
    }
}

/// Policies that come into force are no event; that pods can't use them is, and its end.
fn is_routine(type_: ConditionType, was: Option<&Condition>, is: &Condition) -> bool {
    let rejected = |condition: &Condition| condition.reason == REJECTED;
    type_ == ConditionType::CachePolicyApplied && !rejected(is) && !was.is_some_and(rejected)
}

fn find(status: &StoreStatus, type_: ConditionType) -> Option<&Condition> {
    status.conditions.iter().find(|condition| condition.type_ == type_.as_str())
}

fn is_bad(type_: ConditionType, condition: &Condition) -> bool {
    match type_ {
        ConditionType::Degraded => condition.status == "True",
        ConditionType::CachePolicyApplied => condition.reason == REJECTED,
        _ => false,
    }
}
