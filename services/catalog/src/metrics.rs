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
    /// Another text for a comment.
    Edit,
    /// A comment that was taken away.
    Removal,
    /// A vote on a comment.
    Vote,
}

impl Opinion {
    const ALL: [Self; 4] = [Self::Comment, Self::Edit, Self::Removal, Self::Vote];

    const fn label(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Edit => "edit",
            Self::Removal => "removal",
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
    /// The client sent more than it may.
    TooMuch,
    /// The client sent a message that is too long.
    TooLong,
    /// The client sent what can't be understood.
    Nonsense,
    /// The client could not say who it is, again and again.
    Refused,
    /// This replica stops.
    Stopping,
}

impl Closed {
    const ALL: [Self; 8] = [
        Self::ByClient,
        Self::TooSlow,
        Self::Silent,
        Self::TooMuch,
        Self::TooLong,
        Self::Nonsense,
        Self::Refused,
        Self::Stopping,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::ByClient => "by_client",
            Self::TooSlow => "too_slow",
            Self::Silent => "silent",
            Self::TooMuch => "too_much",
            Self::TooLong => "too_long",
            Self::Nonsense => "nonsense",
            Self::Refused => "refused",
            Self::Stopping => "stopping",
        }
    }
}

/// What became of a client that said who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// It is told of its own orders.
    Accepted,
    /// It is not.
    Refused,
    /// Its token is over, or its session was ended.
    Ended,
}

impl Authentication {
    const ALL: [Self; 3] = [Self::Accepted, Self::Refused, Self::Ended];

    const fn label(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Ended => "ended",
        }
    }
}

/// Kinds of events that are counted by their name; others are `other`, so that the label is bounded.
const KINDS: [&str; 9] = [
    "flash_sale_planned",
    "flash_sale_started",
    "flash_sale_stopped",
    "flash_sale_ended",
    "stock_changed",
    "price_changed",
    "product_withdrawn",
    "order_status",
    "other",
];

/// An open WebSocket, for as long as this is kept.
#[derive(Debug)]
pub struct OpenSocket(IntGauge);

impl OpenSocket {
    fn counted_by(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

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
    sockets_authenticated: IntGauge,
    sockets_closed: IntCounterVec,
    authentications: IntCounterVec,
    resumptions: IntCounterVec,
    events: IntCounterVec,
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
        let sockets_authenticated = IntGauge::new(
            "websocket_connections_authenticated",
            "WebSockets whose client has said who it is, and is told of its own orders",
        )?;
        let authentications = IntCounterVec::new(
            Opts::new("websocket_authentications_total", "Clients of WebSockets that said who they are, by outcome"),
            &["outcome"],
        )?;
        for outcome in Authentication::ALL {
            authentications.with_label_values(&[outcome.label()]);
        }
        let resumptions = IntCounterVec::new(
            Opts::new("websocket_resumptions_total", "Clients that came back with since=, by what they could be told"),
            &["outcome"],
        )?;
        for outcome in ["told", "gap"] {
            resumptions.with_label_values(&[outcome]);
        }
        let events = IntCounterVec::new(
            Opts::new("shop_events_total", "Events of the shop that this replica has heard of, by kind"),
            &["kind"],
        )?;
        for kind in KINDS {
            events.with_label_values(&[kind]);
        }
        for counters in [&authentications, &resumptions, &events] {
            registry.register(Box::new(counters.clone()))?;
        }
        registry.register(Box::new(sockets_authenticated.clone()))?;
        registry.register(Box::new(product_views.clone()))?;
        registry.register(Box::new(reservations.clone()))?;
        registry.register(Box::new(opinions.clone()))?;
        registry.register(Box::new(sockets.clone()))?;
        registry.register(Box::new(sockets_closed.clone()))?;
        Ok(Self {
            product_views,
            reservations,
            opinions,
            sockets,
            sockets_authenticated,
            sockets_closed,
            authentications,
            resumptions,
            events,
        })
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
        OpenSocket::counted_by(&self.sockets)
    }

    /// The same, of those that have said who they are.
    pub fn socket_authenticated(&self) -> OpenSocket {
        OpenSocket::counted_by(&self.sockets_authenticated)
    }

    /// Counts what became of a client that said who it is.
    pub fn authentication(&self, outcome: Authentication) {
        self.authentications.with_label_values(&[outcome.label()]).inc();
    }

    /// Counts a client that came back, and whether it could be told all that it had missed.
    pub fn socket_resumed(&self, all: bool) {
        self.resumptions.with_label_values(&[if all { "told" } else { "gap" }]).inc();
    }

    /// Counts an event that this replica has heard of.
    pub fn event_heard(&self, kind: &str) {
        let kind = KINDS.into_iter().find(|known| *known == kind).unwrap_or("other");
        self.events.with_label_values(&[kind]).inc();
    }

    /// Counts why a WebSocket was closed.
    pub fn socket_closed(&self, reason: Closed) {
        self.sockets_closed.with_label_values(&[reason.label()]).inc();
    }
}
