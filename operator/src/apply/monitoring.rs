//! What watches the shop: applied after all else, and what is in its way is in the way of nothing more.

use shopkeeper_plan::{Component, LeftOut};

use super::{Desired, Setback, Waves, child, setback, wave};
use crate::{context::Context, error::Error, kind::Kind, observed::StoreName};

/// What came of what watches the shop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Monitored {
    /// The parts that were made, or will be as soon as the shop itself is, with the kind of their pods.
    pub parts: Vec<(Component, Kind)>,
    /// What is asked for and not made.
    pub left_out: Vec<LeftOut>,
    /// What could not be applied; it is tried again.
    pub failed: Option<Setback>,
}

impl Monitored {
    /// Nothing of it is applied now.
    pub(super) fn untouched(waves: &Waves) -> Self {
        Self { parts: waves.monitoring_parts.clone(), left_out: waves.left_out.clone(), failed: None }
    }
}

/// What is in the way of settings is not in the way of rest.
const fn in_order(waves: &Waves, is_suspended: bool) -> [&Vec<Desired>; 3] {
    let Waves { monitoring_ground: ground, monitoring_pods: pods, told_to_prometheus: told, .. } = waves;
    if is_suspended { [pods, ground, told] } else { [ground, pods, told] }
}

/// Applies it once the shop is made, and from then on always. Only what is the matter with the operator or the namespace itself is an error.
pub(super) async fn apply(
    context: &Context,
    store: &StoreName,
    waves: &Waves,
    shop_is_made: bool,
    is_suspended: bool,
) -> Result<Monitored, Error> {
    let mut monitored = Monitored::untouched(waves);
    let begun = || waves.monitoring_pods.iter().any(|desired| context.observed.get(&desired.child).is_some());
    if !shop_is_made && !begun() {
        return Ok(monitored);
    }
    for volume in &waves.monitoring_volumes {
        let refused = setback::volume(child::apply(context, store, volume).await);
        let refused = refused.or_else(|error| in_its_way(store, error).map(Some))?;
        monitored.failed = monitored.failed.or(refused);
    }
    for children in in_order(waves, is_suspended) {
        if let Err(error) = wave(context, store, children).await {
            monitored.failed = Some(in_its_way(store, error)?);
            break;
        }
    }
    Ok(monitored)
}

/// What is told where the monitoring is, unless more is the matter than that.
fn in_its_way(store: &StoreName, error: Error) -> Result<Setback, Error> {
    match error.or_not_leading() {
        error if error.is_namespace_going() || matches!(error, Error::NotLeading(_)) => Err(error),
        error => {
            tracing::warn!(store = %store, %error, "what watches the shop could not be applied");
            Ok(Setback { reason: error.reason(), message: error.to_string() })
        }
    }
}
