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
use crate::spans;
use crate::stub_status::{Source, StubStatusError};

/// How long nginx may take to finish after this program was told to stop; it is told at the same time, and takes 25 seconds at most.
const LAST_REQUESTS: Duration = Duration::from_secs(28);

/// How often it is asked whether it is still there, and how long what it has said at last may be on its way.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// The exporter, ready to run.
#[derive(Debug)]
pub struct App {
    receiver: Arc<Receiver>,
    figures: Arc<Figures>,
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
        let listener = TcpListener::bind(args.ops_addr).await?;
        let nginx = Source::new(&args.stub_status_url)?;
        let figures = Figures { registry, metrics, receiver: Arc::clone(&receiver), nginx, counted: Mutex::new(0) };
        Ok(Self { receiver, figures: Arc::new(figures), listener })
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
        let Self { receiver, figures, listener } = self;
        tracing::info!(log = %receiver.address(), "listening");
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
                spans::served(&request);
            }
            Err(error) => {
                figures.metrics.dropped(1);
                tracing::debug!(%error, "a line of nginx's log says nothing");
            }
        };
        tokio::select! {
            () = receive(&receiver, &note) => {}
            () = until_nginx_is_gone(&figures, &shutdown) => {}
        }
        stop.cancel();
        let _ = server.await;
        tracing::info!("stopped");
    }
}

async fn receive(receiver: &Receiver, note: impl Fn(&[u8])) {
    let mut room = Room::default();
    loop {
        match receiver.next(&mut room).await {
            Ok(datagram) => note(datagram),
            Err(error) => {
                tracing::error!(%error, "nginx's log can't be read");
                tokio::time::sleep(ASK_EVERY).await;
            }
        }
    }
}

/// Ends when nothing is left of nginx after the end was announced, and what it has said at last has come; or when that takes too long.
async fn until_nginx_is_gone(figures: &Figures, shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    let gone = async {
        while figures.nginx_is_there().await {
            tokio::time::sleep(ASK_EVERY).await;
        }
        tokio::time::sleep(ASK_EVERY).await;
    };
    if tokio::time::timeout(LAST_REQUESTS, gone).await.is_err() {
        tracing::warn!("nginx was still there at the end");
    }
}

impl Figures {
    /// Whether there is anything of nginx. When it ends it answers nobody anew, but its workers, who then serve what they have begun, can be seen by
    /// the sockets that they send their lines by.
    async fn nginx_is_there(&self) -> bool {
        !matches!(self.nginx.read().await, Err(StubStatusError::Away(_))) || self.receiver.has_senders().await
    }

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
