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

/// What was done with a cart.
#[derive(Clone, Copy, Debug)]
pub enum Operation {
    /// It was looked at.
    Read,
    /// Pieces were added.
    Add,
    /// A quantity was set.
    Set,
    /// A product was removed.
    Remove,
    /// The cart was emptied.
    Clear,
    /// An anonymous cart was merged into its customer's.
    Merge,
    /// A checkout was begun.
    Checkout,
    /// Nobody had changed it for so long that it was deleted.
    Expire,
}

impl Operation {
    const ALL: [Self; 8] =
        [Self::Read, Self::Add, Self::Set, Self::Remove, Self::Clear, Self::Merge, Self::Checkout, Self::Expire];

    const fn label(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Add => "add",
            Self::Set => "set",
            Self::Remove => "remove",
            Self::Clear => "clear",
            Self::Merge => "merge",
            Self::Checkout => "checkout",
            Self::Expire => "expire",
        }
    }
}

impl CartMetrics {
    /// Registers the cart's metrics; series that are known beforehand begin at zero.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            operations: IntCounterVec::new(
                Opts::new("cart_operations_total", "What was done with carts, by operation"),
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

    /// Counts what was done with a cart.
    pub fn did(&self, operation: Operation) {
        self.did_to(operation, 1);
    }

    /// Counts what was done with so many carts.
    pub fn did_to(&self, operation: Operation, carts: u64) {
        self.operations.with_label_values(&[operation.label()]).inc_by(carts);
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_is_a_series_from_the_beginning() {
        let registry = Registry::new();
        let metrics = CartMetrics::register(&registry).expect("a fresh registry");
        metrics.did_to(Operation::Expire, 3);
        let families = registry.gather();
        let operations = families.iter().find(|family| family.name() == "cart_operations_total").expect("it is there");
        let series: BTreeSet<_> = operations.get_metric().iter().map(|one| one.get_label()[0].value()).collect();
        let all = ["add", "checkout", "clear", "expire", "merge", "read", "remove", "set"];
        assert_eq!(series, all.into());
        assert_eq!(metrics.operations.with_label_values(&["expire"]).get(), 3);
    }
}
