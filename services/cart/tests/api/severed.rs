//! A way to PostgreSQL that breaks in the middle of a commit: it understands just enough of the protocol to know which one it is.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the commit is carried out by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The statement itself, outside of any transaction.
    Statement,
    /// The COMMIT of the transaction that the statement is in.
    Commit,
}

/// On which side of the commit the way breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// The server never hears of it.
    Before,
    /// The server has carried it out, and nobody hears of that.
    After,
}

/// Where the way breaks, once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trap {
    /// A parameter of the statement.
    pub(crate) writes: &'static str,
    pub(crate) moment: Moment,
    pub(crate) when: When,
    /// The connection stays open and silent until the client gives it up, instead of being cut.
    pub(crate) hold: bool,
}

/// The proxy.
#[derive(Debug)]
pub(crate) struct PgProxy {
    address: SocketAddr,
    trap: Arc<Mutex<Option<Trap>>>,
    sprung: watch::Receiver<bool>,
}

struct Way {
    trap: Arc<Mutex<Option<Trap>>>,
    sprung: watch::Sender<bool>,
    /// Whether the statement that the trap waits for has passed, in this transaction.
    marked: bool,
}

enum Passage {
    Free,
    /// Nothing of this message goes through, nor anything after it.
    Stopped(Trap),
    /// The message goes through, its answer does not.
    Unanswered(Trap),
}

impl PgProxy {
    /// A proxy to the server at this address.
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let trap = Arc::<Mutex<Option<Trap>>>::default();
        let (telling, sprung) = watch::channel(false);
        let set = Arc::clone(&trap);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let way = Way { trap: Arc::clone(&set), sprung: telling.clone(), marked: false };
                tokio::spawn(async move {
                    // However it ends, both ends are closed.
                    let _ = way.lead(client, server).await;
                });
            }
        });
        Self { address, trap, sprung }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the trap; it springs once.
    pub(crate) fn set(&self, trap: Trap) {
        *self.trap.lock().expect("no test panics with it in its hands") = Some(trap);
    }

    /// Waits until the trap has sprung.
    pub(crate) async fn until_sprung(&self) {
        let mut sprung = self.sprung.clone();
        let waiting = tokio::time::timeout(std::time::Duration::from_secs(30), sprung.wait_for(|sprung| *sprung));
        waiting.await.expect("the commit is on its way").expect("the proxy is there");
    }
}

impl Way {
    async fn lead(mut self, client: TcpStream, server: SocketAddr) -> io::Result<()> {
        let server = TcpStream::connect(server).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        shake_hands(&mut from_client, &mut to_client, &mut from_server, &mut to_server).await?;
        let mut answer = vec![0; 16 * 1024];
        let mut head = [0; 5];
        let mut have = 0;
        loop {
            tokio::select! {
                read = from_client.read(&mut head[have..]) => {
                    have += some(read?)?;
                    if have < head.len() {
                        continue;
                    }
                    have = 0;
                    let message = rest_of_message(&mut from_client, head).await?;
                    match self.passage(&message) {
                        Passage::Free => to_server.write_all(&message).await?,
                        Passage::Stopped(trap) => return self.spring(trap, from_client).await,
                        Passage::Unanswered(trap) => {
                            to_server.write_all(&message).await?;
                            swallow_answer(&mut from_client, &mut to_server, &mut from_server, trap.moment).await?;
                            return self.spring(trap, from_client).await;
                        }
                    }
                }
                read = from_server.read(&mut answer) => {
                    let read = some(read?)?;
                    to_client.write_all(&answer[..read]).await?;
                }
            }
        }
    }

    fn passage(&mut self, message: &[u8]) -> Passage {
        let mut set = self.trap.lock().expect("no test panics with it in its hands");
        let Some(trap) = *set else { return Passage::Free };
        let is_query = |text: &str| message[0] == b'Q' && message[5..].starts_with(text.as_bytes());
        if is_query("BEGIN") || is_query("ROLLBACK") {
            self.marked = false;
        }
        let mut parameter = u32::try_from(trap.writes.len()).expect("short").to_be_bytes().to_vec();
        parameter.extend_from_slice(trap.writes.as_bytes());
        self.marked |= message[0] == b'B' && message.windows(parameter.len()).any(|bytes| bytes == parameter);
        if !self.marked || (trap.moment == Moment::Commit && !is_query("COMMIT")) {
            return Passage::Free;
        }
        *set = None;
        match trap.when {
            When::Before => Passage::Stopped(trap),
            When::After => Passage::Unanswered(trap),
        }
    }

    async fn spring(self, trap: Trap, mut from_client: OwnedReadHalf) -> io::Result<()> {
        self.sprung.send_replace(true);
        if trap.hold {
            // Until the client is gone.
            let mut rubbish = vec![0; 1024];
            while some(from_client.read(&mut rubbish).await?).is_ok() {}
        }
        Ok(())
    }
}

fn some(read: usize) -> io::Result<usize> {
    if read == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(read) }
}

/// Leads the first messages, which have no type: a question for TLS, which the test server says no to, and the beginning.
async fn shake_hands(
    from_client: &mut OwnedReadHalf,
    to_client: &mut OwnedWriteHalf,
    from_server: &mut OwnedReadHalf,
    to_server: &mut OwnedWriteHalf,
) -> io::Result<()> {
    const TLS: u32 = 80_877_103;
    loop {
        let length = from_client.read_u32().await?;
        let mut message = vec![0; length as usize - 4];
        from_client.read_exact(&mut message).await?;
        to_server.write_u32(length).await?;
        to_server.write_all(&message).await?;
        if !message.starts_with(&TLS.to_be_bytes()) {
            return Ok(());
        }
        let no = from_server.read_u8().await?;
        to_client.write_u8(no).await?;
    }
}

async fn rest_of_message(from: &mut OwnedReadHalf, head: [u8; 5]) -> io::Result<Vec<u8>> {
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let mut message = head.to_vec();
    message.resize(length + 1, 0);
    from.read_exact(&mut message[5..]).await?;
    Ok(message)
}

/// Leads what else belongs to the statement to the server, and waits until the server has done it.
async fn swallow_answer(
    from_client: &mut OwnedReadHalf,
    to_server: &mut OwnedWriteHalf,
    from_server: &mut OwnedReadHalf,
    moment: Moment,
) -> io::Result<()> {
    let mut complete = moment != Moment::Statement;
    while !complete {
        let mut head = [0; 5];
        from_client.read_exact(&mut head).await?;
        let message = rest_of_message(from_client, head).await?;
        to_server.write_all(&message).await?;
        complete = message[0] == b'S';
    }
    loop {
        let mut head = [0; 5];
        from_server.read_exact(&mut head).await?;
        if rest_of_message(from_server, head).await?[0] == b'Z' {
            return Ok(());
        }
    }
}
