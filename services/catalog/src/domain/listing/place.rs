//! Where a list goes on: what cursors say.

use serde::{Deserialize, Serialize};
use shop_types::{Cursor, CursorError, ProductId};

use super::Listing;

/// Where a product stands in a list: what the list is sorted by, then the product's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The number that the list is sorted by, if any.
    pub rank: i64,
    /// The text that the list is sorted by, if any.
    pub label: String,
    /// The product.
    pub id: i64,
}

/// The last product that was shown, of which list. Whatever is added or removed meanwhile, a client that follows the cursors sees each
/// product that stays where it is in the order exactly once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    #[serde(rename = "f")]
    list: u64,
    #[serde(rename = "r", default, skip_serializing_if = "is_zero")]
    rank: i64,
    #[serde(rename = "l", default, skip_serializing_if = "String::is_empty")]
    label: String,
    #[serde(rename = "a")]
    after: ProductId,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl Place {
    /// Right behind a product, in this list.
    pub fn after(listing: &Listing, key: &Key, product: ProductId) -> Self {
        Self { list: listing.fingerprint(), rank: key.rank, label: key.label.clone(), after: product }
    }

    /// Where the list goes on; none: at its begin.
    pub fn resume(cursor: Option<&Cursor>, listing: &Listing) -> Result<Option<Key>, PositionError> {
        let Some(cursor) = cursor else { return Ok(None) };
        let place: Self = match cursor.decode() {
            Err(CursorError::Content(_)) if cursor.decode::<Position>().is_ok() => {
                return Err(PositionError::OtherList);
            }
            place => place?,
        };
        if place.list != listing.fingerprint() {
            return Err(PositionError::OtherList);
        }
        Ok(Some(Key { rank: place.rank, label: place.label, id: place.after.get() }))
    }
}

/// The last product that was shown, of which category or of everything, by number.
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
    /// Given out for another list: going on from it would skip or repeat products.
    #[error("the cursor belongs to another list; leave it out to begin this one")]
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
        let position: Self = match cursor.decode() {
            Err(CursorError::Content(_)) if cursor.decode::<Place>().is_ok() => return Err(PositionError::OtherList),
            position => position?,
        };
        if position.category.as_deref() != category {
            return Err(PositionError::OtherList);
        }
        Ok(position.after.get())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Asked, Language, Sort};
    use super::*;

    fn cursor(category: Option<&str>) -> Cursor {
        let product = ProductId::new(42).expect("positive");
        Cursor::encode(&Position::after(category, product)).expect("is JSON")
    }

    fn listing(asked: Asked) -> Listing {
        Listing::try_from(asked).expect("makes sense")
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

    #[test]
    fn a_cursor_goes_on_in_its_own_list_and_in_no_other() {
        let milk = Asked { q: Some("milk".to_owned()), ..Asked::default() };
        let lists = [
            milk.clone(),
            Asked { q: Some("Milk 2".to_owned()), ..Asked::default() },
            Asked { category: Some("dairy".to_owned()), ..milk.clone() },
            Asked { min_price: Some(1), ..milk.clone() },
            Asked { max_price: Some(1), ..milk.clone() },
            Asked { in_stock: true, ..milk.clone() },
            Asked { sort: Some(Sort::Name), ..milk.clone() },
            Asked { sort: Some(Sort::Name), lang: Language::Ru, ..milk },
            Asked { sort: Some(Sort::Newest), ..Asked::default() },
        ]
        .map(listing);
        let key = Key { rank: -3, label: "молоко".to_owned(), id: 42 };
        for (index, list) in lists.iter().enumerate() {
            let place = Place::after(list, &key, ProductId::new(42).expect("positive"));
            let cursor = Cursor::encode(&place).expect("is JSON");
            for (other, asked) in lists.iter().enumerate() {
                match Place::resume(Some(&cursor), asked) {
                    Ok(resumed) => assert!(index == other && resumed.as_ref() == Some(&key), "{index} in {other}"),
                    Err(error) => assert!(index != other, "{index}: {error}"),
                }
            }
            assert!(matches!(Position::resume(Some(&cursor), None), Err(PositionError::OtherList)));
            assert!(matches!(Place::resume(Some(&self::cursor(None)), list), Err(PositionError::OtherList)));
        }
    }

    #[test]
    fn the_longest_key_makes_a_cursor_that_can_be_read_again() {
        let list = listing(Asked { sort: Some(Sort::Name), ..Asked::default() });
        let key = Key { rank: i64::MIN, label: "𝄞".repeat(60), id: i64::MAX };
        let cursor = Cursor::encode(&Place::after(&list, &key, ProductId::new(key.id).expect("positive")));
        assert_eq!(Place::resume(Some(&cursor.expect("is JSON")), &list).expect("is ours"), Some(key));
    }
}
