//! What the cart asks of its siblings, in the cart's own words. What they refuse for certain is told apart from everything that may
//! still turn out otherwise.

pub mod catalog;
pub mod orders;

use shop_runtime::client::SiblingError;

use crate::domain::checkout::Refusal;

/// The answer to a step of a checkout.
pub type Outcome<T> = Result<Result<T, Refusal>, SiblingError>;

/// The refusal in a sibling's words, for requests that it will not take however often they come.
fn not_accepted(error: &SiblingError) -> Option<Refusal> {
    let invalid = error.status().is_some_and(|status| status.as_u16() == 422);
    invalid.then(|| {
        let said = error.problem().and_then(|problem| problem.detail.clone());
        Refusal::NotAccepted(said.unwrap_or_else(|| error.to_string()))
    })
}
