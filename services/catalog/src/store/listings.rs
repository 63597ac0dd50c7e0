//! Pages of products in every order but the simplest, which is in [`products`](super::products).
//!
//! Without a search, a page is a short walk along an index that has the list's order, so its cost does not depend on how much there is.
//! Where prices decide, the few products with a running flash sale are walked beside the others, since no index can know what the clock
//! does. A search, or a range of prices in another order, reads the narrow rows of all that it finds, and sorts them.
//!
//! The category is among what is sorted by, though it is always the same: without it, or if the places behind another were asked for with
//! it, the planner, who does not know the parameters, takes other indexes and sorts. By number it is the other way round, as in
//! [`products`](super::products). A test at 20,000 products holds which index each is read from.

use shop_types::FlashSaleId;
use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::products::OfferRow;
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

struct Row {
    rank: i64,
    label: String,
    id: i64,
    category: String,
    name_en: String,
    name_ru: String,
    description_en: String,
    description_ru: String,
    price_amount: i64,
    price_currency: String,
    stock: i32,
    version: i64,
    regular_amount: i64,
    sale_id: Option<FlashSaleId>,
    sale_ends_at: Option<OffsetDateTime>,
}

impl TryFrom<Row> for Listed {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        let key = Key { rank: row.rank, label: row.label, id: row.id };
        let offer = Offer::try_from(OfferRow {
            id: row.id,
            category: row.category,
            name_en: row.name_en,
            name_ru: row.name_ru,
            description_en: row.description_en,
            description_ru: row.description_ru,
            price_amount: row.price_amount,
            price_currency: row.price_currency,
            stock: row.stock,
            version: row.version,
            regular_amount: row.regular_amount,
            sale_id: row.sale_id,
            sale_ends_at: row.sale_ends_at,
            holds_ms: None,
        })?;
        Ok(Self { product: offer.product, key })
    }
}

/// The products of a page, in its order: the query gives their ids, and what they are sorted by.
macro_rules! page {
    ([$($page:tt)+] $(, $parameter:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"WITH running AS MATERIALIZED (
                   SELECT s.product_id, s.price_amount FROM flash_sales s JOIN products p ON p.id = s.product_id
                   WHERE s.told <> 'over' AND s.cancelled_at IS NULL AND s.starts_at <= now() AND s.ends_at > now()
                       AND s.price_currency = p.price_currency AND s.price_amount < p.price_amount
               ),
               page AS MATERIALIZED ("# + $($page)+ + r#")
               SELECT page.rank AS "rank!", page.label AS "label!", o.id AS "id!", category AS "category!", name_en AS "name_en!",
                   name_ru AS "name_ru!", description_en AS "description_en!", description_ru AS "description_ru!",
                   price_amount AS "price_amount!", price_currency AS "price_currency!", stock AS "stock!", version AS "version!",
                   regular_amount AS "regular_amount!", sale_id AS "sale_id: FlashSaleId", sale_ends_at
               FROM (SELECT *, row_number() OVER () AS place FROM page) page
               CROSS JOIN LATERAL (SELECT * FROM offers WHERE id = page.id AND deleted_at IS NULL OFFSET 0) o
               ORDER BY page.place"#,
            $($parameter),*
        )
    };
}

/// Everything that a condition holds for, as the list is asked to be sorted. The first parameters are those of a [`Part`].
macro_rules! sorted {
    ($condition:tt, $relevance:tt, $part:expr $(, $parameter:expr)* $(,)?) => {
        page!(
            ["SELECT id, rank, label FROM (
                  SELECT id,
                      CASE $5 WHEN 'relevance' THEN " + $relevance + " WHEN 'price_asc' THEN price WHEN 'price_desc' THEN -price
                          WHEN 'newest' THEN -added ELSE 0 END AS rank,
                      CASE $5 WHEN 'name_en' THEN name_en WHEN 'name_ru' THEN name_ru ELSE '' END AS label
                  FROM (
                      SELECT l.product_id AS id, l.name_en, l.name_ru, l.added, l.words,
                          CASE WHEN l.product_id IN (SELECT product_id FROM running)
                              THEN (SELECT min(r.price_amount) FROM running r WHERE r.product_id = l.product_id)
                              ELSE l.price_amount END AS price
                      FROM listings l WHERE " + $condition + " AND (l.in_stock OR NOT $4)
                      OFFSET 0
                  ) found
                  WHERE price BETWEEN $2 AND $3
                  OFFSET 0
              ) ranked
              WHERE (rank, label, id) > ($6, $7, $8) ORDER BY rank, label, id LIMIT $9"],
            $part.category, $part.prices.min, $part.prices.max, $part.in_stock, $part.sort, $part.after.rank, $part.after.label,
            $part.after.id, $part.rows $(, $parameter)*
        )
    };
}

/// The listings of a category behind a place, along the index of this column: upwards (`>` and no word) or downwards (`<`, `DESC`). What it is sorted by is also the number or the text of its place.
macro_rules! walk_category {
    ($column:tt, $rank:tt, $label:tt, $behind:tt, $direction:tt, $category:expr, $from:expr, $part:expr) => {
        page!(
            ["SELECT product_id AS id, "
                + $rank
                + " AS rank, "
                + $label
                + " AS label FROM listings
              WHERE category = $1 AND ("
                + $column
                + ", product_id) "
                + $behind
                + " ($2, $3)
                  AND (in_stock OR NOT $4)
              ORDER BY category "
                + $direction
                + ", "
                + $column
                + " "
                + $direction
                + ", product_id "
                + $direction
                + " LIMIT $5"],
            $category,
            $from,
            $part.after.id,
            $part.in_stock,
            $part.rows
        )
    };
}

/// The same, of all categories.
macro_rules! walk_all {
    ($column:tt, $rank:tt, $label:tt, $behind:tt, $direction:tt, $from:expr, $part:expr) => {
        page!(
            ["SELECT product_id AS id, "
                + $rank
                + " AS rank, "
                + $label
                + " AS label FROM listings
              WHERE ("
                + $column
                + ", product_id) "
                + $behind
                + " ($1, $2) AND (in_stock OR NOT $3)
              ORDER BY "
                + $column
                + " "
                + $direction
                + ", product_id "
                + $direction
                + " LIMIT $4"],
            $from,
            $part.after.id,
            $part.in_stock,
            $part.rows
        )
    };
}

/// The listings of a category behind a place by price: those at their regular price along its index, and those in a sale.
macro_rules! walk_category_by_price {
    ($behind:tt, $within:tt, $direction:tt, $category:expr, $bound:expr, $part:expr) => {
        page!(
            ["SELECT id, rank, '' AS label FROM (
                  (SELECT product_id AS id, price_amount AS rank FROM listings
                   WHERE category = $1 AND (price_amount, product_id) "
                + $behind
                + " ($2, $3)
                       AND price_amount "
                + $within
                + " $4 AND (in_stock OR NOT $5)
                       AND product_id NOT IN (SELECT product_id FROM running)
                   ORDER BY category "
                + $direction
                + ", price_amount "
                + $direction
                + ", product_id "
                + $direction
                + " LIMIT $6)
                  UNION ALL
                  (SELECT r.product_id, r.price_amount FROM running r JOIN listings l USING (product_id)
                   WHERE l.category = $1 AND (r.price_amount, r.product_id) "
                + $behind
                + " ($2, $3)
                       AND r.price_amount "
                + $within
                + " $4 AND (l.in_stock OR NOT $5)
                   ORDER BY r.price_amount "
                + $direction
                + ", r.product_id "
                + $direction
                + " LIMIT $6)
              ) both_kinds
              ORDER BY rank "
                + $direction
                + ", id "
                + $direction
                + " LIMIT $6"],
            $category,
            $part.after.rank,
            $part.after.id,
            $bound,
            $part.in_stock,
            $part.rows
        )
    };
}

/// The same, of all categories.
macro_rules! walk_all_by_price {
    ($behind:tt, $within:tt, $direction:tt, $bound:expr, $part:expr) => {
        page!(
            ["SELECT id, rank, '' AS label FROM (
                  (SELECT product_id AS id, price_amount AS rank FROM listings
                   WHERE (price_amount, product_id) "
                + $behind
                + " ($1, $2) AND price_amount "
                + $within
                + " $3
                       AND (in_stock OR NOT $4) AND product_id NOT IN (SELECT product_id FROM running)
                   ORDER BY price_amount "
                + $direction
                + ", product_id "
                + $direction
                + " LIMIT $5)
                  UNION ALL
                  (SELECT r.product_id, r.price_amount FROM running r JOIN listings l USING (product_id)
                   WHERE (r.price_amount, r.product_id) "
                + $behind
                + " ($1, $2) AND r.price_amount "
                + $within
                + " $3
                       AND (l.in_stock OR NOT $4)
                   ORDER BY r.price_amount "
                + $direction
                + ", r.product_id "
                + $direction
                + " LIMIT $5)
              ) both_kinds
              ORDER BY rank "
                + $direction
                + ", id "
                + $direction
                + " LIMIT $5"],
            $part.after.rank,
            $part.after.id,
            $bound,
            $part.in_stock,
            $part.rows
        )
    };
}

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

/// What is sorted by a search, by a price range that its index has not the order of, or not at all.
pub async fn found(
    db: impl PgExecutor<'_>,
    listing: &Listing,
    search: &Search,
    after: Option<Key>,
    rows: i64,
) -> sqlx::Result<Vec<Listed>> {
    let part = Part::of(listing, after, rows);
    let Search { folded, query } = search;
    let rows = sorted!(
        "l.words @@ (SELECT $10::text::tsquery) AND ($1::text IS NULL OR l.category = $1)",
        "CASE WHEN $13 THEN 4 + (NOT words @@ (SELECT $11::text::tsquery))::int
             WHEN name_en = $12 OR name_ru = $12 THEN 0
             WHEN starts_with(name_en, $12) OR starts_with(name_ru, $12) THEN 1
             WHEN words @@ (SELECT $11::text::tsquery) THEN 2
             ELSE 3 END",
        part,
        query.all,
        query.best,
        folded,
        query.corrected,
    );
    listed(rows.fetch_all(db).await?)
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

/// What costs so much, in an order that has nothing to do with it.
async fn in_range(
    db: impl PgExecutor<'_>,
    listing: &Listing,
    after: Option<Key>,
    rows: i64,
) -> sqlx::Result<Vec<Listed>> {
    let part = Part::of(listing, after, rows);
    // Those at their regular price are a part of an index, and the few in a sale are looked at one by one.
    listed(match part.category {
        Some(_) => {
            sorted!(
                "l.category = $1 AND (l.price_amount BETWEEN $2 AND $3
                     OR l.product_id = ANY (ARRAY(SELECT product_id FROM running)))",
                "0",
                part
            )
            .fetch_all(db)
            .await?
        }
        None => {
            sorted!(
                "$1::text IS NULL AND (l.price_amount BETWEEN $2 AND $3
                     OR l.product_id = ANY (ARRAY(SELECT product_id FROM running)))",
                "0",
                part
            )
            .fetch_all(db)
            .await?
        }
    })
}

async fn cheapest(
    db: impl PgExecutor<'_>,
    listing: &Listing,
    after: Option<Key>,
    rows: i64,
) -> sqlx::Result<Vec<Listed>> {
    let Prices { min, max } = listing.prices;
    let after = after.unwrap_or(Key { rank: min, label: String::new(), id: 0 });
    let part = Part::of(listing, Some(after), rows);
    listed(match part.category {
        Some(category) => walk_category_by_price!(">", "<=", "", category, max, part).fetch_all(db).await?,
        None => walk_all_by_price!(">", "<=", "", max, part).fetch_all(db).await?,
    })
}

async fn dearest(
    db: impl PgExecutor<'_>,
    listing: &Listing,
    after: Option<Key>,
    rows: i64,
) -> sqlx::Result<Vec<Listed>> {
    let Prices { min, max } = listing.prices;
    let after = after.unwrap_or(Key { rank: max, label: String::new(), id: i64::MAX });
    let part = Part::of(listing, Some(after), rows);
    listed(match part.category {
        Some(category) => walk_category_by_price!("<", ">=", "DESC", category, min, part).fetch_all(db).await?,
        None => walk_all_by_price!("<", ">=", "DESC", min, part).fetch_all(db).await?,
    })
}

async fn by_name(
    db: impl PgExecutor<'_>,
    listing: &Listing,
    after: Option<Key>,
    rows: i64,
) -> sqlx::Result<Vec<Listed>> {
    let part = Part::of(listing, after, rows);
    let from = &part.after.label;
    listed(match (part.category, listing.lang) {
        (Some(category), Language::En) => {
            walk_category!("name_en", "0::bigint", "name_en", ">", "", category, from, part).fetch_all(db).await?
        }
        (Some(category), Language::Ru) => {
            walk_category!("name_ru", "0::bigint", "name_ru", ">", "", category, from, part).fetch_all(db).await?
        }
        (None, Language::En) => walk_all!("name_en", "0::bigint", "name_en", ">", "", from, part).fetch_all(db).await?,
        (None, Language::Ru) => walk_all!("name_ru", "0::bigint", "name_ru", ">", "", from, part).fetch_all(db).await?,
    })
}

async fn newest(
    db: impl PgExecutor<'_>,
    listing: &Listing,
    after: Option<Key>,
    rows: i64,
) -> sqlx::Result<Vec<Listed>> {
    let after = after.unwrap_or(Key { rank: i64::MAX, label: String::new(), id: i64::MAX });
    let part = Part::of(listing, Some(after), rows);
    let from = part.after.rank;
    listed(match part.category {
        Some(category) => {
            walk_category!("added", "added", "''", "<", "DESC", category, from, part).fetch_all(db).await?
        }
        None => walk_all!("added", "added", "''", "<", "DESC", from, part).fetch_all(db).await?,
    })
}

/// By number, only what can be bought.
async fn by_id(db: impl PgExecutor<'_>, listing: &Listing, after: Option<Key>, rows: i64) -> sqlx::Result<Vec<Listed>> {
    let part = Part::of(listing, after, rows);
    listed(match part.category {
        Some(category) => {
            page!(
                ["SELECT product_id AS id, 0::bigint AS rank, '' AS label FROM listings
              WHERE (category, product_id) > ($1, $2) AND category <= $1 AND (in_stock OR NOT $3)
              ORDER BY category, product_id LIMIT $4"],
                category,
                part.after.id,
                part.in_stock,
                part.rows,
            )
            .fetch_all(db)
            .await?
        }
        None => {
            page!(
                ["SELECT product_id AS id, 0::bigint AS rank, '' AS label FROM listings
              WHERE product_id > $1 AND (in_stock OR NOT $2) ORDER BY product_id LIMIT $3"],
                part.after.id,
                part.in_stock,
                part.rows,
            )
            .fetch_all(db)
            .await?
        }
    })
}

fn listed(rows: Vec<Row>) -> sqlx::Result<Vec<Listed>> {
    rows.into_iter().map(Listed::try_from).collect()
}
