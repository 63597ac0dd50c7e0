//! As whom pods run.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// As whom the pods of a part run: only what can be chosen without making them less than Pod Security `restricted`. The rest of it is the
/// operator's: never root, nothing added, a root file system that cannot be written to, the runtime's own filter of system calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodSecurity {
    /// User that the processes run as, never root's 0. The image must put up with it. A database starts only for the user that its files belong to:
    /// for another one, suspend the shop and give it the volume's files (`chown -R`, from a pod that may be root), or write the former number again.
    /// Default: 999 for PostgreSQL, Redis and backups, 101 for the gateway, 65532 for all else. Example: `1000680000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub run_as_user: Option<i64>,
    /// Group that the processes run as, never root's 0. Default: the same number as the user's. Example: `1000680000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub run_as_group: Option<i64>,
    /// Group that volumes are made readable and writable for, never root's 0. Default: the same number as the processes' group. Example:
    /// `1000680000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub fs_group: Option<i64>,
    /// Groups that the processes are in besides their own, never root's 0. Default: none. Example: `[5555]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[schemars(inner(range(min = 1, max = 2_147_483_647)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub supplemental_groups: Vec<i64>,
    /// What `SELinux` knows the processes and their volumes by, on nodes that have it. Default: as the container runtime chooses. Example:
    /// `{level: "s0:c26,c5"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub se_linux_options: Option<SeLinuxOptions>,
}

/// What `SELinux` knows the processes and their volumes by. User, role and type cannot be chosen under Pod Security `restricted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeLinuxOptions {
    /// Level with its categories. Default: none, it must be written. Example: `s0:c26,c5`.
    #[schemars(length(max = 100))]
    #[x_kube(validation = (
        "self.matches('^s[0-9]{1,2}(-s[0-9]{1,2})?(:c[0-9]{1,4}([.,]c[0-9]{1,4})*)?$')",
        "write a level of SELinux, such as s0:c26,c5"
    ))]
    pub level: String,
}
