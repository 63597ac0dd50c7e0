//! A hash of what a child contains, without what others say about it.

use kube::core::DynamicObject;
use shopkeeper_plan::digest;

/// Hash of labels, annotations, owners and content; not of status, versions or managed fields.
pub fn fingerprint(object: &DynamicObject) -> u128 {
    let metadata = &object.metadata;
    let content =
        object.data.as_object().map(|fields| fields.iter().filter(|(name, _)| *name != "status").collect::<Vec<_>>());
    digest(&(
        &metadata.labels,
        &metadata.annotations,
        &metadata.owner_references,
        metadata.deletion_timestamp.is_some(),
        content,
    ))
}
