//! What the catalog counts, beside what every service counts.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// How an attempt to move stock ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockOutcome {
    /// A reserve took the stock.
    Reserved,
    /// A reserve was repeated and got the same answer.
    Replayed,
    /// A reserve found too little.
    OutOfStock,
    /// A reserve or commit came after the release.
    Refused,
    /// A release gave the stock back.
    Released,
    /// A release came before any reserve.
    Tombstoned,
    /// The deadline gave the stock back.
    Expired,
    /// The stock was sold.
    Committed,
}

impl StockOutcome {
    const ALL: [Self; 8] = [
        Self::Reserved,
        Self::Replayed,
        Self::OutOfStock,
        Self::Refused,
        Self::Released,
        Self::Tombstoned,
        Self::Expired,
        Self::Committed,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Replayed => "replayed",
            Self::OutOfStock => "out_of_stock",
            Self::Refused => "refused",
            Self::Released => "released",
            Self::Tombstoned => "tombstoned",
            Self::Expired => "expired",
            Self::Committed => "committed",
        }
    }
}

/// The catalog's own metrics.
#[derive(Clone, Debug)]
pub struct CatalogMetrics {
    product_views: IntCounter,
    reservations: IntCounterVec,
}

impl CatalogMetrics {
    /// Registers the metrics; every series is there from the start, so that a rate never begins with a gap.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let product_views = IntCounter::new("product_views_total", "Product pages that were shown")?;
        let reservations = IntCounterVec::new(
            Opts::new("stock_reservations_total", "Attempts to move stock, by outcome"),
            &["outcome"],
        )?;
        for outcome in StockOutcome::ALL {
            reservations.with_label_values(&[outcome.label()]);
        }
        registry.register(Box::new(product_views.clone()))?;
        registry.register(Box::new(reservations.clone()))?;
        Ok(Self { product_views, reservations })
    }

    /// Counts a product that was shown.
    pub fn product_viewed(&self) {
        self.product_views.inc();
    }

    /// Counts attempts to move stock that ended alike.
    pub fn stock_moved(&self, outcome: StockOutcome, times: u64) {
        self.reservations.with_label_values(&[outcome.label()]).inc_by(times);
    }
}
