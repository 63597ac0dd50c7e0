//! As whom pods run: what a Store may choose of it, and what it may not.

use k8s_openapi::api::core::v1::{PodSecurityContext, SELinuxOptions, SeccompProfile};
use shopkeeper_api::{PodSecurity, SeLinuxOptions};

use crate::{Component, InvalidStore};

/// The user that a component's processes run as, where the Store names no other.
const fn usual_user(component: Component) -> i64 {
    match component {
        Component::Postgres | Component::Redis | Component::Backup => 999,
        Component::Gateway => 101,
        _ => 65532,
    }
}

/// What a Store asks for, in case something slipped past the API server.
pub(crate) fn checked(path: &str, asked: Option<&PodSecurity>) -> Result<PodSecurity, InvalidStore> {
    let asked = asked.cloned().unwrap_or_default();
    match problem(&asked) {
        Some(problem) => Err(InvalidStore::SecurityContext { path: path.to_owned(), problem }),
        None => Ok(asked),
    }
}

fn problem(asked: &PodSecurity) -> Option<&'static str> {
    let PodSecurity { run_as_user, run_as_group, fs_group, supplemental_groups, se_linux_options } = asked;
    let mut ids = [run_as_user, run_as_group, fs_group].into_iter().flatten().chain(supplemental_groups);
    if ids.any(|id| !(1..=i64::from(i32::MAX)).contains(id)) {
        return Some("root's number is not for the shop's pods: write users and groups from 1 to 2147483647");
    }
    let level = se_linux_options.as_ref().map(|options| options.level.as_str());
    level.filter(|level| !is_level(level)).map(|_| "write a level of SELinux, such as s0:c26,c5")
}

/// Whether it has the signs of a level, and nothing else.
fn is_level(text: &str) -> bool {
    text.starts_with('s') && text.chars().all(|c| c.is_ascii_digit() || "sc-:.,".contains(c))
}

/// The security of a pod: the same for all, but as whom it runs.
pub(crate) fn context(component: Component, asked: &PodSecurity) -> PodSecurityContext {
    let PodSecurity { run_as_user, run_as_group, fs_group, supplemental_groups, se_linux_options } = asked;
    let user = run_as_user.unwrap_or_else(|| usual_user(component));
    let group = run_as_group.unwrap_or(user);
    let level = |SeLinuxOptions { level }: &SeLinuxOptions| SELinuxOptions {
        level: Some(level.clone()),
        ..SELinuxOptions::default()
    };
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(user),
        run_as_group: Some(group),
        fs_group: Some(fs_group.unwrap_or(group)),
        fs_group_change_policy: Some("OnRootMismatch".into()),
        supplemental_groups: Some(supplemental_groups.clone()).filter(|groups| !groups.is_empty()),
        se_linux_options: se_linux_options.as_ref().map(level),
        seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".into(), ..SeccompProfile::default() }),
        ..PodSecurityContext::default()
    }
}
