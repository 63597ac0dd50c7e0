//! Lists that an index has the order of: a page is a short walk along it.

use shop_runtime::query;
use sqlx::PgExecutor;

use super::{Listed, Part, listed};
use crate::domain::listing::{Key, Language, Listing, Prices};
use crate::store::offers::offers;

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

#[query]
pub(super) async fn cheapest(
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

#[query]
pub(super) async fn dearest(
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

#[query]
pub(super) async fn by_name(
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

#[query]
pub(super) async fn newest(
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
#[query]
pub(super) async fn by_id(
    db: impl PgExecutor<'_>,
    listing: &Listing,
    after: Option<Key>,
    rows: i64,
) -> sqlx::Result<Vec<Listed>> {
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
