//! The launcher of the local cluster.

use std::{error::Error as _, process::ExitCode};

use clap::Parser as _;
use shopkeeper_local::Launcher;

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = Launcher::parse().run().await else { return ExitCode::SUCCESS };
    eprint!("local: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        eprint!(": {cause}");
        source = cause.source();
    }
    eprintln!();
    ExitCode::FAILURE
}
