//! The shelves of the shop.

use serde::Serialize;
use utoipa::ToSchema;

/// Whether a category could have this slug: lower-case letters, digits and hyphens, 32 at most.
pub fn is_slug(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && text.starts_with(|first: char| first.is_ascii_lowercase())
}

/// A shelf and how much lies in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Category {
    /// The name in addresses.
    #[schema(example = "fruit")]
    pub slug: String,
    /// The name in English.
    #[schema(example = "Fruit")]
    pub name_en: String,
    /// The name in Russian.
    #[schema(example = "Фрукты")]
    pub name_ru: String,
    /// How many products it has.
    #[schema(example = 2500)]
    pub product_count: i64,
}
