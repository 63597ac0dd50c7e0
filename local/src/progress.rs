//! What the launcher tells the person who waits: one line a step, with the time that it took.
//!
//! All of it goes to the standard error, so that what a sub-command is asked for is alone on the standard output.

use std::{
    io::{IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

/// Where the time of a step stands.
const COLUMN: usize = 58;

/// A step in progress. It is finished by one of its methods; when it is dropped instead, it has failed.
#[derive(Debug)]
pub(crate) struct Step {
    name: String,
    began: Instant,
    finished: bool,
}

/// Begins a step.
pub(crate) fn step(name: impl Into<String>) -> Step {
    let step = Step { name: name.into(), began: Instant::now(), finished: false };
    // Where lines cannot be written over, a step appears when it is finished.
    if std::io::stderr().is_terminal() {
        eprint!("{} …", step.name);
        let _ = std::io::stderr().flush();
    }
    step
}

/// Runs something as a step.
pub(crate) fn timed<T, E>(name: impl Into<String>, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let step = step(name);
    let result = work();
    if result.is_ok() {
        step.done();
    }
    result
}

/// As [`timed`], for what is awaited.
pub(crate) async fn timed_async<T, E>(
    name: impl Into<String>,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let step = step(name);
    let result = work.await;
    if result.is_ok() {
        step.done();
    }
    result
}

/// Tells something that takes no time.
pub(crate) fn note(text: impl std::fmt::Display) {
    eprintln!("{text}");
}

impl Step {
    /// The step is finished.
    pub(crate) fn done(self) {
        let took = seconds(self.began.elapsed());
        self.finish(&took);
    }

    /// There was nothing to do.
    pub(crate) fn already(self) {
        self.finish("already");
    }

    fn finish(mut self, outcome: &str) {
        self.finished = true;
        self.print(outcome);
    }

    fn print(&self, outcome: &str) {
        let back = if std::io::stderr().is_terminal() { "\r\x1b[K" } else { "" };
        eprintln!("{back}{:<COLUMN$}{outcome:>9}", self.name);
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.finished {
            self.print("failed");
        }
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
