//! What can go wrong, each with what to do about it where that is known.

use std::{io, path::PathBuf};

/// A failure of the launcher or of a test's API server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read, written, made or removed.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried, as an infinitive.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A program is not installed.
    #[error("`{program}` is not on the PATH: {remedy}")]
    ProgramMissing {
        /// The program's name.
        program: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A program ran and failed.
    #[error("`{command}` failed ({status}); it said:\n{output}")]
    CommandFailed {
        /// The command line.
        command: String,
        /// Its exit status.
        status: String,
        /// The last lines that it wrote.
        output: String,
    },
    /// A program could not be started.
    #[error("cannot start `{command}`")]
    CommandNotStarted {
        /// The command line.
        command: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A certificate could not be made.
    #[error("cannot make the certificate of {name}")]
    Certificate {
        /// Whose certificate.
        name: String,
        /// Why not.
        #[source]
        source: rcgen::Error,
    },
    /// A component stopped while it was being waited for.
    #[error("{component} stopped while it was starting; the end of {} is:\n{tail}", log.display())]
    ComponentStopped {
        /// The component.
        component: String,
        /// Its log.
        log: PathBuf,
        /// The last lines of its log.
        tail: String,
    },
    /// Something did not become true in time.
    #[error("{what} did not happen within {seconds} s; {look}")]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: u64,
        /// Where to look.
        look: String,
    },
    /// The client could not be made.
    #[error("cannot make a client for the API server")]
    Client(#[source] kube::Error),
    /// The machine lacks something that the cluster needs.
    #[error("{0}")]
    Preflight(String),
    /// What was asked for cannot be done, for a reason that the sentence gives.
    #[error("{0}")]
    Refused(String),
}

impl Error {
    /// For `map_err` on file operations.
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;
