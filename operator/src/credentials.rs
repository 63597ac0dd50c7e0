//! Credentials that the operator makes: once, and never again while they are there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, Client,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use shopkeeper_plan::{
    Credentials, DatabasePasswords, GRAFANA_PASSWORD_KEY, KeyRotation, MONITOR_PASSWORD_KEY, PG_ADMIN_PASSWORD_KEY,
    RootSecretsMeta, SecretText,
};

use crate::{
    error::Error,
    signing_keys::{self, SIGNING_KEY, SigningKeys},
};

pub(crate) type Data = BTreeMap<String, ByteString>;
/// Makes a value; `None` only if the system cannot.
type Generator = fn() -> Option<String>;

const DATABASE_KEYS: [&str; 6] = ["admin", "catalog", "cart", "orders", "users", MONITOR_PASSWORD_KEY];

/// Reads a shop's credentials, makes those that are not there, and replaces the signing key when its time has come.
pub async fn credentials(
    client: &Client,
    metadata: &RootSecretsMeta,
    rotation: &KeyRotation,
) -> Result<Credentials, Error> {
    let namespace = metadata.database.namespace.clone().unwrap_or_default();
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &namespace);
    let database = DATABASE_KEYS.map(|key| (key, random_text as Generator));
    let others: [(&str, Generator); 5] = [
        ("redis-password", random_text),
        ("service-token", random_text),
        (SIGNING_KEY, signing_keys::generate),
        (GRAFANA_PASSWORD_KEY, random_text),
        (PG_ADMIN_PASSWORD_KEY, random_text),
    ];
    let (database, others) =
        tokio::try_join!(ensure(&secrets, &metadata.database, &database), ensure(&secrets, &metadata.others, &others))?;
    let (redis, service_token) = (others.password("redis-password")?, others.password("service-token")?);
    let (grafana, pg_admin) = (others.password(GRAFANA_PASSWORD_KEY)?, others.password(PG_ADMIN_PASSWORD_KEY)?);
    let SigningKeys { private, public, look_again } =
        signing_keys::rotated(&secrets, others, rotation, Timestamp::now()).await?;
    Ok(Credentials {
        database: DatabasePasswords {
            admin: database.password("admin")?,
            catalog: database.password("catalog")?,
            cart: database.password("cart")?,
            orders: database.password("orders")?,
            users: database.password("users")?,
        },
        monitor: database.password(MONITOR_PASSWORD_KEY)?,
        redis,
        service_token,
        grafana,
        pg_admin,
        signing_key: private,
        public_keys: public,
        look_again,
    })
}

/// What a Secret has in it.
pub(crate) struct Content {
    pub(crate) name: String,
    pub(crate) data: Data,
    /// Its version.
    pub(crate) version: Option<String>,
    /// When it was made, in seconds since 1970.
    pub(crate) created: Option<i64>,
}

impl Content {
    pub(crate) fn of(name: String, secret: Secret) -> Self {
        let created = secret.metadata.creation_timestamp.map(|time| time.0.as_second());
        Self { name, data: secret.data.unwrap_or_default(), version: secret.metadata.resource_version, created }
    }

    /// The text of a key that need not be there.
    pub(crate) fn optional(&self, key: &str) -> Option<String> {
        String::from_utf8(self.data.get(key)?.0.clone()).ok()
    }

    pub(crate) fn text(&self, key: &str) -> Result<String, Error> {
        let bytes =
            self.data.get(key).ok_or_else(|| Error::SecretMissing { name: self.name.clone(), key: key.into() })?;
        String::from_utf8(bytes.0.clone()).map_err(|_| self.unusable(key, "it is not text"))
    }

    /// A password goes into URLs and configuration files, so only letters, digits and a few signs are allowed.
    fn password(&self, key: &str) -> Result<SecretText, Error> {
        let text = self.text(key)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
        if text.len() < 8 || !text.chars().all(allowed) {
            return Err(self.unusable(key, "write at least 8 letters, digits, or signs of - _ . ~ and no line end"));
        }
        Ok(SecretText::new(text))
    }

    pub(crate) fn unusable(&self, key: &str, problem: &str) -> Error {
        Error::SecretUnusable { name: self.name.clone(), key: key.into(), problem: problem.into() }
    }
}

/// Reads a Secret; makes it, or the keys that it lacks, from `generators`. What is there is never written over.
async fn ensure(
    secrets: &Api<Secret>,
    metadata: &ObjectMeta,
    generators: &[(&str, Generator)],
) -> Result<Content, Error> {
    let name = metadata.name.clone().unwrap_or_default();
    let access = |source: kube::Error| Error::SecretAccess { name: name.clone(), source: Box::new(source) };
    let found = secrets.get_opt(&name).await.map_err(access)?;
    let present = found.as_ref().and_then(|secret| secret.data.clone()).unwrap_or_default();
    let missing: Data = generators
        .iter()
        .filter(|(key, _)| !present.contains_key(*key))
        .filter_map(|(key, generate)| Some(((*key).to_owned(), ByteString(generate()?.into_bytes()))))
        .collect();
    let secret = match found {
        Some(secret) if missing.is_empty() => secret,
        Some(secret) => {
            // Together with the version that was read: should somebody add the key at the same time, theirs stays.
            let patch = serde_json::json!({
                "metadata": {"resourceVersion": secret.metadata.resource_version},
                "data": missing,
            });
            secrets.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await.map_err(access)?
        }
        None => {
            let secret = Secret { metadata: metadata.clone(), data: Some(missing), ..Secret::default() };
            secrets.create(&PostParams::default(), &secret).await.map_err(access)?
        }
    };
    Ok(Content::of(name, secret))
}

/// 256 random bits in hex.
#[expect(clippy::unnecessary_wraps, reason = "the shape of all generators")]
fn random_text() -> Option<String> {
    Some(hex::encode(rand::random::<[u8; 32]>()))
}
