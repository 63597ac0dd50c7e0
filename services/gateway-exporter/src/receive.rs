//! The socket that nginx sends its log to.

use std::io;
use std::net::SocketAddr;

use tokio::net::UdpSocket;

use crate::line::LONGEST;

/// The socket, and how much of what was sent to it was lost.
#[derive(Debug)]
pub struct Receiver {
    socket: UdpSocket,
    address: SocketAddr,
}

impl Receiver {
    /// Listens at this address.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(address)
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("can't listen on {address}: {error}")))?;
        Ok(Self { address: socket.local_addr()?, socket })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next line. One that is longer than any that is read is cut off after its first byte too many.
    pub async fn next<'a>(&self, room: &'a mut Room) -> io::Result<&'a [u8]> {
        let length = self.socket.recv(&mut room.0[..]).await?;
        Ok(&room.0[..length])
    }

    /// How many datagrams the kernel had no room for, as far as it says so.
    pub async fn lost(&self) -> Option<u64> {
        lost(&sockets().await?, self.address)
    }

    /// Whether anybody has a socket to send to this one, as far as the kernel says so. nginx' workers have, from their first line until they end.
    pub async fn has_senders(&self) -> bool {
        sockets().await.is_some_and(|table| has_senders(&table, self.address))
    }
}

/// The kernel's table of sockets, which is that of all of the pod.
async fn sockets() -> Option<String> {
    tokio::fs::read_to_string("/proc/self/net/udp").await.ok()
}

/// Room for one line.
#[derive(Debug)]
pub struct Room(Box<[u8]>);

impl Default for Room {
    fn default() -> Self {
        Self(vec![0; LONGEST + 1].into())
    }
}

/// The last column of the socket's row.
fn lost(table: &str, address: SocketAddr) -> Option<u64> {
    rows(table, 1, address).next()?.split_ascii_whitespace().last()?.parse().ok()
}

/// Somebody who is connected to the socket has a row with its address as the remote one.
fn has_senders(table: &str, address: SocketAddr) -> bool {
    rows(table, 2, address).next().is_some()
}

/// The rows with this address in this column. Addresses are written as the machine has them in memory.
fn rows(table: &str, column: usize, address: SocketAddr) -> impl Iterator<Item = &str> {
    let written = match address {
        SocketAddr::V4(address) => {
            Some(format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port()))
        }
        // Those are in another table.
        SocketAddr::V6(_) => None,
    };
    table.lines().filter(move |row| written.is_some() && row.split_ascii_whitespace().nth(column) == written.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n \
                         2489: 0100007F:B043 0100007F:252A 01 00000000:00000000 00:00000000 00000000 65534        0 2541020 2 0000 7\n \
                         8248: 0100007F:252A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 2539254 2 0000 42\n";

    fn local(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn what_was_lost_is_in_the_row_of_the_socket() {
        assert_eq!(lost(TABLE, local(9514)), Some(42));
        assert_eq!(lost(TABLE, local(9515)), None);
        assert_eq!(lost("", local(9514)), None);
    }

    #[test]
    fn who_sends_to_the_socket_has_a_row_too() {
        assert!(has_senders(TABLE, local(9514)));
        assert!(!has_senders(TABLE, local(0xB043)), "it sends, and nobody to it");
        let alone: Vec<&str> = TABLE.lines().filter(|row| !row.contains("0100007F:B043")).collect();
        assert!(!has_senders(&alone.join("\n"), local(9514)));
        assert!(!has_senders(TABLE, "[::1]:9514".parse().expect("an address")));
    }

    #[tokio::test]
    async fn the_kernel_knows_of_a_sender_for_as_long_as_it_is_there() {
        let receiver = Receiver::bind(local(0)).await.expect("a port");
        assert!(!receiver.has_senders().await);
        let sender = std::net::UdpSocket::bind(local(0)).expect("a port");
        sender.connect(receiver.address()).expect("an address");
        assert!(receiver.has_senders().await);
        drop(sender);
        assert!(!receiver.has_senders().await);
    }
}
