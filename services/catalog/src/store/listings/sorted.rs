//! Lists of which everything that they find is read and sorted: searches, and prices in another order than that of prices.

use shop_runtime::query;
use sqlx::PgExecutor;

use super::{Listed, Part, Search, listed};
use crate::domain::listing::{Key, Listing};
use crate::store::offers::offers;

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

/// What is sorted by a search, by a price range that its index has not the order of, or not at all.
#[query]
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

/// What costs so much, in an order that has nothing to do with it.
#[query]
pub(super) async fn in_range(
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
