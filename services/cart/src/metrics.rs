//! What the cart counts.

use prometheus::{Gauge, IntCounterVec, IntGauge, Opts, Registry};

/// The cart's own metrics.
#[derive(Clone, Debug)]
pub struct CartMetrics {
    operations: IntCounterVec,
    checkouts: IntCounterVec,
    open: IntGauge,
    oldest: Gauge,
}

/// What was done to a cart.
#[derive(Clone, Copy, Debug)]
pub enum Operation {
    /// Pieces were added.
    Add,
    /// A quantity was set.
    Set,
    /// A product was removed.
    Remove,
    /// The cart was emptied.
    Clear,
    /// A checkout was begun.
    Checkout,
}

impl Operation {
    const ALL: [Self; 5] = [Self::Add, Self::Set, Self::Remove, Self::Clear, Self::Checkout];

    const fn label(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Set => "set",
            Self::Remove => "remove",
            Self::Clear => "clear",
            Self::Checkout => "checkout",
        }
    }
}

impl CartMetrics {
    /// Registers the cart's metrics; series that are known beforehand begin at zero.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            operations: IntCounterVec::new(
                Opts::new("cart_operations_total", "Changes of carts, by what was done"),
                &["operation"],
            )?,
            checkouts: IntCounterVec::new(
                Opts::new("cart_checkouts_total", "Checkouts that ended, by outcome (done, refused)"),
                &["outcome"],
            )?,
            open: IntGauge::new("cart_checkouts_open", "Checkouts on their way, in all replicas")?,
            oldest: Gauge::new("cart_checkout_oldest_seconds", "Age of the oldest checkout on its way")?,
        };
        registry.register(Box::new(metrics.operations.clone()))?;
        registry.register(Box::new(metrics.checkouts.clone()))?;
        registry.register(Box::new(metrics.open.clone()))?;
        registry.register(Box::new(metrics.oldest.clone()))?;
        for operation in Operation::ALL {
            metrics.operations.with_label_values(&[operation.label()]);
        }
        for outcome in ["done", "refused"] {
            metrics.checkouts.with_label_values(&[outcome]);
        }
        Ok(metrics)
    }

    /// Counts a change of a cart.
    pub fn did(&self, operation: Operation) {
        self.operations.with_label_values(&[operation.label()]).inc();
    }

    /// Counts a checkout that ended.
    pub fn ended(&self, with_an_order: bool) {
        self.checkouts.with_label_values(&[if with_an_order { "done" } else { "refused" }]).inc();
    }

    /// Notes how many checkouts are on their way and how old the oldest is.
    pub fn backlog(&self, open: i64, oldest_seconds: f64) {
        self.open.set(open);
        self.oldest.set(oldest_seconds);
    }
}
