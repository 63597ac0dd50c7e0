//! A running exporter.

use std::fmt::Debug;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::nginx::free_port;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Program {
    child: Child,
    /// Where it takes lines.
    pub(crate) log: u16,
    /// Where its metrics are.
    ops: u16,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// Starts one beside an nginx that tells of its connections at this port, and waits until it takes lines.
    pub(crate) async fn start(log: u16, nginx: u16, environment: &[(&str, &str)]) -> Self {
        let ops = free_port();
        let child = Command::new(env!("CARGO_BIN_EXE_gateway-exporter"))
            .env("LOG_ADDR", format!("127.0.0.1:{log}"))
            .env("OPS_ADDR", format!("127.0.0.1:{ops}"))
            .env("STUB_STATUS_URL", format!("http://127.0.0.1:{nginx}/stub_status"))
            .env("POD_NAME", "demo-gateway-0")
            .env_remove("OTEL_EXPORTER_OTLP_ENDPOINT")
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program");
        let program = Self { child, log, ops };
        until("the exporter", async || program.get("/livez", "").await.filter(|text| text == "ok").ok_or("no answer"))
            .await;
        program
    }

    async fn get(&self, path: &str, accept: &str) -> Option<String> {
        let request =
            reqwest::Client::new().get(format!("http://127.0.0.1:{}{path}", self.ops)).header("accept", accept);
        request.send().await.ok()?.error_for_status().ok()?.text().await.ok()
    }

    /// The page of metrics.
    pub(crate) async fn metrics(&self) -> String {
        self.get("/metrics", "").await.expect("metrics")
    }

    /// The same in the format that has exemplars.
    pub(crate) async fn openmetrics(&self) -> String {
        self.get("/metrics", "application/openmetrics-text").await.expect("metrics")
    }

    /// Waits until a series has this value.
    pub(crate) async fn until(&self, series: &str, value: u64) {
        until(series, async || {
            let page = self.metrics().await;
            if value_of(&page, series) == Some(value) { Ok(()) } else { Err(page) }
        })
        .await;
    }

    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().expect("kill");
        assert!(status.success());
    }

    pub(crate) fn is_there(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Waits for its end.
    pub(crate) async fn end(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "the exporter did not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The value of a series, by its name and labels as they are written.
pub(crate) fn value_of(page: &str, series: &str) -> Option<u64> {
    let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    line.split(' ').next()?.parse().ok()
}

/// Asks until it is so.
pub(crate) async fn until<T, E: Debug>(what: &str, mut look: impl AsyncFnMut() -> Result<T, E>) -> T {
    let began = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(error) => assert!(began.elapsed() < PATIENCE, "{what}: {error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
