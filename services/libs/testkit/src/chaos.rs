//! A network that can be broken: a TCP proxy between a service and what it depends on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    /// Everything goes through.
    Working,
    /// Connections are cut, new ones too.
    Broken,
    /// Connections stay open and nothing goes through.
    Silent,
    /// What is answered arrives later by so much.
    Slow(Duration),
    /// What is answered arrives as rubbish.
    Garbled,
}

/// Forwards connections to another address, for as long as the test wants it to.
#[derive(Debug)]
pub struct ChaosProxy {
    address: SocketAddr,
    network: watch::Sender<Network>,
    stranding: watch::Sender<()>,
    connections: Arc<AtomicUsize>,
}

impl ChaosProxy {
    /// A proxy to this address, on a free port.
    pub async fn to(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let (network, watched) = watch::channel(Network::Working);
        let (stranding, stranded) = watch::channel(());
        let connections = Arc::<AtomicUsize>::default();
        tokio::spawn(accept(listener, upstream, (watched, stranded), Arc::clone(&connections)));
        Self { address, network, stranding, connections }
    }

    /// Where to connect to instead.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections were made to it so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Cuts every connection, and every new one.
    pub fn break_networking(&self) {
        self.network.send_replace(Network::Broken);
    }

    /// Lets connections stay but nothing through, as a network does that loses everything.
    pub fn silence(&self) {
        self.network.send_replace(Network::Silent);
    }

    /// Lets the connections of this moment stay and lets nothing through them ever again, as happens when a host or a firewall between
    /// loses its memory of them; new connections work.
    pub fn strand_connections(&self) {
        self.stranding.send_replace(());
    }

    /// Delays every answer by so much, however many are on their way.
    pub fn slow(&self, delay: Duration) {
        self.network.send_replace(Network::Slow(delay));
    }

    /// Turns every answer into bytes that are none, as if something else listened there.
    pub fn garble(&self) {
        self.network.send_replace(Network::Garbled);
    }

    /// Lets everything through again.
    pub fn restore_networking(&self) {
        self.network.send_replace(Network::Working);
    }
}

async fn accept(
    listener: TcpListener,
    upstream: SocketAddr,
    (network, mut stranded): (watch::Receiver<Network>, watch::Receiver<()>),
    connections: Arc<AtomicUsize>,
) {
    loop {
        let mut network = network.clone();
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    connections.fetch_add(1, Ordering::Relaxed);
                    stranded.mark_unchanged();
                    tokio::spawn(forward(client, upstream, network, stranded.clone()));
                }
            }
            // The test is over.
            () = closed(&mut network) => return,
        }
    }
}

async fn closed(network: &mut watch::Receiver<Network>) {
    while network.changed().await.is_ok() {}
}

async fn forward(
    client: TcpStream,
    upstream: SocketAddr,
    mut network: watch::Receiver<Network>,
    mut stranded: watch::Receiver<()>,
) {
    if *network.borrow_and_update() == Network::Broken {
        return;
    }
    let Ok(server) = TcpStream::connect(upstream).await else { return };
    // Otherwise the kernel would hold small packets back, and a test would measure that.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (client_in, client_out) = client.into_split();
    let (server_in, server_out) = server.into_split();
    let mut cut = network.clone();
    let both_ways = async {
        tokio::select! {
            () = pump(client_in, server_out, network.clone()) => {}
            () = pump_answers(server_in, client_out, network) => {}
        }
    };
    tokio::pin!(both_ways);
    let until_stranded = async {
        tokio::select! {
            () = &mut both_ways => {}
            // What is not polled any more moves nothing, but keeps its connections open.
            Ok(()) = stranded.changed() => std::future::pending().await,
        }
    };
    tokio::select! {
        () = until_stranded => {}
        _ = cut.wait_for(|network| *network == Network::Broken) => {}
    }
}

/// Moves bytes one way while the network works.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut network: watch::Receiver<Network>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if until_not_silent(&mut network).await.is_none() || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// The same for answers, which may be held back: reading goes on meanwhile, so that each is late by the same time.
async fn pump_answers(mut from: OwnedReadHalf, to: OwnedWriteHalf, mut network: watch::Receiver<Network>) {
    let (late, queue) = mpsc::unbounded_channel();
    let reading = async {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            let Some(network) = until_not_silent(&mut network).await else { return };
            let (mut answer, mut due) = (buffer[..read].to_vec(), Instant::now());
            match network {
                Network::Slow(delay) => due += delay,
                Network::Garbled => answer.fill(b'?'),
                Network::Working | Network::Broken | Network::Silent => {}
            }
            if late.send((due, answer)).is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = reading => {}
        () = write_when_due(to, queue) => {}
    }
}

async fn write_when_due(mut to: OwnedWriteHalf, mut queue: mpsc::UnboundedReceiver<(Instant, Vec<u8>)>) {
    while let Some((due, answer)) = queue.recv().await {
        tokio::time::sleep_until(due).await;
        if to.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// How the network is, once anything gets through; none when the test is over.
async fn until_not_silent(network: &mut watch::Receiver<Network>) -> Option<Network> {
    network.wait_for(|network| *network != Network::Silent).await.ok().map(|network| *network)
}
