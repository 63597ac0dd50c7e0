//! A Kubernetes API server for tests: the real one with a real etcd, nothing behind it. No node, no controllers.

use std::{
    fs::File,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{fs, task, time};

use crate::{
    binaries::Binaries,
    cache::Cache,
    certs::{self, Authority, Subject},
    cluster::{
        apiserver::{self, ReadyProbe, files},
        etcd,
    },
    command,
    error::{Error, Result},
    kubeconfig,
};

const START_TIMEOUT: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(100);
/// A port that was free may be taken before the server gets it.
const ATTEMPTS: usize = 3;

const AUDIT_LOG: &str = "audit.log";
const AUDIT_POLICY: &str = "audit-policy.json";

/// What an API server does beside answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Plain,
    /// It notes every request, and polices owner references as some distributions do.
    Strict,
}

/// A Kubernetes API server with an etcd of its own, on a port of its own, with a folder of its own. Any number can run at once. It ends
/// when it is dropped, and also when the process that started it is killed.
#[derive(Debug)]
pub struct ApiServer {
    // Dropped in this order: the servers before the folder that they write to.
    server: Server,
    etcd: Server,
    folder: TempDir,
    kube: PathBuf,
    port: u16,
    url: String,
    authority: String,
    kubeconfig: String,
}

impl ApiServer {
    /// Starts one and waits until it is ready. The first call on a machine builds Kubernetes, which takes minutes.
    pub async fn start() -> Result<Self> {
        Self::start_as(Manner::Plain).await
    }

    /// Starts one that notes every request for [`Self::audit`], and asks whoever names an owner that blocks its deletion for the right to set
    /// the owner's finalizers, as some distributions do.
    pub async fn start_strict() -> Result<Self> {
        Self::start_as(Manner::Strict).await
    }

    async fn start_as(manner: Manner) -> Result<Self> {
        let binaries = task::spawn_blocking(|| Binaries::get(&Cache::open()?)).await.expect_unwind()?;
        let mut attempt = 1;
        loop {
            match Self::start_once(&binaries, manner).await {
                Err(Error::ComponentStopped { .. }) if attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    /// The kubeconfig of an administrator, as YAML.
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    /// A file with [`Self::kubeconfig`] in it.
    pub fn kubeconfig_path(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// The server's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A `kubectl` command for this server.
    pub fn kubectl(&self) -> Command {
        let mut command = Command::new(&self.kube);
        command.arg("kubectl").arg("--kubeconfig").arg(self.kubeconfig_path());
        command
    }

    /// A `helm` command.
    pub fn helm(&self) -> Command {
        Command::new(self.kube.with_file_name("helm"))
    }

    /// The events of the audit log so far, each when its request was answered; a watch, when it began and when it ended. None but for
    /// [`Self::start_strict`]. The log is written before the answer.
    pub fn audit(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.folder.path().join(AUDIT_LOG)).unwrap_or_default();
        // The last line may be half written.
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    async fn start_once(binaries: &Binaries, manner: Manner) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("shopkeeper-api-")
            .tempdir()
            .map_err(Error::file("make a folder in", std::env::temp_dir()))?;
        let port = free_port()?;
        let url = format!("https://127.0.0.1:{port}");
        let (authority, kubeconfig) = write_credentials(folder.path(), &url).await?;

        let socket = folder.path().join("etcd.sock");
        let kube = binaries.kube();
        let mut etcd =
            Server::spawn(&kube, "etcd", folder.path(), &etcd::arguments(&folder.path().join("etcd"), &socket))?;
        let mut flags = arguments(folder.path(), &socket, port);
        if manner == Manner::Strict {
            flags.extend(strict_arguments(folder.path()).await?);
        }
        let mut api_server = Server::spawn(&kube, "apiserver", folder.path(), &flags)?;
        ready(&ReadyProbe::new(&url, &authority)?, [&mut etcd, &mut api_server]).await?;
        Ok(Self { server: api_server, etcd, folder, kube, port, url, authority, kubeconfig })
    }

    /// Kills the server, so that all connections break at once, and starts it again at the same address. What it knew is still in etcd.
    pub async fn restart(&mut self) -> Result<()> {
        self.server.kill();
        let arguments = arguments(self.folder.path(), &self.folder.path().join("etcd.sock"), self.port);
        self.server = Server::spawn(&self.kube, "apiserver", self.folder.path(), &arguments)?;
        ready(&ReadyProbe::new(&self.url, &self.authority)?, [&mut self.etcd, &mut self.server]).await
    }

    /// The processes of the API server and of its etcd.
    pub fn process_ids(&self) -> [u32; 2] {
        [self.server.child.id(), self.etcd.child.id()]
    }

    /// The server's log so far, for a test that wants to know why.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.server.log).unwrap_or_default()
    }
}

/// Writes the server's certificates and the administrator's kubeconfig; returns the authority's certificate and the kubeconfig.
async fn write_credentials(folder: &Path, url: &str) -> Result<(String, String)> {
    let authority = Authority::new("shopkeeper-test")?;
    let server =
        authority.issue(&Subject { name: "kube-apiserver", group: None, hosts: &["localhost", "127.0.0.1"] })?;
    let admin = authority.issue(&Subject { name: "admin", group: Some("system:masters"), hosts: &[] })?;
    let (token_key, token_public_key) = certs::token_keys()?;
    let kubeconfig = kubeconfig::render(url, &authority.certificate(), &admin);
    for (name, content) in [
        (files::AUTHORITY, &authority.certificate()),
        (files::CERTIFICATE, &server.certificate),
        (files::KEY, &server.key),
        (files::TOKEN_KEY, &token_key),
        (files::TOKEN_PUBLIC_KEY, &token_public_key),
        ("kubeconfig", &kubeconfig),
    ] {
        let path = folder.join(name);
        fs::write(&path, content).await.map_err(Error::file("write", path))?;
    }
    Ok((authority.certificate(), kubeconfig))
}

fn arguments(folder: &Path, etcd_socket: &Path, port: u16) -> Vec<String> {
    let mut arguments = apiserver::common_arguments(folder, etcd_socket, port);
    arguments.extend(
        [
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            // Endpoints on the loopback interface are refused, and nothing here reads them.
            "--endpoint-reconciler-type=none",
            "--authorization-mode=RBAC",
            // No controller makes the accounts that it would ask for.
            "--disable-admission-plugins=ServiceAccount",
            "--service-cluster-ip-range=10.96.0.0/16",
        ]
        .map(String::from),
    );
    arguments
}

async fn strict_arguments(folder: &Path) -> Result<[String; 3]> {
    let policy = serde_json::json!({
        "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
        "rules": [{"level": "Metadata"}],
    });
    let path = folder.join(AUDIT_POLICY);
    fs::write(&path, policy.to_string()).await.map_err(Error::file("write", &path))?;
    Ok([
        format!("--audit-policy-file={}", path.display()),
        format!("--audit-log-path={}", folder.join(AUDIT_LOG).display()),
        "--enable-admission-plugins=OwnerReferencesPermissionEnforcement".into(),
    ])
}

fn free_port() -> Result<u16> {
    let failed = || Error::file("take a port of", "127.0.0.1");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed())?;
    Ok(listener.local_addr().map_err(failed())?.port())
}

/// A child process that ends with us: it reads a pipe of ours, which closes in whatever way we end.
#[derive(Debug)]
struct Server {
    component: &'static str,
    child: Child,
    log: PathBuf,
}

impl Server {
    fn spawn(kube: &Path, component: &'static str, folder: &Path, arguments: &[String]) -> Result<Self> {
        let log = folder.join(format!("{component}.log"));
        let file = File::create(&log).map_err(Error::file("make", &log))?;
        let same_file = file.try_clone().map_err(Error::file("open", &log))?;
        let child = Command::new(kube)
            .arg(component)
            .args(arguments)
            .env("KUBE_LIFELINE", "stdin")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(file)
            .stderr(same_file)
            .spawn()
            .map_err(|source| Error::CommandNotStarted {
                command: format!("{} {component}", kube.display()),
                source,
            })?;
        Ok(Self { component, child, log })
    }

    fn kill(&mut self) {
        // Either may fail only if the process has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn check_running(&mut self) -> Result<()> {
        if matches!(self.child.try_wait(), Ok(None)) {
            return Ok(());
        }
        let (component, tail) = (self.component.into(), command::tail_of(&self.log));
        Err(Error::ComponentStopped { component, log: self.log.clone(), tail })
    }
}

async fn ready(probe: &ReadyProbe, mut servers: [&mut Server; 2]) -> Result<()> {
    let began = Instant::now();
    while !probe.is_ready().await {
        for server in &mut servers {
            server.check_running()?;
        }
        if began.elapsed() > START_TIMEOUT {
            return Err(Error::TimedOut {
                what: "an API server that answers".into(),
                seconds: START_TIMEOUT.as_secs(),
                look: format!("its log ends with:\n{}", command::tail_of(&servers[1].log)),
            });
        }
        time::sleep(POLL).await;
    }
    Ok(())
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A task that panicked panics here too.
trait ExpectUnwind<T> {
    fn expect_unwind(self) -> T;
}

impl<T> ExpectUnwind<T> for Result<T, task::JoinError> {
    fn expect_unwind(self) -> T {
        self.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }
}
