//! The parts put together: what comes in by the socket becomes figures and spans, until nginx has nothing more to say.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use shop_runtime::serve;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::config::ExporterArgs;
use crate::line::Request;
use crate::metrics::Metrics;
use crate::ops;
use crate::receive::{Receiver, Room};
use crate::spans::Spans;
use crate::stub_status::{self, Source};

/// How long nginx may take to finish after this program was told to stop; it is told at the same time, and takes 25 seconds at most.
const LAST_REQUESTS: Duration = Duration::from_secs(28);

/// How often it is asked whether it is still there.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// The exporter, ready to run.
#[derive(Debug)]
pub struct App {
    receiver: Arc<Receiver>,
    figures: Arc<Figures>,
    spans: Option<Spans>,
    listener: TcpListener,
}

/// What is told to whoever scrapes it.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) registry: Registry,
    metrics: Metrics,
    receiver: Arc<Receiver>,
    nginx: Source,
    /// How many of the kernel's losses are counted already. Held while figures are brought up to date, which two scrapes at once would do twice.
    counted: Mutex<u64>,
}

impl App {
    /// Listens and connects as it is told.
    pub async fn build(args: &ExporterArgs) -> anyhow::Result<Self> {
        let registry = shop_runtime::metrics::registry();
        let metrics = Metrics::register(&registry)?;
        let receiver = Arc::new(Receiver::bind(args.log_addr).await?);
        let endpoint = args.otlp_endpoint.as_deref().filter(|endpoint| !endpoint.is_empty());
        let spans = endpoint.map(|endpoint| Spans::to(endpoint, &args.pod)).transpose()?;
        let listener = TcpListener::bind(args.ops_addr).await?;
        let nginx = Source::new(&args.stub_status_url)?;
        let figures = Figures { registry, metrics, receiver: Arc::clone(&receiver), nginx, counted: Mutex::new(0) };
        Ok(Self { receiver, figures: Arc::new(figures), spans, listener })
    }

    /// Where nginx is to send its log to.
    pub fn log_address(&self) -> SocketAddr {
        self.receiver.address()
    }

    /// Where metrics are.
    pub fn ops_address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Works until it is told to stop and nginx is gone, so that the last requests are not missed.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self { receiver, figures, spans, listener } = self;
        tracing::info!(log = %receiver.address(), traces = spans.is_some(), "listening");
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve::serve(
            listener,
            ops::router(Arc::clone(&figures)),
            stop.clone(),
            Duration::from_millis(200),
        ));
        let note = |datagram: &[u8]| match Request::parse(datagram) {
            Ok(request) => {
                figures.metrics.served(&request);
                if let Some(spans) = &spans {
                    spans.served(&request);
                }
            }
            Err(error) => {
                figures.metrics.dropped(1);
                tracing::debug!(%error, "a line of nginx's log says nothing");
            }
        };
        let mut room = Room::default();
        tokio::select! {
            () = receive(&receiver, &note, &mut room) => {}
            () = until_nginx_is_gone(&figures.nginx, &shutdown) => {}
        }
        while let Some(datagram) = receiver.try_next(&mut room) {
            note(datagram);
        }
        stop.cancel();
        let _ = server.await;
        let _ = tokio::task::spawn_blocking(move || spans.as_ref().map(Spans::flush)).await;
        tracing::info!("stopped");
    }
}

async fn receive(receiver: &Receiver, note: impl Fn(&[u8]), room: &mut Room) {
    loop {
        match receiver.next(room).await {
            Ok(datagram) => note(datagram),
            Err(error) => {
                tracing::error!(%error, "nginx's log can't be read");
                tokio::time::sleep(ASK_EVERY).await;
            }
        }
    }
}

/// Ends when nginx does not answer any more after the end was announced, or takes too long.
async fn until_nginx_is_gone(nginx: &Source, shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    let gone = async {
        while !matches!(nginx.read().await, Err(stub_status::StubStatusError::Away(_))) {
            tokio::time::sleep(ASK_EVERY).await;
        }
    };
    if tokio::time::timeout(LAST_REQUESTS, gone).await.is_err() {
        tracing::warn!("nginx was still there at the end");
    }
}

impl Figures {
    /// Brings up to date what is known only by asking.
    pub(crate) async fn refresh(&self) {
        let mut counted = self.counted.lock().await;
        if let Some(lost) = self.receiver.lost().await {
            self.metrics.dropped(lost.saturating_sub(*counted));
            *counted = lost.max(*counted);
        }
        match self.nginx.read().await {
            Ok(status) => self.metrics.connections(Some(&status)),
            Err(error) => {
                tracing::debug!(%error, "no figures of connections");
                self.metrics.connections(None);
            }
        }
    }
}
