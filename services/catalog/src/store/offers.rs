//! Products at the price of this moment: what is written once of every query that reads them.

use shop_types::{FlashSaleId, LocalizedText};
use time::OffsetDateTime;

use super::products::{holds_for, money, product_id};
use crate::domain::product::{Offer, Product, RunningSale};

/// A product at the price of this moment, as its columns: how long it stays as it is and where it stands in a list are there if they are asked for.
pub(super) struct OfferRow {
    pub(super) id: i64,
    pub(super) category: String,
    pub(super) name_en: String,
    pub(super) name_ru: String,
    pub(super) description_en: String,
    pub(super) description_ru: String,
    pub(super) price_amount: i64,
    pub(super) price_currency: String,
    pub(super) stock: i32,
    pub(super) version: i64,
    pub(super) regular_amount: i64,
    pub(super) sale_id: Option<FlashSaleId>,
    pub(super) sale_ends_at: Option<OffsetDateTime>,
    pub(super) holds_ms: Option<i64>,
    pub(super) rank: Option<i64>,
    pub(super) label: Option<String>,
}

impl TryFrom<OfferRow> for Offer {
    type Error = sqlx::Error;

    fn try_from(row: OfferRow) -> sqlx::Result<Self> {
        let sale = match row.sale_id.zip(row.sale_ends_at) {
            Some((id, ends_at)) => {
                Some(RunningSale { id, ends_at, regular_price: money(row.regular_amount, &row.price_currency)? })
            }
            None => None,
        };
        let product = Product {
            id: product_id(row.id)?,
            name: LocalizedText { en: row.name_en, ru: row.name_ru },
            description: LocalizedText { en: row.description_en, ru: row.description_ru },
            category: row.category,
            price: money(row.price_amount, &row.price_currency)?,
            sale,
            stock: row.stock,
            version: row.version,
        };
        Ok(Self { product, holds_for: row.holds_ms.map(holds_for) })
    }
}

/// A query of such products, of what comes before `SELECT`, the columns that not all of them want, what follows `FROM`, and its parameters. The
/// view is to be called `o`. The columns of a view are not known to be filled, so it is said here.
macro_rules! offers {
    ([$($before:tt)+], [$($columns:tt)+], [$($from:tt)+] $(, $parameter:expr)* $(,)?) => {
        sqlx::query_as!(
            $crate::store::offers::OfferRow,
            $($before)+ + "SELECT " + $($columns)+ + r#", o.id AS "id!", category AS "category!", name_en AS "name_en!",
                   name_ru AS "name_ru!", description_en AS "description_en!", description_ru AS "description_ru!",
                   price_amount AS "price_amount!", price_currency AS "price_currency!", stock AS "stock!", version AS "version!",
                   regular_amount AS "regular_amount!", sale_id AS "sale_id: shop_types::FlashSaleId", sale_ends_at
               FROM "# + $($from)+,
            $($parameter),*
        )
    };
}
pub(super) use offers;
