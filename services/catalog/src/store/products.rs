//! Products: read, listed, changed by administrators, seeded.

use std::collections::BTreeMap;
use std::time::Duration;

use shop_runtime::query;
use shop_types::{Currency, LocalizedText, Money, ProductId};
use sqlx::PgExecutor;

use super::offers::{OfferRow, offers};
use crate::domain::assortment::DemoProduct;
use crate::domain::product::{NewProduct, Offer, Product, Quoted};

/// A product at its regular price, as its columns.
struct Row {
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
}

impl TryFrom<Row> for Product {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        Ok(Self {
            id: product_id(row.id)?,
            name: LocalizedText { en: row.name_en, ru: row.name_ru },
            description: LocalizedText { en: row.description_en, ru: row.description_ru },
            category: row.category,
            price: money(row.price_amount, &row.price_currency)?,
            sale: None,
            stock: row.stock,
            version: row.version,
        })
    }
}

/// The time that the database has counted until something begins or ends.
pub(super) fn holds_for(millis: i64) -> Duration {
    Duration::from_millis(millis.try_into().unwrap_or_default())
}

fn all(rows: Vec<OfferRow>) -> sqlx::Result<Vec<Product>> {
    rows.into_iter().map(|row| Offer::try_from(row).map(|offer| offer.product)).collect()
}

/// The products of the view that are where this says, and how long they stay as they are.
macro_rules! sold {
    ($where:tt, $($parameter:expr),*) => {
        offers!(
            [""],
            [r#"(extract(epoch FROM changes_at - now()) * 1000)::bigint AS holds_ms, NULL::bigint AS rank, NULL::text AS label"#],
            ["offers o " + $where],
            $($parameter),*
        )
    };
}

pub(super) fn product_id(id: i64) -> sqlx::Result<ProductId> {
    ProductId::new(id).map_err(|error| sqlx::Error::Decode(error.into()))
}

pub(super) fn money(amount: i64, currency: &str) -> sqlx::Result<Money> {
    let rub = Currency::Rub;
    if currency == rub.code() {
        Ok(Money::new(amount, rub))
    } else {
        Err(sqlx::Error::Decode(format!("a price is in {currency}, which the shop does not know").into()))
    }
}

/// One product, and how long it stays as it is.
#[query]
pub async fn by_id(db: impl PgExecutor<'_>, id: ProductId) -> sqlx::Result<Option<Offer>> {
    sold!("WHERE o.id = $1 AND deleted_at IS NULL", id.get()).fetch_optional(db).await?.map(Offer::try_from).transpose()
}

/// Whether the product is sold.
#[query]
pub async fn exists(db: impl PgExecutor<'_>, id: ProductId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM products WHERE id = $1 AND deleted_at IS NULL) AS "exists!""#,
        id.get(),
    )
    .fetch_one(db)
    .await
}

/// Those of the products that are sold, sorted by id.
#[query]
pub async fn by_ids(db: impl PgExecutor<'_>, ids: &[i64]) -> sqlx::Result<Vec<Product>> {
    all(sold!("WHERE id = ANY($1) AND deleted_at IS NULL ORDER BY id", ids).fetch_all(db).await?)
}

/// What those of the products cost that are sold, sorted by id.
#[query]
pub async fn quoted(db: impl PgExecutor<'_>, ids: &[i64]) -> sqlx::Result<Vec<Quoted>> {
    sqlx::query!(
        r#"SELECT id AS "id!", name_en AS "name_en!", name_ru AS "name_ru!", price_amount AS "price_amount!",
               price_currency AS "price_currency!", stock AS "stock!"
           FROM offers WHERE id = ANY($1) AND deleted_at IS NULL ORDER BY id"#,
        ids,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| {
        Ok(Quoted {
            id: product_id(row.id)?,
            name: LocalizedText { en: row.name_en, ru: row.name_ru },
            price: money(row.price_amount, &row.price_currency)?,
            stock: row.stock,
        })
    })
    .collect()
}

/// Those of the products that are sold, and how long they stay as they are, in no order.
#[query]
pub async fn offers_by_ids(db: impl PgExecutor<'_>, ids: &[i64]) -> sqlx::Result<Vec<Offer>> {
    let rows = sold!("WHERE id = ANY($1) AND deleted_at IS NULL ORDER BY id", ids).fetch_all(db).await?;
    rows.into_iter().map(Offer::try_from).collect()
}

/// The products of a category behind a place in its list.
///
/// `category = $1 AND id > $2 ORDER BY id` means the same, but lets the planner walk all products by id and drop those of other
/// categories, which is slow for a small category. Said like this, only the index of both columns has the rows in order.
#[query]
pub async fn in_category(db: impl PgExecutor<'_>, slug: &str, after: i64, rows: i64) -> sqlx::Result<Vec<Product>> {
    let rows = sold!(
        "WHERE (category, id) > ($1, $2) AND category <= $1 AND deleted_at IS NULL ORDER BY category, id LIMIT $3",
        slug,
        after,
        rows
    );
    all(rows.fetch_all(db).await?)
}

/// The products of all categories behind a place in their list.
#[query]
pub async fn everywhere(db: impl PgExecutor<'_>, after: i64, rows: i64) -> sqlx::Result<Vec<Product>> {
    all(sold!("WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2", after, rows).fetch_all(db).await?)
}

/// Adds a product; its category is not counted here.
#[query]
pub async fn insert(db: impl PgExecutor<'_>, new: &NewProduct) -> sqlx::Result<Product> {
    sqlx::query_as!(
        Row,
        "INSERT INTO products
             (category, name_en, name_ru, description_en, description_ru, price_amount, price_currency, stock)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         RETURNING id, category, name_en, name_ru, description_en, description_ru, price_amount, price_currency, stock, version",
        new.category,
        new.name.en,
        new.name.ru,
        new.description.en,
        new.description.ru,
        new.price.amount,
        new.price.currency.code(),
        new.stock,
    )
    .fetch_one(db)
    .await?
    .try_into()
}

/// One product at its regular price, which nobody else changes until the transaction ends.
#[query]
pub async fn lock(db: impl PgExecutor<'_>, id: ProductId) -> sqlx::Result<Option<Product>> {
    sqlx::query_as!(
        Row,
        "SELECT id, category, name_en, name_ru, description_en, description_ru, price_amount, price_currency, stock, version
         FROM products WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE",
        id.get(),
    )
    .fetch_optional(db)
    .await?
    .map(Product::try_from)
    .transpose()
}

/// Keeps everyone else from changing a product until the transaction ends, whether it is still sold or not.
#[query]
pub async fn hold(db: impl PgExecutor<'_>, id: ProductId) -> sqlx::Result<()> {
    sqlx::query!("SELECT FROM products WHERE id = $1 FOR NO KEY UPDATE", id.get()).execute(db).await?;
    Ok(())
}

/// Writes a locked product, at its regular price, with its next version; its category is not counted here.
#[query]
pub async fn update(db: impl PgExecutor<'_>, product: &Product) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE products SET category = $2, name_en = $3, name_ru = $4, description_en = $5, description_ru = $6,
             price_amount = $7, price_currency = $8, stock = $9, version = version + 1, updated_at = now()
         WHERE id = $1",
        product.id.get(),
        product.category,
        product.name.en,
        product.name.ru,
        product.description.en,
        product.description.ru,
        product.price.amount,
        product.price.currency.code(),
        product.stock,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Counts a change to a locked product that is kept elsewhere.
#[query]
pub async fn touch(db: impl PgExecutor<'_>, id: ProductId) -> sqlx::Result<()> {
    sqlx::query!("UPDATE products SET version = version + 1, updated_at = now() WHERE id = $1", id.get())
        .execute(db)
        .await?;
    Ok(())
}

/// Takes a locked product off its shelf; its category is not counted here.
#[query]
pub async fn hide(db: impl PgExecutor<'_>, id: ProductId) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE products SET deleted_at = now(), version = version + 1, updated_at = now() WHERE id = $1",
        id.get()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The version of a product that is not sold any more.
#[query]
pub async fn withdrawn(db: impl PgExecutor<'_>, id: ProductId) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!("SELECT version FROM products WHERE id = $1 AND deleted_at IS NOT NULL", id.get())
        .fetch_optional(db)
        .await
}

/// Adds those of the demo products that were never there, in one statement, and tells how many came to each category. What is there
/// stays as it is: its stock may be sold, its price changed, it may even have been deleted.
#[query]
pub async fn insert_demo(db: impl PgExecutor<'_>, products: &[DemoProduct]) -> sqlx::Result<BTreeMap<String, i64>> {
    fn column<'a, T>(products: &'a [DemoProduct], of: impl Fn(&'a DemoProduct) -> T) -> Vec<T> {
        products.iter().map(of).collect()
    }
    let added = sqlx::query!(
        r#"WITH added AS (
               INSERT INTO products
                   (id, category, name_en, name_ru, description_en, description_ru, price_amount, price_currency, stock)
               SELECT * FROM UNNEST(
                   $1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::int[]
               )
               ON CONFLICT (id) DO NOTHING
               RETURNING category
           )
           SELECT category, count(*) AS "count!" FROM added GROUP BY category"#,
        &column(products, |product| product.id.get()),
        &column(products, |product| product.category) as &[&str],
        &column(products, |product| product.name.en.as_str()) as &[&str],
        &column(products, |product| product.name.ru.as_str()) as &[&str],
        &column(products, |product| product.description.en.as_str()) as &[&str],
        &column(products, |product| product.description.ru.as_str()) as &[&str],
        &column(products, |product| product.price.amount),
        &column(products, |product| product.price.currency.code()) as &[&str],
        &column(products, |product| product.stock),
    )
    .fetch_all(db)
    .await?;
    Ok(added.into_iter().map(|row| (row.category, row.count)).collect())
}
