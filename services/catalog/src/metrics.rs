//! What the catalog counts, beside what every service counts.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

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

/// What a customer said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// A comment on a product.
    Comment,
    /// A vote on a comment.
    Vote,
}

impl Opinion {
    const ALL: [Self; 2] = [Self::Comment, Self::Vote];

    const fn label(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Vote => "vote",
        }
    }
}

/// Why a WebSocket was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The client went.
    ByClient,
    /// The client did not take what it was sent.
    TooSlow,
    /// The client gave no sign of life.
    Silent,
    /// This replica stops.
    Stopping,
}

impl Closed {
    const ALL: [Self; 4] = [Self::ByClient, Self::TooSlow, Self::Silent, Self::Stopping];

    const fn label(self) -> &'static str {
        match self {
            Self::ByClient => "by_client",
            Self::TooSlow => "too_slow",
            Self::Silent => "silent",
            Self::Stopping => "stopping",
        }
    }
}

/// An open WebSocket, for as long as this is kept.
#[derive(Debug)]
pub struct OpenSocket(IntGauge);

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The catalog's own metrics.
#[derive(Clone, Debug)]
pub struct CatalogMetrics {
    product_views: IntCounter,
    reservations: IntCounterVec,
    opinions: IntCounterVec,
    sockets: IntGauge,
    sockets_closed: IntCounterVec,
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
        let opinions = IntCounterVec::new(
            Opts::new("product_opinions_total", "Comments and votes that customers gave, by kind"),
            &["kind"],
        )?;
        for kind in Opinion::ALL {
            opinions.with_label_values(&[kind.label()]);
        }
        let sockets = IntGauge::new("websocket_connections_active", "WebSockets that are open")?;
        let sockets_closed = IntCounterVec::new(
            Opts::new("websocket_connections_closed_total", "WebSockets that were closed, by reason"),
            &["reason"],
        )?;
        for reason in Closed::ALL {
            sockets_closed.with_label_values(&[reason.label()]);
        }
        registry.register(Box::new(product_views.clone()))?;
        registry.register(Box::new(reservations.clone()))?;
        registry.register(Box::new(opinions.clone()))?;
        registry.register(Box::new(sockets.clone()))?;
        registry.register(Box::new(sockets_closed.clone()))?;
        Ok(Self { product_views, reservations, opinions, sockets, sockets_closed })
    }

    /// Counts a product that was shown.
    pub fn product_viewed(&self) {
        self.product_views.inc();
    }

    /// Counts attempts to move stock that ended alike.
    pub fn stock_moved(&self, outcome: StockOutcome, times: u64) {
        self.reservations.with_label_values(&[outcome.label()]).inc_by(times);
    }

    /// Counts what a customer said.
    pub fn opinion(&self, opinion: Opinion) {
        self.opinions.with_label_values(&[opinion.label()]).inc();
    }

    /// Counts a WebSocket for as long as what is returned is kept.
    pub fn socket_opened(&self) -> OpenSocket {
        self.sockets.inc();
        OpenSocket(self.sockets.clone())
    }

    /// Counts why a WebSocket was closed.
    pub fn socket_closed(&self, reason: Closed) {
        self.sockets_closed.with_label_values(&[reason.label()]).inc();
    }
}
