//! What the order service counts.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use shop_types::OrderStatus;

use crate::domain::lifecycle;

/// Seconds from an order's creation to its delivery: the demo's half minute and real days.
const DELIVERY_BUCKETS: [f64; 12] =
    [1.0, 5.0, 15.0, 30.0, 31.0, 35.0, 60.0, 300.0, 3_600.0, 86_400.0, 259_200.0, 604_800.0];

/// The order service's own metrics.
#[derive(Clone, Debug)]
pub struct OrderMetrics {
    created: IntCounter,
    transitions: IntCounterVec,
    delivery: Histogram,
    deleted: IntCounter,
    streams: IntGauge,
}

impl OrderMetrics {
    /// Registers the metrics; series that are known beforehand begin at zero.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            created: IntCounter::new("orders_created_total", "Orders that were made")?,
            transitions: IntCounterVec::new(
                Opts::new("order_transitions_total", "Moves of orders from one state to another"),
                &["from", "to"],
            )?,
            delivery: Histogram::with_opts(
                HistogramOpts::new("order_delivery_seconds", "Time from an order's creation to its delivery")
                    .buckets(DELIVERY_BUCKETS.to_vec()),
            )?,
            deleted: IntCounter::new("orders_deleted_total", "Finished orders that were deleted for their age")?,
            streams: IntGauge::new("order_streams_active", "Open streams of an order's events")?,
        };
        registry.register(Box::new(metrics.created.clone()))?;
        registry.register(Box::new(metrics.transitions.clone()))?;
        registry.register(Box::new(metrics.delivery.clone()))?;
        registry.register(Box::new(metrics.deleted.clone()))?;
        registry.register(Box::new(metrics.streams.clone()))?;
        for from in OrderStatus::ALL {
            for to in OrderStatus::ALL.into_iter().filter(|to| lifecycle::allowed(from, *to)) {
                metrics.transitions.with_label_values(&[from.as_str(), to.as_str()]);
            }
        }
        Ok(metrics)
    }

    /// Counts an order that was made.
    pub fn created(&self) {
        self.created.inc();
    }

    /// Counts a move of an order of this age.
    pub fn moved(&self, from: OrderStatus, to: OrderStatus, age: Duration) {
        self.transitions.with_label_values(&[from.as_str(), to.as_str()]).inc();
        if to == OrderStatus::Delivered {
            self.delivery.observe(age.as_secs_f64());
        }
    }

    /// The open streams of events.
    pub const fn streams(&self) -> &IntGauge {
        &self.streams
    }

    /// Counts orders that were deleted.
    pub fn deleted(&self, orders: u64) {
        self.deleted.inc_by(orders);
    }
}
