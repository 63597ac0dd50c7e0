//! What of a pod tells why it does not come up.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodStatus};
use shopkeeper_plan::{Component, INSTANCE_LABEL, NAME_LABEL};
use strum::IntoStaticStr;

use crate::observed::StoreName;

/// So often a container must have ended before that is more than a bad moment.
const CRASHES: i32 = 2;

/// Why a pod does not come up, the worst first. The words are the reasons in the conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr)]
pub enum Cause {
    /// Its image cannot be had.
    ImagePullFailed,
    /// Its container cannot be made: a Secret or a key is missing, a command does not exist.
    PodsCannotStart,
    /// Its process ends again and again.
    PodsCrashing,
    /// No node has room for it, or its volume cannot be had.
    Unschedulable,
}

/// What is the matter with a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What it is a pod of.
    pub component: Component,
    /// Why it does not come up.
    pub cause: Cause,
    /// The same for people. It does not change as long as the cause is the same.
    pub message: String,
    /// Since when, where that matters.
    pub since: Option<Timestamp>,
}

/// The Store that a pod belongs to, and the pod's name.
pub(super) fn name(pod: &Pod) -> Option<(StoreName, String)> {
    let metadata = &pod.metadata;
    let name = metadata.labels.as_ref()?.get(INSTANCE_LABEL)?.clone();
    Some((StoreName { namespace: metadata.namespace.clone()?, name }, metadata.name.clone()?))
}

/// What is the matter with a pod, if anything is. One that is about to go troubles nobody.
pub(super) fn trouble(pod: &Pod) -> Option<Trouble> {
    let component: Component = pod.metadata.labels.as_ref()?.get(NAME_LABEL)?.parse().ok()?;
    if pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let status = pod.status.as_ref()?;
    let containers = [&status.init_container_statuses, &status.container_statuses];
    let of_containers = containers.into_iter().flatten().flatten().filter_map(of_container);
    let (cause, message, since) = of_containers
        .map(|(cause, message)| (cause, message, None))
        .chain(unschedulable(status))
        .min_by_key(|(cause, ..)| *cause)?;
    Some(Trouble { component, cause, message, since })
}

fn of_container(container: &ContainerStatus) -> Option<(Cause, String)> {
    let ContainerStatus { name, image, state, last_state, .. } = container;
    let waiting = state.as_ref().and_then(|state| state.waiting.as_ref());
    let (reason, text) = waiting.map_or((None, None), |it| (it.reason.as_deref(), it.message.as_deref()));
    match reason {
        // The kubelet's own words change with each try.
        Some(
            "ImagePullBackOff" | "ErrImagePull" | "ErrImageNeverPull" | "InvalidImageName" | "RegistryUnavailable",
        ) => Some((Cause::ImagePullFailed, format!("image {image:?} cannot be had"))),
        Some(reason @ ("CreateContainerConfigError" | "CreateContainerError" | "RunContainerError")) => {
            let text = text.unwrap_or(reason);
            Some((Cause::PodsCannotStart, format!("container {name} cannot start: {text}")))
        }
        _ => {
            // Between two crashes it runs for a while, which is no end of the trouble.
            let ended = last_state.as_ref()?.terminated.as_ref()?;
            let crashes = container.restart_count >= CRASHES && !container.ready && ended.exit_code != 0;
            let how = ended.reason.as_deref().filter(|reason| *reason != "Error").map(|reason| format!("{reason}, "));
            let text = format!(
                "container {name} ends again and again ({}exit code {}); its log tells why",
                how.unwrap_or_default(),
                ended.exit_code
            );
            crashes.then_some((Cause::PodsCrashing, text))
        }
    }
}

fn unschedulable(status: &PodStatus) -> Option<(Cause, String, Option<Timestamp>)> {
    let conditions = status.conditions.as_deref().unwrap_or_default();
    let told = conditions.iter().find(|it| it.type_ == "PodScheduled" && it.status == "False")?;
    if told.reason.as_deref() != Some("Unschedulable") {
        return None;
    }
    let text = told.message.clone().unwrap_or_default();
    let since = told.last_transition_time.as_ref().map(|time| time.0);
    Some((Cause::Unschedulable, format!("no node takes it: {text}"), since))
}
