//! The flash sales that run or are planned.

use std::fmt;

use serde::{Deserialize, Serialize};
use shop_cache::{Loaded, Source, Tag};
use shop_policy::CacheName;
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::domain::flash_sale::FlashSale;
use crate::store;

/// Loads the sales from the database.
#[derive(Clone, Debug)]
pub struct FlashSales(pub PgPool);

/// The only key: all sales are shown together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllSales;

impl fmt::Display for AllSales {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("all")
    }
}

/// The sales that run or are planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenSales {
    /// Soonest first.
    pub items: Vec<FlashSale>,
}

impl Source for FlashSales {
    const NAME: CacheName = CacheName::FlashSales;
    const SCHEMA: u32 = 1;
    type Key = AllSales;
    type Value = OpenSales;
    type Error = sqlx::Error;

    async fn load(&self, _all: &AllSales) -> Result<Option<Loaded<OpenSales>>, sqlx::Error> {
        // Asked first: what begins or ends between the two questions only makes the answer shorter-lived.
        let at_most = store::flash_sales::next_change(&self.0).await?;
        let items = store::flash_sales::open(&self.0).await?;
        Ok(Some(Loaded { value: OpenSales { items }, at_most }))
    }

    /// A sale tells the name and the regular price of its product.
    fn tags(&self, _all: &AllSales, sales: &OpenSales) -> Vec<Tag> {
        sales.items.iter().map(|sale| Tag::new("product", sale.product_id)).collect()
    }
}
