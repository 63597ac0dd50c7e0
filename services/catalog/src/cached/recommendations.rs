//! What a customer may like.

use serde::{Deserialize, Serialize};
use shop_cache::{Loaded, Source, Tag};
use shop_policy::CacheName;
use shop_types::UserId;
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::cards::Cards;
use crate::domain::card::Card;
use crate::domain::recommendation::{SHOWN, Why};
use crate::store::sales::{self, Liked};

/// Computes recommendations in the database.
#[derive(Clone, Debug)]
pub struct Recommendations(pub PgPool);

/// What a customer may like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecommendationList {
    /// The likeliest first.
    pub items: Vec<Recommendation>,
    /// When they were computed.
    #[serde(with = "time::serde::rfc3339")]
    pub computed_at: OffsetDateTime,
}

/// A product that a customer may like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Recommendation {
    /// The product.
    pub product: Card,
    /// How likely it is wanted, from 0 to 1; 0 for bestsellers that fill up the list.
    #[schema(example = 0.031)]
    pub score: f64,
    /// Why it is here.
    pub why: Why,
}

/// The tag of everything that is made of what a customer bought.
pub fn tag_of(customer: UserId) -> Tag {
    Tag::new("user", customer)
}

impl Recommendations {
    /// The products, without anything about them.
    async fn products(&self, customer: UserId, at: OffsetDateTime) -> sqlx::Result<Vec<Liked>> {
        let mut liked = sales::bought_together(&self.0, customer, at, SHOWN).await?;
        let missing = SHOWN - i64::try_from(liked.len()).unwrap_or(SHOWN);
        if missing > 0 {
            let besides: Vec<_> = liked.iter().map(|liked| liked.product_id.get()).collect();
            liked.extend(sales::sells_well(&self.0, customer, at, &besides, missing).await?);
        }
        Ok(liked)
    }
}

impl Source for Recommendations {
    const NAME: CacheName = CacheName::Recommendations;
    const SCHEMA: u32 = 1;
    type Key = UserId;
    type Value = RecommendationList;
    type Error = sqlx::Error;

    async fn load(&self, customer: &UserId) -> Result<Option<Loaded<RecommendationList>>, sqlx::Error> {
        let computed_at = OffsetDateTime::now_utc();
        let liked = self.products(*customer, computed_at).await?;
        let mut cards = Cards::of(&self.0, liked.iter().map(|liked| liked.product_id)).await?;
        let items: Vec<_> = liked
            .iter()
            .filter_map(|liked| {
                Some(Recommendation { product: cards.take(liked.product_id)?, score: liked.score, why: liked.why })
            })
            .collect();
        let is_empty = items.is_empty();
        Ok(Some(cards.listed(RecommendationList { items, computed_at }, is_empty)))
    }

    /// An order of the customer drops the list, and so does a product in it that is withdrawn or repriced.
    fn tags(&self, customer: &UserId, list: &RecommendationList) -> Vec<Tag> {
        let products = list.items.iter().map(|item| Tag::new("product", item.product.id));
        std::iter::once(tag_of(*customer)).chain(products).collect()
    }
}
