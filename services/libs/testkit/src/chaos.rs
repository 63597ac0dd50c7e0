//! A network that can be broken: a TCP proxy between a service and what it depends on.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    /// Everything goes through.
    Working,
    /// Connections are cut, new ones too.
    Broken,
    /// Connections stay open and nothing goes through.
    Silent,
}

/// Forwards connections to another address, for as long as the test wants it to.
#[derive(Debug)]
pub struct ChaosProxy {
    address: SocketAddr,
    network: watch::Sender<Network>,
}

impl ChaosProxy {
    /// A proxy to this address, on a free port.
    pub async fn to(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let (network, watched) = watch::channel(Network::Working);
        tokio::spawn(accept(listener, upstream, watched));
        Self { address, network }
    }

    /// Where to connect to instead.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts every connection, and every new one.
    pub fn break_networking(&self) {
        self.network.send_replace(Network::Broken);
    }

    /// Lets connections stay but nothing through, as a network does that loses everything.
    pub fn silence(&self) {
        self.network.send_replace(Network::Silent);
    }

    /// Lets everything through again.
    pub fn restore_networking(&self) {
        self.network.send_replace(Network::Working);
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, network: watch::Receiver<Network>) {
    loop {
        let mut network = network.clone();
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    tokio::spawn(forward(client, upstream, network));
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

async fn forward(client: TcpStream, upstream: SocketAddr, mut network: watch::Receiver<Network>) {
    if *network.borrow_and_update() == Network::Broken {
        return;
    }
    let Ok(server) = TcpStream::connect(upstream).await else { return };
    let (client_in, client_out) = client.into_split();
    let (server_in, server_out) = server.into_split();
    let mut cut = network.clone();
    tokio::select! {
        () = pump(client_in, server_out, network.clone()) => {}
        () = pump(server_in, client_out, network) => {}
        _ = cut.wait_for(|network| *network == Network::Broken) => {}
    }
}

/// Moves bytes one way while the network works.
async fn pump(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut network: watch::Receiver<Network>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if network.wait_for(|network| *network != Network::Silent).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
