//! The database's start script with a real PostgreSQL.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use shopkeeper_api::Store;

use crate::fixture::{demo, planned, with_spec};

/// Where PostgreSQL's programs are.
fn programs() -> PathBuf {
    let found = ["17", "16", "15"].map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")));
    let found = found.into_iter().find(|folder| folder.join("initdb").exists());
    found.expect("PostgreSQL is installed: apt-get install postgresql")
}

/// A volume and a Secret, and pods that come and go.
pub(crate) struct Pod {
    folder: tempfile::TempDir,
    pub(crate) programs: PathBuf,
    pub(crate) port: u16,
}

impl Pod {
    pub(crate) fn new() -> Self {
        Self::of(&demo())
    }

    fn of(store: &Store) -> Self {
        let programs = programs();
        let folder = tempfile::tempdir().expect("a folder");
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        for name in ["data", "run", "etc", "secret", "backup"] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        let config = planned(store).postgres.expect("a database").config.data.expect("files");
        let pod = Self { folder, programs, port };
        for (name, content) in config {
            let content = format!(
                "{}{}",
                pod.here(&content),
                if name == "postgresql.conf" { format!("port = {port}\n") } else { String::new() }
            );
            std::fs::write(pod.path("etc").join(name), content).expect("a file");
        }
        if is_root() {
            let owned = Command::new("chown").args(["-R", "postgres"]).arg(pod.folder.path()).status().expect("chown");
            assert!(owned.success());
        }
        pod
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same text with the container's paths replaced by this pod's own.
    fn here(&self, text: &str) -> String {
        let of = |name: &str| self.path(name).display().to_string();
        text.replace("/var/lib/postgresql/data", &of("data"))
            .replace("/run/postgresql", &of("run"))
            .replace("/etc/shopkeeper", &of("etc"))
            .replace("/run/secrets/postgres", &of("secret"))
    }

    pub(crate) fn start(&self, password: &str) -> Server {
        std::fs::write(self.path("secret").join("password"), password).expect("a file");
        let set = planned(&demo()).postgres.expect("a database").stateful_set;
        let container = set.spec.and_then(|spec| spec.template.spec).expect("a pod").containers.remove(0);
        let script = self.here(&container.command.expect("a command")[2]);
        let process = self
            .command("/bin/sh")
            .args(["-ec", &script])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh");
        let server =
            Server { process, data: self.path("data/pgdata"), programs: self.programs.clone(), root: is_root() };
        let started = Instant::now();
        while !self
            .command("pg_isready")
            .args(["-q", "-h"])
            .arg(self.path("run"))
            .args(["-p", &self.port.to_string()])
            .status()
            .expect("pg_isready")
            .success()
        {
            assert!(started.elapsed() < Duration::from_secs(60), "PostgreSQL does not answer");
            thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// Runs a statement over TCP with a password; the answer, if it was let in.
    fn ask(&self, password: &str, statement: &str) -> Option<String> {
        self.ask_in("shop", password, statement)
    }

    /// The same in one of its databases.
    pub(crate) fn ask_in(&self, database: &str, password: &str, statement: &str) -> Option<String> {
        let url = format!("postgres://postgres@127.0.0.1:{}/{database}", self.port);
        let output = self
            .command("psql")
            .env("PGPASSWORD", password)
            .args(["-AtX", "-c", statement, &url])
            .output()
            .expect("psql");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        command(&self.programs, program, is_root())
    }
}

/// PostgreSQL refuses to run as root.
fn command(programs: &Path, program: &str, root: bool) -> Command {
    let mut command = if root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", program]);
        command
    } else {
        Command::new(program)
    };
    command.env("PATH", format!("{}:/usr/bin:/bin", programs.display())).current_dir("/");
    command
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id");
    output.stdout.starts_with(b"0\n")
}

pub(crate) struct Server {
    process: Child,
    data: PathBuf,
    programs: PathBuf,
    root: bool,
}

impl Server {
    /// What the pod does before it stops.
    fn stop(&mut self, mode: &str) {
        let _ = command(&self.programs, "pg_ctl", self.root)
            .args(["stop", "-s", "-m", mode, "-D"])
            .arg(&self.data)
            .stderr(Stdio::null())
            .status();
        let _ = self.process.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop("immediate");
    }
}

#[test]
fn the_password_is_what_the_secret_says_at_every_start_and_the_data_stays() {
    let pod = Pod::new();
    let mut first = pod.start("first-password");
    assert_eq!(
        pod.ask("first-password", "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7); SELECT n FROM kept")
            .as_deref()
            .map(|answer| answer.ends_with('7')),
        Some(true)
    );
    assert_eq!(pod.ask("other-password", "SELECT 1"), None);
    first.stop("fast");

    // A kept volume under a new Secret, after a crash.
    let mut second = pod.start("second-password");
    assert_eq!(pod.ask("second-password", "SELECT n FROM kept").as_deref(), Some("7"));
    assert_eq!(pod.ask("first-password", "SELECT 1"), None);
    second.stop("immediate");
    let third = pod.start("third-password");
    assert_eq!(pod.ask("third-password", "SELECT n FROM kept").as_deref(), Some("7"));
    drop(third);
}

#[test]
fn a_pod_that_was_killed_while_making_its_data_starts_afresh() {
    let pod = Pod::new();
    let half = pod.path("data").join("pgdata.new");
    let made = pod.command("mkdir").arg(&half).status().expect("mkdir");
    assert!(made.success());
    assert!(pod.command("touch").arg(half.join("PG_VERSION")).status().expect("touch").success());
    let _server = pod.start("a-password");
    assert_eq!(pod.ask("a-password", "SELECT current_database()").as_deref(), Some("shop"));
}

#[test]
fn data_that_was_opened_to_the_group_of_its_volume_is_closed_again() {
    let pod = Pod::new();
    pod.start("a-password").stop("fast");
    let opened = pod.command("chmod").arg("2770").arg(pod.path("data/pgdata")).status().expect("chmod");
    assert!(opened.success());
    let _server = pod.start("a-password");
    assert_eq!(pod.ask("a-password", "SELECT current_database()").as_deref(), Some("shop"));
}

#[test]
fn a_user_that_the_store_names_is_the_superuser_by_the_socket() {
    let managed = json!({"securityContext": {"runAsUser": 1_000_680_000}});
    let pod = Pod::of(&with_spec(json!({"database": {"managed": managed}})));
    let _server = pod.start("a-password");
    // Whoever runs this test is not called postgres either.
    let output = command(&pod.programs, "psql", false)
        .args(["-AtX", "-U", "postgres", "-d", "shop", "-c", "SELECT current_user", "-p", &pod.port.to_string(), "-h"])
        .arg(pod.path("run"))
        .output()
        .expect("psql");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "postgres", "{said}");
}
