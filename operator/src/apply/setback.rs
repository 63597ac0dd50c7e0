//! What could not be done, though the rest goes on.

use crate::error::Error;

/// What the API server answers when it understands an object and does not take it.
const UNPROCESSABLE: u16 = 422;

/// What could not be done, though the rest goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setback {
    /// A stable word.
    pub reason: &'static str,
    /// A sentence for people.
    pub message: String,
}

impl Setback {
    pub(super) fn gateway_api_missing() -> Self {
        Self {
            reason: "GatewayApiMissing",
            message: "spec.gateway.httpRoute: this cluster does not know HTTPRoute (gateway.networking.k8s.io/v1), so none was made: \
                      install the Gateway API, or write gateway.ingress instead; the shop is reached by its Service meanwhile"
                .into(),
        }
    }
}

/// The setback with a volume that cannot grow; what uses it goes on with the one that it has.
pub(super) fn volume(applied: Result<bool, Error>) -> Result<Option<Setback>, Error> {
    match applied {
        Ok(_) => Ok(None),
        Err(Error::ApplyFailed { child, source }) => match *source {
            kube::Error::Api(status) if is_about_growing(&status.message) => Ok(Some(Setback {
                reason: "VolumeCannotGrow",
                message: format!(
                    "the volume {} stays as large as it is: {}. Let its storage class expand volumes (allowVolumeExpansion: true); all \
                     else goes on meanwhile",
                    child.name, status.message
                ),
            })),
            source => Err(Error::ApplyFailed { child, source: Box::new(source) }),
        },
        Err(error) => Err(error),
    }
}

/// The setback with a schedule or a time zone that the API server knows to be none, and nobody before it.
pub(super) fn backup(applied: Result<bool, Error>) -> Result<Option<Setback>, Error> {
    match applied {
        Ok(_) => Ok(None),
        Err(Error::ApplyFailed { child, source }) => match *source {
            kube::Error::Api(status) if status.code == UNPROCESSABLE => Ok(Some(Setback {
                reason: "BackupRefused",
                message: format!(
                    "spec.database.managed.backup: {}. Write another schedule or time zone; what there is goes on meanwhile",
                    status.message
                ),
            })),
            source => Err(Error::ApplyFailed { child, source: Box::new(source) }),
        },
        Err(error) => Err(error),
    }
}

/// The words of the API server's admission and of its validation of claims that are not bound yet.
fn is_about_growing(message: &str) -> bool {
    [
        "must support resize",
        "persistent volume claims can be expanded",
        "spec is immutable after creation except resources.requests",
    ]
    .iter()
    .any(|words| message.contains(words))
}
