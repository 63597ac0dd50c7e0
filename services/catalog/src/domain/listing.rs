//! The order in which products are listed, and the place in it where a page begins.

use serde::{Deserialize, Serialize};
use shop_types::{Cursor, CursorError, ProductId};

/// The last product that was shown, of which list. Products are listed by id, which never changes: whatever is added or removed
/// meanwhile, a client that follows the cursors sees each product that stays exactly once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(rename = "a")]
    after: ProductId,
}

/// A cursor that does not fit the list it was sent for.
#[derive(Debug, thiserror::Error)]
pub enum PositionError {
    /// Not a cursor at all.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// Given out for another category: going on from it would skip or repeat products.
    #[error("the cursor belongs to another category; leave it out to begin this one")]
    OtherList,
}

impl Position {
    /// Right behind a product, in the list of a category or of everything.
    pub fn after(category: Option<&str>, product: ProductId) -> Self {
        Self { category: category.map(str::to_owned), after: product }
    }

    /// Where the list goes on: the id that all its products exceed. Without a cursor that is zero.
    pub fn resume(cursor: Option<&Cursor>, category: Option<&str>) -> Result<i64, PositionError> {
        let Some(cursor) = cursor else { return Ok(0) };
        let position: Self = cursor.decode()?;
        if position.category.as_deref() != category {
            return Err(PositionError::OtherList);
        }
        Ok(position.after.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(category: Option<&str>) -> Cursor {
        let product = ProductId::new(42).expect("positive");
        Cursor::encode(&Position::after(category, product)).expect("is JSON")
    }

    #[test]
    fn a_list_goes_on_behind_the_last_product_shown() {
        assert!(matches!(Position::resume(None, Some("fruit")), Ok(0)));
        assert!(matches!(Position::resume(Some(&cursor(Some("fruit"))), Some("fruit")), Ok(42)));
        assert!(matches!(Position::resume(Some(&cursor(None)), None), Ok(42)));
    }

    #[test]
    fn a_cursor_of_one_category_is_refused_by_another() {
        for (given, asked) in [(Some("fruit"), Some("meat")), (Some("fruit"), None), (None, Some("meat"))] {
            let resumed = Position::resume(Some(&cursor(given)), asked);
            assert!(matches!(resumed, Err(PositionError::OtherList)), "{given:?} for {asked:?}");
        }
    }
}
