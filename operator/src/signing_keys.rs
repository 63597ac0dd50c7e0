//! The keys that sign access tokens, as they are in the Secret with the credentials. All that is to be known of a rotation is there beside
//! them, so it goes on wherever the operator was stopped.

use std::{collections::BTreeMap, time::Duration};

use ed25519_dalek::{
    SigningKey,
    pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, spki::der::pem::LineEnding},
};
use jiff::Timestamp;
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shopkeeper_plan::{KeyRotation, KeyStep, KeysFound, SecretText};

use crate::{credentials::Content, error::Error};

/// The private key that signs; what the user service mounts.
pub(crate) const SIGNING_KEY: &str = "signing-key";
const SINCE: &str = "signing-key-since";
const NEXT: &str = "signing-key-next";
const NEXT_SINCE: &str = "signing-key-next-since";
const RETIRED: &str = "signing-keys-retired";
const ASKED: &str = "signing-key-asked";

/// Steps that may be due at once: old keys are forgotten, a new one is published, and it signs.
const STEPS: usize = 4;

/// A key that signs no more, and is published until the last token that it signed is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Retired {
    public_key: String,
    until: i64,
}

/// The keys after what was due.
pub(crate) struct SigningKeys {
    pub(crate) private: SecretText,
    /// By key id.
    pub(crate) public: BTreeMap<String, String>,
    /// When the next step may be due.
    pub(crate) look_again: Option<Duration>,
}

pub(crate) fn generate() -> Option<String> {
    let key = SigningKey::from_bytes(&rand::random::<[u8; 32]>());
    key.to_pkcs8_pem(LineEnding::LF).ok().map(|pem| pem.to_string())
}

/// Does what is due, and reads the keys.
pub(crate) async fn rotated(
    secrets: &Api<Secret>,
    mut content: Content,
    rotation: &KeyRotation,
    now: Timestamp,
) -> Result<SigningKeys, Error> {
    let now = now.as_second();
    for _ in 0..STEPS {
        let step = rotation.step(&found(&content)?, now);
        let Some(data) = change(&content, rotation, step, now)? else { break };
        tracing::info!(secret = content.name, ?step, "a step of replacing the signing key");
        content = write(secrets, content, data).await?;
    }
    let look_again = match rotation.step(&found(&content)?, now) {
        KeyStep::Rest { until } => until.and_then(|until| u64::try_from(until - now).ok()).map(Duration::from_secs),
        _ => Some(Duration::ZERO),
    };
    Ok(SigningKeys { private: SecretText::new(content.text(SIGNING_KEY)?), public: public_keys(&content)?, look_again })
}

/// What the Secret says of the rotation.
fn found(content: &Content) -> Result<KeysFound, Error> {
    let moment = |key: &str| content.optional(key).and_then(|text| text.parse().ok());
    Ok(KeysFound {
        // A Secret from before keys were replaced: its key is as old as itself.
        since: moment(SINCE).or(content.created).unwrap_or_default(),
        next_since: content.data.contains_key(NEXT).then(|| moment(NEXT_SINCE).unwrap_or_default()),
        retired_until: retired(content)?.iter().map(|key| key.until).collect(),
        asked: content.optional(ASKED),
    })
}

fn retired(content: &Content) -> Result<Vec<Retired>, Error> {
    let Some(text) = content.optional(RETIRED) else { return Ok(Vec::new()) };
    serde_json::from_str(&text).map_err(|_| content.unusable(RETIRED, "it is not a list of public keys"))
}

/// What a step changes in the Secret: a merge patch of its data.
fn change(content: &Content, rotation: &KeyRotation, step: KeyStep, now: i64) -> Result<Option<Value>, Error> {
    let kept = |text: &str| ByteString(text.as_bytes().to_vec());
    let list = |keys: &[Retired]| json!(kept(&serde_json::to_string(keys).unwrap_or_default()));
    Ok(Some(match step {
        KeyStep::Rest { .. } => return Ok(None),
        KeyStep::Publish => {
            let Some(key) = generate() else { return Ok(None) };
            json!({
                NEXT: kept(&key),
                NEXT_SINCE: kept(&now.to_string()),
                ASKED: rotation.asked.as_deref().map(kept),
            })
        }
        KeyStep::Switch { retired_until } => {
            let old = Retired { public_key: public_key(content, SIGNING_KEY)?.1, until: retired_until };
            let retired: Vec<_> = retired(content)?.into_iter().chain([old]).collect();
            json!({
                SIGNING_KEY: kept(&content.text(NEXT)?),
                SINCE: kept(&now.to_string()),
                NEXT: null,
                NEXT_SINCE: null,
                RETIRED: list(&retired),
            })
        }
        KeyStep::Forget => {
            let retired: Vec<_> = retired(content)?.into_iter().filter(|key| key.until > now).collect();
            json!({RETIRED: if retired.is_empty() { Value::Null } else { list(&retired) }})
        }
    }))
}

/// Together with the version that was read, so that of two who do it at the same time one fails and looks again.
async fn write(secrets: &Api<Secret>, content: Content, data: Value) -> Result<Content, Error> {
    let patch = json!({"metadata": {"resourceVersion": content.version}, "data": data});
    let written = secrets.patch(&content.name, &PatchParams::default(), &Patch::Merge(patch)).await;
    let written =
        written.map_err(|source| Error::SecretAccess { name: content.name.clone(), source: Box::new(source) })?;
    Ok(Content::of(content.name, written))
}

/// The public half of a private key, with its id.
fn public_key(content: &Content, key: &str) -> Result<(String, String), Error> {
    let unusable = || content.unusable(key, "it is not an Ed25519 key in PKCS#8 PEM");
    let public = SigningKey::from_pkcs8_pem(&content.text(key)?).map_err(|_| unusable())?.verifying_key();
    Ok((key_id(public.as_bytes()), public.to_public_key_pem(LineEnding::LF).map_err(|_| unusable())?))
}

fn key_id(public: &[u8; 32]) -> String {
    hex::encode(&Sha256::digest(public)[..8])
}

/// All public keys with which tokens may be signed.
fn public_keys(content: &Content) -> Result<BTreeMap<String, String>, Error> {
    let mut keys = BTreeMap::from([public_key(content, SIGNING_KEY)?]);
    if content.data.contains_key(NEXT) {
        keys.extend([public_key(content, NEXT)?]);
    }
    for Retired { public_key, .. } in retired(content)? {
        let unusable = |_| content.unusable(RETIRED, "it has something that is no Ed25519 key in PEM");
        let public = ed25519_dalek::VerifyingKey::from_public_key_pem(&public_key).map_err(unusable)?;
        keys.insert(key_id(public.as_bytes()), public_key);
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROTATION: KeyRotation =
        KeyRotation { every: Some(Duration::from_secs(3600)), asked: None, token_lifetime: Duration::from_secs(900) };

    fn content() -> Content {
        let data = BTreeMap::from([(SIGNING_KEY.to_owned(), ByteString(generate().unwrap().into_bytes()))]);
        Content { name: "demo-credentials".into(), data, version: None, created: Some(0) }
    }

    /// Does a step as the API server would.
    fn merge(content: &mut Content, change: &Value) {
        for (key, value) in change.as_object().unwrap() {
            match value {
                Value::Null => drop(content.data.remove(key)),
                value => drop(content.data.insert(key.clone(), serde_json::from_value(value.clone()).unwrap())),
            }
        }
    }

    /// Does all that is due; the ids of the published keys, and of the one that signs.
    fn at(content: &mut Content, now: i64) -> (Vec<String>, String) {
        while let Some(change) = change(content, &ROTATION, ROTATION.step(&found(content).unwrap(), now), now).unwrap()
        {
            merge(content, &change);
        }
        let signing = public_key(content, SIGNING_KEY).unwrap().0;
        (public_keys(content).unwrap().into_keys().collect(), signing)
    }

    #[test]
    fn a_new_key_is_published_then_signs_and_then_the_old_one_goes() {
        let mut content = content();
        let (keys, old) = at(&mut content, 3599);
        assert_eq!(keys, [old.as_str()]);
        let (keys, signing) = at(&mut content, 3600);
        assert_eq!((keys.len(), &signing), (2, &old));
        assert_eq!(at(&mut content, 3779), (keys.clone(), old.clone()));
        let (published, new) = at(&mut content, 3780);
        assert_eq!(published, keys, "both are believed");
        assert!(new != old && keys.contains(&new));
        assert_eq!(at(&mut content, 3780 + 1199), (keys, new.clone()));
        assert_eq!(at(&mut content, 3780 + 1200), (vec![new.clone()], new));
        assert!(!content.data.contains_key(NEXT) && !content.data.contains_key(RETIRED));
    }

    #[test]
    fn what_somebody_wrote_into_the_secret_by_hand_is_named() {
        let mut content = content();
        content.data.insert(RETIRED.into(), ByteString(b"nonsense".to_vec()));
        assert!(found(&content).unwrap_err().to_string().contains(RETIRED));
    }
}
