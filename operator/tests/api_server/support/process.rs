//! The operator as it is in production: a process of its own.

use std::{
    fs::File,
    path::PathBuf,
    process::{Child, Command, ExitStatus},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

use super::{World, eventually};

/// A replica of the operator, as a process. It is killed when it is dropped.
pub struct Process {
    child: Child,
    folder: TempDir,
}

impl Process {
    /// Starts one for the Stores of the world's namespace. Its Lease is there too.
    pub fn start(world: &World, kubeconfig: &str, name: &str, lease_seconds: u64) -> Self {
        Self::start_with(world, kubeconfig, name, lease_seconds, &[])
    }

    /// Starts one with more in its environment.
    pub fn start_with(
        world: &World,
        kubeconfig: &str,
        name: &str,
        lease_seconds: u64,
        environment: &[(&str, &str)],
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let output = File::create(folder.path().join("output")).expect("a file");
        let child = Command::new(env!("CARGO_BIN_EXE_operator"))
            .env("KUBECONFIG", kubeconfig)
            .env("POD_NAME", name)
            .env("WATCH_NAMESPACES", &world.namespace)
            .env("LEASE_NAMESPACE", &world.namespace)
            .env("LEASE_SECONDS", lease_seconds.to_string())
            .env("METRICS_ADDR", "127.0.0.1:0")
            .env("RUST_LOG", "info")
            .envs(environment.iter().copied())
            .stdout(output.try_clone().expect("the same file"))
            .stderr(output)
            .spawn()
            .expect("the operator");
        Self { child, folder }
    }

    fn output(&self) -> PathBuf {
        self.folder.path().join("output")
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.output()).unwrap_or_default()
    }

    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(id), signal).expect("to signal");
    }

    /// Waits for its end.
    pub async fn end(&mut self) -> ExitStatus {
        let child = std::sync::Mutex::new(&mut self.child);
        eventually("the process to end", || async {
            let ended = child.lock().expect("one thread").try_wait().expect("an answer");
            ended.ok_or_else(|| "it runs".to_owned())
        })
        .await
    }

    /// The port of `/metrics` and so on.
    async fn port(&self) -> u16 {
        eventually("the process to listen", || async {
            let line = self.log().lines().find(|line| line.contains("\"address\":\"127.0.0.1:")).map(ToOwned::to_owned);
            let port = line.and_then(|line| {
                let (_, rest) = line.split_once("\"address\":\"127.0.0.1:")?;
                rest.split('"').next()?.parse().ok()
            });
            port.ok_or_else(|| self.log())
        })
        .await
    }

    /// What it answers on its second port.
    pub async fn get(&self, path: &str) -> (u16, String) {
        self.get_as(path, "*/*").await
    }

    /// The same in another format.
    pub async fn get_as(&self, path: &str, accept: &str) -> (u16, String) {
        use http_body_util::{BodyExt as _, Empty};
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", self.port().await)).await.expect("to connect");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream)).await.expect("HTTP");
        tokio::spawn(connection);
        let request = http::Request::get(path).header("host", "operator").header("accept", accept);
        let request = request.body(Empty::<hyper::body::Bytes>::new());
        let answer = sender.send_request(request.expect("a request")).await.expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    /// Waits until it is ready, and says that it is this.
    pub async fn until(&self, role: &str) {
        eventually(&format!("the process to be {role}"), || async {
            let (status, text) = self.get("/readyz").await;
            if status == 200 && text.starts_with(role) { Ok(()) } else { Err(format!("{text}\n{}", self.log())) }
        })
        .await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Either may fail only if it has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
