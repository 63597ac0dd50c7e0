//! The program: arguments, terminal, exit code.

use std::{io, process::ExitCode};

use clap::Parser;
use shopkeeper_kubectl::{Answer, Error, Paint, args::Cli, run};

/// There is no answer: it is neither Ready nor not Ready.
const NO_ANSWER: u8 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Box::pin(run(Cli::parse(), Paint::of_stdout(), &mut io::stdout())).await {
        Ok(Answer::Well) => ExitCode::SUCCESS,
        Ok(Answer::NotReady) => ExitCode::FAILURE,
        // Whoever read it, as `head` does, has seen enough.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(NO_ANSWER)
        }
    }
}
