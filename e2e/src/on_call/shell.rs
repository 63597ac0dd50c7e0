//! Commands that are typed into a shell.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

use super::{OnCallError, Section};

/// How long commands may take that come to an end.
const LIMIT: Duration = Duration::from_secs(300);

/// Commands that were typed.
pub(super) struct Typed {
    section: String,
    commands: String,
    shell: Child,
}

impl Typed {
    /// Begins to type. The shell ends with this.
    pub(super) fn start(section: &Section, commands: &str) -> Result<Self, OnCallError> {
        let mut shell = Command::new("sh");
        shell.args(["-ec", commands]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let shell = shell.process_group(0).kill_on_drop(true).spawn()?;
        Ok(Self { section: section.title(), commands: commands.to_owned(), shell })
    }

    /// Whatever still runs of it is not needed any more.
    pub(super) fn stop(mut self) {
        if let Some(group) = self.shell.id() {
            // The whole group: what a loop has started, too. That there is nothing left of it is as good.
            let _ = std::process::Command::new("kill").args(["--", &format!("-{group}")]).status();
        }
        let _ = self.shell.start_kill();
    }

    /// Waits for the end, which must be a good one.
    pub(super) async fn finish(mut self) -> Result<(), OnCallError> {
        match tokio::time::timeout(LIMIT, self.ended()).await {
            Ok(ended) => ended,
            Err(_) => Err(self.failure("it does not come to an end".into())),
        }
    }

    /// Waits for an end that is not a good one, which may never come.
    pub(super) async fn failed(&mut self) -> OnCallError {
        match self.ended().await {
            Ok(()) => std::future::pending().await,
            Err(error) => error,
        }
    }

    async fn ended(&mut self) -> Result<(), OnCallError> {
        let mut said = String::new();
        if let Some(complaint) = &mut self.shell.stderr {
            complaint.read_to_string(&mut said).await?;
        }
        if self.shell.wait().await?.success() { Ok(()) } else { Err(self.failure(said)) }
    }

    fn failure(&self, said: String) -> OnCallError {
        OnCallError::Typed { section: self.section.clone(), commands: self.commands.clone(), said }
    }
}
