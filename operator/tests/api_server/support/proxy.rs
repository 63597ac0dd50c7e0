//! A TCP proxy before the API server, which can be cut.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use kube::Config;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// A TCP proxy before the API server.
pub struct Proxy {
    config: Config,
    open: Arc<AtomicBool>,
    connections: Arc<Mutex<JoinSet<()>>>,
    accepting: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    /// Begins to lead to the API server of a configuration.
    pub async fn start(mut config: Config) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let own = listener.local_addr().expect("an address");
        let server = config.cluster_url.authority().expect("an address").to_string();
        config.cluster_url = format!("https://{own}").parse().expect("an address");
        let (open, connections) = (Arc::new(AtomicBool::new(true)), Arc::new(Mutex::new(JoinSet::new())));
        let accepting = tokio::spawn(accept(listener, server, open.clone(), connections.clone()));
        Self { config, open, connections, accepting }
    }

    /// How to reach the API server through the proxy.
    pub fn config(&self) -> Config {
        self.config.clone()
    }

    /// Breaks all connections, and lets no new one come about.
    pub fn cut(&self) {
        self.open.store(false, Ordering::SeqCst);
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }

    /// Leads to the API server again.
    pub fn mend(&self) {
        self.open.store(true, Ordering::SeqCst);
    }
}

async fn accept(listener: TcpListener, server: String, open: Arc<AtomicBool>, connections: Arc<Mutex<JoinSet<()>>>) {
    while let Ok((mut client, _)) = listener.accept().await {
        let mut connections = connections.lock().unwrap_or_else(PoisonError::into_inner);
        while connections.try_join_next().is_some() {}
        // Looked at under the lock, so that no connection slips through a cut.
        if !open.load(Ordering::SeqCst) {
            continue;
        }
        let server = server.clone();
        connections.spawn(async move {
            if let Ok(mut server) = TcpStream::connect(server).await {
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}
