//! Pages of products in every order but the simplest, which is in [`products`](super::products).
//!
//! Without a search, a page is a short walk along an index that has the list's order, so its cost does not depend on how much there is.
//! Where prices decide, the few products with a running flash sale are walked beside the others, since no index can know what the clock
//! does. A search, or a range of prices in another order, reads the narrow rows of all that it finds, and sorts them.
//!
//! The category is among what is sorted by, though it is always the same: without it, or if the places behind another were asked for with
//! it, the planner, who does not know the parameters, takes other indexes and sorts. By number it is the other way round, as in
//! [`products`](super::products). A test at 20,000 products holds which index each is read from.

use sqlx::PgExecutor;

use super::offers::OfferRow;
use crate::domain::listing::{Key, Language, Listing, Prices, Sort};
use crate::domain::product::{Offer, Product};
use crate::domain::search::Query;

/// A product of a list, and where it stands there.
#[derive(Debug)]
pub struct Listed {
    /// The product.
    pub product: Product,
    /// Its place.
    pub key: Key,
}

/// A search: the text as names are compared with it, and its query.
#[derive(Debug)]
pub struct Search {
    /// In lower case, without accents and signs.
    pub folded: String,
    /// What is to be found.
    pub query: Query,
}

impl TryFrom<OfferRow> for Listed {
    type Error = sqlx::Error;

    fn try_from(mut row: OfferRow) -> sqlx::Result<Self> {
        let missing = |column: &str| sqlx::Error::Decode(format!("a list without {column}").into());
        let rank = row.rank.ok_or_else(|| missing("rank"))?;
        let label = row.label.take().ok_or_else(|| missing("label"))?;
        Ok(Self { key: Key { rank, label, id: row.id }, product: Offer::try_from(row)?.product })
    }
}

/// The products of a page, in its order: the query gives their ids, and what they are sorted by.
macro_rules! page {
    ([$($page:tt)+] $(, $parameter:expr)* $(,)?) => {
        offers!(
            [r#"WITH running AS MATERIALIZED (
                   SELECT s.product_id, s.price_amount FROM flash_sales s JOIN products p ON p.id = s.product_id
                   WHERE s.told <> 'over' AND s.cancelled_at IS NULL AND s.starts_at <= now() AND s.ends_at > now()
                       AND s.price_currency = p.price_currency AND s.price_amount < p.price_amount
               ),
               page AS MATERIALIZED ("# + $($page)+ + ") "],
            ["NULL::bigint AS holds_ms, page.rank, page.label"],
            ["(SELECT *, row_number() OVER () AS place FROM page) page
               CROSS JOIN LATERAL (SELECT * FROM offers WHERE id = page.id AND deleted_at IS NULL OFFSET 0) o
               ORDER BY page.place"],
            $($parameter),*
        )
    };
}

// They use the macro.
mod sorted;
mod walks;

pub use self::sorted::found;
use self::sorted::in_range;
use self::walks::{by_id, by_name, cheapest, dearest, newest};

/// Which part of a list is read.
struct Part<'a> {
    category: Option<&'a str>,
    prices: Prices,
    in_stock: bool,
    /// How it is sorted, in the words of the statements.
    sort: &'static str,
    after: Key,
    rows: i64,
}

impl<'a> Part<'a> {
    fn of(listing: &'a Listing, after: Option<Key>, rows: i64) -> Self {
        let Listing { search: _, category, prices, in_stock, sort, lang } = listing;
        let sort_name = match (sort, lang) {
            (Sort::Relevance, _) => "relevance",
            (Sort::PriceAsc, _) => "price_asc",
            (Sort::PriceDesc, _) => "price_desc",
            (Sort::Name, Language::En) => "name_en",
            (Sort::Name, Language::Ru) => "name_ru",
            (Sort::Newest, _) => "newest",
            (Sort::Id, _) => "id",
        };
        Self {
            category: category.as_deref(),
            prices: *prices,
            in_stock: *in_stock,
            sort: sort_name,
            after: after.unwrap_or(Key { rank: i64::MIN, label: String::new(), id: 0 }),
            rows,
        }
    }
}

/// A part of a list that nothing is searched in.
pub async fn page(
    db: impl PgExecutor<'_>,
    listing: &Listing,
    after: Option<Key>,
    rows: i64,
) -> sqlx::Result<Vec<Listed>> {
    let any_price = listing.prices == Prices::ALL;
    match listing.sort {
        Sort::PriceAsc => cheapest(db, listing, after, rows).await,
        Sort::PriceDesc => dearest(db, listing, after, rows).await,
        Sort::Name if any_price => by_name(db, listing, after, rows).await,
        Sort::Newest if any_price => newest(db, listing, after, rows).await,
        Sort::Id if any_price => by_id(db, listing, after, rows).await,
        Sort::Name | Sort::Newest | Sort::Id | Sort::Relevance => in_range(db, listing, after, rows).await,
    }
}

fn listed(rows: Vec<OfferRow>) -> sqlx::Result<Vec<Listed>> {
    rows.into_iter().map(Listed::try_from).collect()
}
