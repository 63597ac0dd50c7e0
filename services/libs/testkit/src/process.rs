//! Servers that end when the tests end, however they end.

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Runs the server given as `$2…` in the folder `$1`; when standard input ends, which it does when the test process is gone for whatever
/// reason, stops the server and removes the folder.
const WATCH: &str = r#"
dir=$1; shift
trap '' INT TERM HUP
"$@" >"$dir/log" 2>&1 </dev/null &
server=$!
read -r _ || true
kill -QUIT "$server" 2>/dev/null || true
kill -KILL "$server" 2>/dev/null || true
wait "$server" 2>/dev/null || true
rm -rf "$dir"
"#;

/// A server and the shell that watches over it.
#[derive(Debug)]
pub(crate) struct Server {
    watcher: Child,
}

impl Server {
    /// Starts `command` (as the user, if this is root), with its log and data in `dir`.
    pub(crate) fn start(dir: &Path, user: Option<&str>, command: &[&str]) -> Self {
        let watcher = Command::new("/bin/sh")
            .args(["-c", WATCH, "sh"])
            .arg(dir)
            .args(as_user(user))
            .args(command)
            .stdin(Stdio::piped())
            // Ctrl-C in a terminal is for the tests; the watcher goes by their end.
            .process_group(0)
            .spawn()
            .expect("/bin/sh starts");
        Self { watcher }
    }

    /// What the server in this folder wrote to its log.
    pub(crate) fn log(dir: &Path) -> String {
        std::fs::read_to_string(dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        let _ = self.watcher.wait();
    }
}

/// The prefix that runs a command as another user.
pub(crate) fn as_user(user: Option<&str>) -> Vec<String> {
    match user {
        Some(user) if is_root() => {
            ["setpriv", "--reuid", user, "--regid", user, "--init-groups", "--"].map(str::to_owned).to_vec()
        }
        _ => Vec::new(),
    }
}

/// Gives the folder to the user that the server runs as.
pub(crate) fn give_to(dir: &Path, user: &str) {
    if is_root() {
        let given = Command::new("chown").arg(user).arg(dir).status().expect("chown starts");
        assert!(given.success(), "can't give {} to {user}", dir.display());
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// A port that nobody listens on at the moment.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

/// A folder for a server's data, removed by the server's watcher.
pub(crate) fn server_dir(name: &str) -> std::path::PathBuf {
    tempfile::Builder::new().prefix(&format!("shop-test-{name}-")).tempdir().expect("a temporary folder").keep()
}
