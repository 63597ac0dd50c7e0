//! The products of a list of suggestions.

use std::collections::HashMap;
use std::time::Duration;

use shop_cache::Loaded;
use shop_types::ProductId;
use sqlx::PgPool;

use crate::domain::card::Card;
use crate::store;

/// How long a list without anything in it is kept: it was asked for before the first sale, and the first may come any moment.
const EMPTY_HOLDS: Duration = Duration::from_secs(5);

/// The cards of products, and how long they stay as they are.
pub(super) struct Cards {
    by_id: HashMap<ProductId, Card>,
    holds_for: Option<Duration>,
}

impl Cards {
    /// Reads the cards of these products.
    pub(super) async fn of(db: &PgPool, products: impl Iterator<Item = ProductId>) -> sqlx::Result<Self> {
        let ids: Vec<_> = products.map(ProductId::get).collect();
        let offers = store::products::offers_by_ids(db, &ids).await?;
        let holds_for = offers.iter().filter_map(|offer| offer.holds_for).min();
        let by_id = offers.into_iter().map(|offer| (offer.product.id, offer.product.into())).collect();
        Ok(Self { by_id, holds_for })
    }

    /// The card of a product, once; none if the product was withdrawn meanwhile.
    pub(super) fn take(&mut self, product: ProductId) -> Option<Card> {
        self.by_id.remove(&product)
    }

    /// A list that was made of these cards.
    pub(super) fn listed<V>(&self, value: V, is_empty: bool) -> Loaded<V> {
        Loaded { value, at_most: if is_empty { Some(EMPTY_HOLDS) } else { self.holds_for } }
    }
}
