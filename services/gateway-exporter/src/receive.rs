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

    /// What is there already, if anything.
    pub fn try_next<'a>(&self, room: &'a mut Room) -> Option<&'a [u8]> {
        let length = self.socket.try_recv(&mut room.0[..]).ok()?;
        Some(&room.0[..length])
    }

    /// How many datagrams the kernel had no room for, as far as it says so.
    pub async fn lost(&self) -> Option<u64> {
        lost(&tokio::fs::read_to_string("/proc/self/net/udp").await.ok()?, self.address)
    }
}

/// Room for one line.
#[derive(Debug)]
pub struct Room(Box<[u8]>);

impl Default for Room {
    fn default() -> Self {
        Self(vec![0; LONGEST + 1].into())
    }
}

/// The last column of the socket's row in the kernel's table, in which addresses are written as the machine has them in memory.
fn lost(table: &str, address: SocketAddr) -> Option<u64> {
    let SocketAddr::V4(address) = address else { return None };
    let local = format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port());
    // A row of somebody's who is connected to it has the address as the remote one.
    let row = table.lines().find(|row| row.split_ascii_whitespace().nth(1) == Some(&local))?;
    row.split_ascii_whitespace().last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_is_in_the_row_of_the_socket() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n \
                     2489: 0100007F:B043 0100007F:252A 01 00000000:00000000 00:00000000 00000000 65534        0 2541020 2 0000 7\n \
                     8248: 0100007F:252A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 2539254 2 0000 42\n";
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        assert_eq!(lost(table, local(9514)), Some(42));
        assert_eq!(lost(table, local(9515)), None);
        assert_eq!(lost("", local(9514)), None);
    }
}
