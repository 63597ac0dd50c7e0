//! Running programs to their end.

use std::{
    ffi::OsStr,
    io::{self, Write},
    path::Path,
    process::{Command, Output, Stdio},
};

use crate::error::{Error, Result};

/// The lines of a failed program's output that an error shows.
const TAIL_LINES: usize = 20;

/// What to do about a missing program.
fn remedy(program: &str) -> &'static str {
    match program {
        "go" => "install Go (https://go.dev/dl), Kubernetes is built with it",
        "apt-get" => "this needs Debian or a relative of it",
        "npm" => "install Node.js (Debian's package is npm), it fetches the packages of Redis Commander",
        _ => "install it, or see docs/src/local-cluster.md",
    }
}

/// Runs a program to its end and returns what it wrote to its standard output.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let output = start(command, Command::output)?;
    finish(command, &output)
}

/// As [`run`], with something for the program to read.
pub(crate) fn run_with_input(command: &mut Command, input: &[u8]) -> Result<String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = start(command, Command::spawn)?;
    let mut pipe = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // A program that stops reading has failed; its status and its words say so better than a broken pipe does.
        scope.spawn(move || pipe.as_mut().map(|pipe| pipe.write_all(input)));
        child.wait_with_output()
    });
    let output = output.map_err(|source| Error::CommandNotStarted { command: words(command), source })?;
    finish(command, &output)
}

/// Whether a program can be run and says that all is well.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether a program is on the PATH.
pub(crate) fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

fn start<T>(command: &mut Command, how: impl FnOnce(&mut Command) -> io::Result<T>) -> Result<T> {
    how(command).map_err(|source| {
        let program = name(command.get_program());
        if source.kind() == io::ErrorKind::NotFound {
            Error::ProgramMissing { remedy: remedy(&program), program }
        } else {
            Error::CommandNotStarted { command: words(command), source }
        }
    })
}

fn finish(command: &Command, output: &Output) -> Result<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    Err(Error::CommandFailed { command: words(command), status: output.status.to_string(), output: tail(&said) })
}

/// The last lines of a text.
pub(crate) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

/// The last lines of a file, or nothing.
pub(crate) fn tail_of(file: &Path) -> String {
    std::fs::read(file).map(|bytes| tail(&String::from_utf8_lossy(&bytes))).unwrap_or_default()
}

fn words(command: &Command) -> String {
    std::iter::once(command.get_program()).chain(command.get_args()).map(name).collect::<Vec<_>>().join(" ")
}

fn name(word: &OsStr) -> String {
    word.to_string_lossy().into_owned()
}
