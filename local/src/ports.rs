//! Who listens on a port.

use std::{
    fs,
    net::{IpAddr, SocketAddr, TcpListener},
};

use crate::{
    error::{Error, Result},
    processes,
};

/// The state of a listening socket in the kernel's tables.
const LISTENING: &str = "0A";

/// Refuses when something listens there, and says who.
pub(crate) fn check_free(address: IpAddr, port: u16, remedy: &str) -> Result<()> {
    if TcpListener::bind(SocketAddr::new(address, port)).is_ok() {
        return Ok(());
    }
    let owner = owner(port).map_or_else(|| "another process".into(), processes::describe);
    Err(Error::Preflight(format!("port {port} of {address} is used by {owner}: {remedy}")))
}

/// A process that listens on the port, if it can be found.
fn owner(port: u16) -> Option<i32> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .flat_map(|table| listening(&fs::read_to_string(table).unwrap_or_default(), port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    processes::all_ids().find(|pid| {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        descriptors
            .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
            .any(|target| inodes.iter().any(|inode| target.as_os_str() == inode.as_str()))
    })
}

/// The inodes of the sockets that listen on the port.
fn listening(table: &str, port: u16) -> Vec<String> {
    let suffix = format!(":{port:04X}");
    table
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_ascii_whitespace();
            let (local, state) = (fields.nth(1)?, fields.nth(1)?);
            let inode = fields.nth(5)?;
            (local.ends_with(&suffix) && state == LISTENING).then(|| inode.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sockets_that_listen_on_a_port_are_found_in_the_kernels_table() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:A000 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
";
        assert_eq!(listening(table, 8080), ["4711"]);
    }

    #[test]
    fn a_port_in_use_is_named_with_the_process_that_uses_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = check_free("127.0.0.1".parse().unwrap(), port, "stop it").unwrap_err().to_string();
        assert!(error.contains(&format!("(process {})", std::process::id())), "{error}");
    }
}
