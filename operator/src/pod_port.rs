//! Questions to the second port of a pod.

use std::{net::IpAddr, time::Duration};

use http::{Request, StatusCode, header::HOST};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A pod that does not answer within this time is asked again, or at the next time.
const PATIENCE: Duration = Duration::from_millis(500);

/// No answer is longer.
const LONGEST: usize = 64 * 1024;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// What a pod answers under a path of its second port.
pub(crate) async fn get(address: &str, port: u16, path: &'static str) -> Result<(StatusCode, Bytes), Error> {
    match tokio::time::timeout(PATIENCE, exchange(address, port, path)).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer within {PATIENCE:?}").into()),
    }
}

async fn exchange(address: &str, port: u16, path: &'static str) -> Result<(StatusCode, Bytes), Error> {
    let address: IpAddr = address.parse()?;
    let stream = TcpStream::connect((address, port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(path).header(HOST, "pod").body(Empty::<Bytes>::new())?;
    let exchange = async move {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LONGEST).collect().await?.to_bytes();
        Ok((status, body))
    };
    // The connection does its work only while it is polled; it ends with the answer.
    tokio::pin!(exchange, connection);
    tokio::select! {
        answer = &mut exchange => answer,
        ended = &mut connection => {
            ended?;
            exchange.await
        }
    }
}
