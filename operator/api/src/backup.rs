//! Backups of a database that the operator runs.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Quantity;

/// Backups of a database that the operator runs: the whole of it, in a volume of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Backup {
    /// When a backup is made, as in a crontab: minute, hour, day of the month, month, day of the week. Default: `0 3 * * *`, at 3 each night.
    /// Example: `*/30 * * * *`, twice an hour.
    #[serde(default = "schedule")]
    #[schemars(length(max = 100))]
    // Each number within its bounds; what is left, such as a range that runs backwards, the API server says of the CronJob.
    #[x_kube(validation = (
        "self.matches('^(@(hourly|daily|midnight|weekly|monthly|yearly|annually)\
         |(([*]|[0-5]?[0-9])[-,/])*([*]|[0-5]?[0-9]) \
         (([*]|[01]?[0-9]|2[0-3])[-,/])*([*]|[01]?[0-9]|2[0-3]) \
         (([*]|0?[1-9]|[12][0-9]|3[01])[-,/])*([*]|0?[1-9]|[12][0-9]|3[01]) \
         (([*]|0?[1-9]|1[0-2]|(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))[-,/])*\
         ([*]|0?[1-9]|1[0-2]|(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)) \
         (([*]|[0-6]|(?i:sun|mon|tue|wed|thu|fri|sat))[-,/])*([*]|[0-6]|(?i:sun|mon|tue|wed|thu|fri|sat)))$')",
        "write five fields as in a crontab (minute, hour, day of the month, month, day of the week from 0 to 6), such as 0 3 * * * for each night"
    ))]
    pub schedule: String,
    /// The time zone of the schedule, by its name. Default: `UTC`. Example: `Europe/Berlin`.
    #[serde(default = "time_zone")]
    #[schemars(length(max = 64))]
    #[x_kube(validation = (
        "self.matches('^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$') && !self.matches('^(?i:local)$')",
        "write the name of a time zone, such as UTC or Europe/Berlin"
    ))]
    pub time_zone: String,
    /// How many backups are kept: after each new one, and never before it was read through, older ones beyond this number are removed.
    /// Default: 7. Example: `30`.
    #[serde(default = "keep")]
    #[schemars(range(min = 1, max = 1000))]
    pub keep: u32,
    /// The volume that the backups are in. One that is there already keeps its storage class. Default: as the database's own volume. Example:
    /// `{size: 20Gi}`.
    #[serde(default)]
    pub storage: BackupStorage,
}

fn schedule() -> String {
    "0 3 * * *".to_owned()
}

fn time_zone() -> String {
    "UTC".to_owned()
}

const fn keep() -> u32 {
    7
}

impl Default for Backup {
    fn default() -> Self {
        Self { schedule: schedule(), time_zone: time_zone(), keep: keep(), storage: BackupStorage::default() }
    }
}

/// The volume that backups are in. What is left out is as in the database's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupStorage {
    /// Size of the volume: room for one backup more than are kept. It may grow, where the storage class can expand volumes, but never shrink.
    /// Default: as large as the database's own volume. Example: `20Gi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Quantity>,
    /// Storage class, which cannot change once the volume was made. Default: that of the database's own volume. Example: `cheap`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub storage_class_name: Option<String>,
}
