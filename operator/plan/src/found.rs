//! What a Store refers to, as it was found in the cluster.

use std::collections::BTreeMap;

use shopkeeper_api::Storage;

use crate::{Component, Credentials, PolicyVersion, SERVICES, SecretText, digest};

/// Addresses of the services' Services, as far as they are known.
pub type ServiceAddresses = BTreeMap<Component, String>;

/// What a plan is made from besides the Store.
#[derive(Clone, Debug)]
pub struct Found {
    /// The shop's credentials.
    pub credentials: Credentials,
    /// URL of an external database, from the Secret that the Store names.
    pub external_database: Option<SecretText>,
    /// URL of an external Redis, from the Secret that the Store names.
    pub external_redis: Option<SecretText>,
    /// Hash of the certificate that the gateway itself serves with, if it does.
    pub certificate: Option<String>,
    /// Hashes of the Secrets that pod templates of the Store bring in, by name; those that are not there are left out.
    pub secrets: BTreeMap<String, String>,
    /// The same of `ConfigMaps`. The operator's own are left out.
    pub config_maps: BTreeMap<String, String>,
    /// The namespace that the operator runs in.
    pub operator_namespace: String,
    /// The version of the cache policies that the pods are told now, if there is one.
    pub cache_policy: Option<PolicyVersion>,
    /// The volume of the backups if there is one, also when there are to be no more.
    pub backup_volume: Option<Storage>,
    /// The volume of the figures, where there is one.
    pub figures_volume: Option<Storage>,
    /// Addresses of the services' Services.
    pub addresses: ServiceAddresses,
    /// What the Store's Secret says of a Telegram chat.
    pub telegram: TelegramFound,
    /// Whether the cluster has the Prometheus Operator, so that its Prometheus collects the shop's figures.
    pub prometheus_operator: bool,
    /// Name and port under which the operator's own figures are had, if they are.
    pub operator_metrics: Option<String>,
}

/// What a Store's Secret says of a Telegram chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TelegramFound {
    /// The Store names none.
    NotAsked,
    /// It cannot be used, for this reason. Nothing but the messages waits for it.
    Unusable(String),
    /// The bot and the chat.
    Chat {
        /// The bot's token.
        token: SecretText,
        /// The chat's number.
        chat: i64,
    },
}

impl Found {
    /// Whether nginx can look up every service that it routes to.
    pub fn all_addresses_known(&self) -> bool {
        SERVICES.iter().all(|service| self.addresses.contains_key(service))
    }

    /// Hash of what people have put into the namespace for the Store, and what its pods are made with.
    pub fn brought_in(&self) -> u128 {
        let Self { external_database, external_redis, certificate, secrets, config_maps, .. } = self;
        digest(&(external_database, external_redis, certificate, secrets, config_maps))
    }
}
