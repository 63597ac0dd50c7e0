//! The shop's address: connections to a port of this machine are handed to the gateway's node port.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

use crate::{
    error::{Error, Result},
    network::GATEWAY_NODE_PORT,
};

/// Serves until it is killed.
pub(crate) async fn run(port: u16) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(Error::file("listen on", format!("port {port}")))?;
    // `localhost` may mean either family; where this machine has only one, one will do.
    match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
        Ok(second) => tokio::join!(accept(listener), accept(second)).0,
        Err(_) => accept(listener).await,
    }
}

async fn accept(listener: TcpListener) -> ! {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                tokio::spawn(async move {
                    // Either side may hang up at any time; that is not for us to judge.
                    let _ = hand_over(client).await;
                });
            }
            // Out of descriptors, for one: it passes.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
}

async fn hand_over(mut client: TcpStream) -> io::Result<()> {
    let mut gateway = TcpStream::connect((Ipv4Addr::LOCALHOST, GATEWAY_NODE_PORT)).await?;
    client.set_nodelay(true)?;
    gateway.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut gateway).await.map(drop)
}
