//! The shelves of the shop.

use serde::Serialize;
use utoipa::ToSchema;

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
