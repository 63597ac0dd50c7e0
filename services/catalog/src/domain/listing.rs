//! Lists of products: which, in which order, and where a page begins.

use std::fmt;

use serde::{Deserialize, Serialize};
use shop_types::{Cursor, CursorError, ProductId};
use utoipa::ToSchema;

use super::category::is_slug;
use super::search::SearchText;

/// The highest price that a product can have, and that can be asked for.
pub const HIGHEST_PRICE: i64 = 10_000_000_000;

/// In which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// What fits a search best comes first.
    Relevance,
    /// The cheapest first, by what a piece costs now.
    PriceAsc,
    /// The dearest first, by what a piece costs now.
    PriceDesc,
    /// By name, in the language that was asked for.
    Name,
    /// What came last into the shop first.
    Newest,
    /// By number.
    Id,
}

/// The languages of the shop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Russian.
    Ru,
}

/// Prices from one to another, both included, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
    /// The lowest.
    pub min: i64,
    /// The highest.
    pub max: i64,
}

impl Prices {
    /// Every price that there can be.
    pub const ALL: Self = Self { min: 0, max: HIGHEST_PRICE };
}

/// What somebody asks for. Every part of it but the language, which only names are sorted by, decides which products there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// What they are looking for.
    pub q: Option<String>,
    /// The slug of a category.
    pub category: Option<String>,
    /// The lowest price.
    pub min_price: Option<i64>,
    /// The highest price.
    pub max_price: Option<i64>,
    /// Only what can be bought now.
    pub in_stock: bool,
    /// In which order; what is best known of the list without it.
    pub sort: Option<Sort>,
    /// The language of the names to sort by.
    pub lang: Language,
}

/// A list that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What it is searched for.
    pub search: Option<SearchText>,
    /// The slug of its category; all of them without it.
    pub category: Option<String>,
    /// What its products cost now.
    pub prices: Prices,
    /// Whether there is something of each of them.
    pub in_stock: bool,
    /// In which order.
    pub sort: Sort,
    /// In which language, for the sake of names.
    pub lang: Language,
}

/// A list that can't be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// No category could have that slug.
    #[error("there is no category `{0}`")]
    Category(String),
    /// Not a price.
    #[error("a price is a whole number of minor units from 0 to {HIGHEST_PRICE}")]
    Price {
        /// The parameter.
        field: &'static str,
    },
    /// Nothing costs so little and so much.
    #[error("it is above `max_price`")]
    NoPrices,
    /// The text is too long.
    #[error("it has {0} characters, and {max} at most can be searched for", max = SearchText::LONGEST)]
    LongText(usize),
    /// The text has a sign in it that nobody can type.
    #[error("it has a control character in it")]
    ControlCharacter,
    /// What fits best can only be told of a search.
    #[error("`relevance` is the order of a search: give `q`, or another order")]
    NoSearch,
}

impl ListingError {
    /// The parameter that is wrong.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Category(_) => "category",
            Self::Price { field } => field,
            Self::NoPrices => "min_price",
            Self::LongText(_) | Self::ControlCharacter => "q",
            Self::NoSearch => "sort",
        }
    }
}

impl TryFrom<Asked> for Listing {
    type Error = ListingError;

    fn try_from(asked: Asked) -> Result<Self, ListingError> {
        let Asked { q, category, min_price, max_price, in_stock, sort, lang } = asked;
        let search = q.as_deref().map(SearchText::read).transpose()?.flatten();
        if let Some(slug) = category.as_ref().filter(|slug| !is_slug(slug)) {
            return Err(ListingError::Category(slug.clone()));
        }
        for (field, price) in [("min_price", min_price), ("max_price", max_price)] {
            if price.is_some_and(|price| !(0..=HIGHEST_PRICE).contains(&price)) {
                return Err(ListingError::Price { field });
            }
        }
        let prices = Prices { min: min_price.unwrap_or(Prices::ALL.min), max: max_price.unwrap_or(Prices::ALL.max) };
        if prices.min > prices.max {
            return Err(ListingError::NoPrices);
        }
        let sort = sort.unwrap_or(if search.is_some() { Sort::Relevance } else { Sort::Id });
        if sort == Sort::Relevance && search.is_none() {
            return Err(ListingError::NoSearch);
        }
        Ok(Self { search, category, prices, in_stock, sort, lang })
    }
}

impl Listing {
    /// Whether it is a category, or everything, by number: what is read most often, and has the simplest cursors.
    pub fn is_plain(&self) -> bool {
        self.search.is_none() && self.prices == Prices::ALL && !self.in_stock && self.sort == Sort::Id
    }

    /// A number that other lists do not have: a cursor of one makes no sense in another. It is the same in every replica and version
    /// of the shop.
    fn fingerprint(&self) -> u64 {
        let Self { search, category, prices: Prices { min, max }, in_stock, sort, lang } = self;
        let lang = if *sort == Sort::Name { *lang } else { Language::En };
        let (category, q) = (category.as_deref().unwrap_or("*"), search.as_ref().map_or("", SearchText::as_str));
        let mut hash = Fnv::default();
        let _ = fmt::write(&mut hash, format_args!("{category} {min} {max} {in_stock} {sort:?} {lang:?} {q}"));
        hash.0
    }
}

/// The hash FNV-1a, which will be the same for ever, unlike the standard library's.
#[derive(Debug)]
pub struct Fnv(pub u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// Adds bytes to what is hashed.
    pub fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.add(text.as_bytes());
        Ok(())
    }
}

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
    fn cursors_that_are_on_their_way_survive_an_update_of_the_shop() {
        let list = listing(Asked { q: Some("milk".to_owned()), ..Asked::default() });
        assert_eq!(list.fingerprint(), 0xb748_2995_587a_4294, "what decides it must not change");
    }

    #[test]
    fn the_longest_key_makes_a_cursor_that_can_be_read_again() {
        let list = listing(Asked { sort: Some(Sort::Name), ..Asked::default() });
        let key = Key { rank: i64::MIN, label: "𝄞".repeat(60), id: i64::MAX };
        let cursor = Cursor::encode(&Place::after(&list, &key, ProductId::new(key.id).expect("positive")));
        assert_eq!(Place::resume(Some(&cursor.expect("is JSON")), &list).expect("is ours"), Some(key));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_its_name() {
        let refused = |asked: Asked| Listing::try_from(asked).expect_err("makes no sense").field();
        let q = |q: String| Asked { q: Some(q), ..Asked::default() };
        assert_eq!(refused(q("x".repeat(101))), "q");
        assert_eq!(refused(q("a\0b".to_owned())), "q");
        assert_eq!(refused(Asked { category: Some("Fruit!".to_owned()), ..Asked::default() }), "category");
        assert_eq!(refused(Asked { min_price: Some(-1), ..Asked::default() }), "min_price");
        assert_eq!(refused(Asked { max_price: Some(HIGHEST_PRICE + 1), ..Asked::default() }), "max_price");
        assert_eq!(refused(Asked { min_price: Some(2), max_price: Some(1), ..Asked::default() }), "min_price");
        assert_eq!(refused(Asked { sort: Some(Sort::Relevance), ..Asked::default() }), "sort");
        assert!(listing(q(" \t ".to_owned())).is_plain(), "an empty field of a form asks for nothing");
        assert_eq!(listing(q("ё".repeat(100))).sort, Sort::Relevance);
    }
}
