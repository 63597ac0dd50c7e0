//! What was sold, and for how long that matters.

use shop_types::{OrderId, UserId};
use time::{Duration, OffsetDateTime};

use super::reservation::WantedLine;

/// How far back the bestsellers look.
pub const BESTSELLERS_WINDOW: Duration = Duration::days(30);

/// How far back anything looks; older sales are deleted.
pub const HISTORY: Duration = Duration::days(180);

/// What one order bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sale {
    /// The order.
    pub order_id: OrderId,
    /// Who bought.
    pub user_id: UserId,
    /// When; a time that has not come yet counts as now.
    pub sold_at: OffsetDateTime,
    /// What, each product once.
    pub lines: Vec<WantedLine>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_deleted_that_somebody_looks_at() {
        assert!(BESTSELLERS_WINDOW <= HISTORY && super::super::recommendation::BOUGHT_LATELY <= HISTORY);
    }
}
