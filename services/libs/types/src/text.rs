//! Text in the languages of the shop.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A text in each of the shop's languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LocalizedText {
    /// English.
    #[schema(example = "Green apples")]
    pub en: String,
    /// Russian.
    #[schema(example = "Зелёные яблоки")]
    pub ru: String,
}
