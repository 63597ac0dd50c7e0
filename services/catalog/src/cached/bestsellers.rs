//! What sells best.

use serde::{Deserialize, Serialize};
use shop_cache::{Loaded, Source, Tag};
use shop_policy::CacheName;
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::cards::Cards;
use crate::domain::bestseller::BestsellersLimit;
use crate::domain::card::Card;
use crate::domain::sale::BESTSELLERS_WINDOW;
use crate::store;

/// Counts what was sold, in the database.
#[derive(Clone, Debug)]
pub struct Bestsellers(pub PgPool);

/// What sells best.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BestsellerList {
    /// The best first.
    pub items: Vec<Bestseller>,
    /// How many days back sales are counted.
    #[schema(example = 30)]
    pub window_days: i64,
    /// When they were counted.
    #[serde(with = "time::serde::rfc3339")]
    pub computed_at: OffsetDateTime,
}

/// A product that sells well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Bestseller {
    /// The product.
    pub product: Card,
    /// How many pieces were sold.
    #[schema(example = 42)]
    pub sold: i64,
}

impl Source for Bestsellers {
    const NAME: CacheName = CacheName::Bestsellers;
    const SCHEMA: u32 = 1;
    type Key = BestsellersLimit;
    type Value = BestsellerList;
    type Error = sqlx::Error;

    async fn load(&self, limit: &BestsellersLimit) -> Result<Option<Loaded<BestsellerList>>, sqlx::Error> {
        let computed_at = OffsetDateTime::now_utc();
        let best = store::sales::bestsellers(&self.0, computed_at, limit.get()).await?;
        let mut cards = Cards::of(&self.0, best.iter().map(|best| best.product_id)).await?;
        let items: Vec<_> = best
            .iter()
            .filter_map(|best| Some(Bestseller { product: cards.take(best.product_id)?, sold: best.sold }))
            .collect();
        let is_empty = items.is_empty();
        let list = BestsellerList { items, window_days: BESTSELLERS_WINDOW.whole_days(), computed_at };
        Ok(Some(cards.listed(list, is_empty)))
    }

    /// Withdrawn or repriced products drop the list.
    fn tags(&self, _limit: &BestsellersLimit, list: &BestsellerList) -> Vec<Tag> {
        list.items.iter().map(|item| Tag::new("product", item.product.id)).collect()
    }
}
