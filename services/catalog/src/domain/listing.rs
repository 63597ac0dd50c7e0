//! Lists of products: which, and in which order.

mod place;

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::place::{Key, Place, Position, PositionError};
use super::category::is_slug;
use super::fnv::Fnv;
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

    /// Whether a page of it takes more than a short walk along an index: everything that it finds is read and sorted.
    pub fn is_dear(&self) -> bool {
        let by_price = matches!(self.sort, Sort::PriceAsc | Sort::PriceDesc);
        self.search.is_some() || (self.prices != Prices::ALL && !by_price)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(asked: Asked) -> Listing {
        Listing::try_from(asked).expect("makes sense")
    }

    #[test]
    fn cursors_that_are_on_their_way_survive_an_update_of_the_shop() {
        let list = listing(Asked { q: Some("milk".to_owned()), ..Asked::default() });
        assert_eq!(list.fingerprint(), 0xb748_2995_587a_4294, "what decides it must not change");
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
