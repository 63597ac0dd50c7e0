//! Volumes beside those of the operator: of the types that Pod Security `restricted` knows, and without tokens.

use k8s_openapi::api::core::v1::{Volume, VolumeProjection};
use serde_json::Value;

use super::Refusal;

const ALLOWED: [&str; 8] =
    ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];

pub(super) fn check(volume: &Volume) -> Result<(), Refusal> {
    let fields = serde_json::to_value(volume).unwrap_or(Value::Null);
    let mut types = fields.as_object().into_iter().flat_map(serde_json::Map::keys).filter(|field| *field != "name");
    match (types.next(), types.next()) {
        (Some(one), None) if ALLOWED.contains(&one.as_str()) => {}
        (Some(one), None) => {
            return Err(Refusal::new(
                one.clone(),
                format!("this weakens the pods: write one of {}", ALLOWED.join(", ")),
            ));
        }
        _ => return Err(Refusal::new("", format!("write exactly one of {}", ALLOWED.join(", ")))),
    }
    let sources = volume.projected.as_ref().and_then(|projected| projected.sources.as_ref());
    if sources.into_iter().flatten().any(|source| source.service_account_token.is_some()) {
        return Err(Refusal::new("projected.sources", "the shop's pods have no token: leave serviceAccountToken out"));
    }
    Ok(())
}

/// Names of the Secrets in a volume.
pub(super) fn secrets(volume: &Volume) -> Vec<String> {
    let plain = volume.secret.iter().filter_map(|secret| secret.secret_name.clone());
    plain.chain(projected(volume).filter_map(|source| Some(source.secret.as_ref()?.name.clone()))).collect()
}

/// Names of the `ConfigMaps` in a volume.
pub(super) fn config_maps(volume: &Volume) -> Vec<String> {
    let plain = volume.config_map.iter().map(|config_map| config_map.name.clone());
    plain.chain(projected(volume).filter_map(|source| Some(source.config_map.as_ref()?.name.clone()))).collect()
}

fn projected(volume: &Volume) -> impl Iterator<Item = &VolumeProjection> {
    volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten())
}
