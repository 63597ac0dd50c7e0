//! Says that somebody else had changed a child.

use kube::{
    Resource,
    api::DynamicObject,
    runtime::events::{Event, EventType},
};

use crate::{context::Context, kind::ChildRef};

/// Counts a repair and records an event at the child itself.
pub async fn report(context: &Context, child: &ChildRef, object: &DynamicObject) {
    context.metrics.drift.with_label_values(&[&child.kind.to_string()]).inc();
    let event = Event {
        type_: EventType::Normal,
        reason: "DriftCorrected".into(),
        note: Some("somebody else had changed or deleted it; it is as the Store asks for again".into()),
        action: "Apply".into(),
        secondary: None,
    };
    let resource = child.kind.resource();
    if let Err(error) = context.recorder.publish(&event, &object.object_ref(&resource)).await {
        tracing::warn!(%error, child = %child, "an event could not be recorded");
    }
}
