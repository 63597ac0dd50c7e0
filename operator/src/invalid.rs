//! A Store that cannot even be read: it slipped past the API server, or a newer version wrote it.

use jiff::Timestamp;
use kube::{
    Api, Resource,
    api::{DynamicObject, Patch, PatchParams},
    core::{ApiResource, error_boundary::InvalidObject},
    runtime::events::{Event, EventType},
};
use serde_json::{Value, json};
use shopkeeper_api::Store;

use crate::{apply::FIELD_MANAGER, context::Context, error::Error};

/// Says in the Store's conditions what cannot be read. All other Stores go on.
pub async fn tell(context: &Context, invalid: &InvalidObject) -> Result<(), Error> {
    let metadata = &invalid.metadata;
    let (Some(name), Some(namespace)) = (&metadata.name, &metadata.namespace) else { return Ok(()) };
    let failed = |source| Error::StatusFailed(Box::new(source));
    let stores: Api<DynamicObject> =
        Api::namespaced_with(context.client.clone(), namespace, &ApiResource::erase::<Store>(&()));
    let Some(live) = stores.get_opt(name).await.map_err(failed)? else { return Ok(()) };
    let message = format!("the Store cannot be read: {}", invalid.error);
    if says_so(&live.data["status"], metadata.generation, &message) {
        return Ok(());
    }
    let condition = |type_: &str, status: &str| {
        json!({
            "type": type_, "status": status, "reason": "InvalidSpec", "message": message,
            "observedGeneration": metadata.generation,
            "lastTransitionTime": since(&live.data["status"], type_, status).unwrap_or_else(|| json!(Timestamp::now())),
        })
    };
    let patch = json!({
        "apiVersion": Store::api_version(&()),
        "kind": Store::kind(&()),
        "status": {"observedGeneration": metadata.generation, "conditions": [condition("Ready", "False"), condition("Degraded", "True")]},
    });
    tracing::warn!(store = %format_args!("{namespace}/{name}"), %message, "a Store cannot be read");
    stores
        .patch_status(name, &PatchParams::apply(FIELD_MANAGER).force(), &Patch::Apply(patch))
        .await
        .map_err(failed)?;
    let event = Event {
        type_: EventType::Warning,
        reason: "InvalidSpec".into(),
        note: Some(message.chars().take(1000).collect()),
        action: "Reconcile".into(),
        secondary: None,
    };
    if let Err(error) = context.recorder.publish(&event, &live.object_ref(&ApiResource::erase::<Store>(&()))).await {
        tracing::warn!(%error, "an event could not be recorded");
    }
    Ok(())
}

/// Since when a condition has had this status.
fn since(former: &Value, type_: &str, status: &str) -> Option<Value> {
    let mut conditions = former["conditions"].as_array()?.iter();
    let same = conditions.find(|condition| condition["type"] == type_ && condition["status"] == status)?;
    Some(same["lastTransitionTime"].clone()).filter(Value::is_string)
}

fn says_so(status: &Value, generation: Option<i64>, message: &str) -> bool {
    let conditions = status["conditions"].as_array();
    let told = conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Ready" && condition["message"] == message);
    told && status["observedGeneration"].as_i64() == generation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_message_is_no_transition() {
        let former = json!({"conditions": [
            {"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T00:00:00Z"},
            {"type": "Degraded", "status": "False", "lastTransitionTime": "2026-01-02T00:00:00Z"},
        ]});
        assert_eq!(since(&former, "Ready", "False"), Some(json!("2026-01-01T00:00:00Z")));
        assert_eq!(since(&former, "Degraded", "True"), None);
        assert_eq!(since(&Value::Null, "Ready", "False"), None);
    }
}
