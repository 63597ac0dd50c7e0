//! `make profiles`: flame graphs of the services, each while the shop is asked for one thing only.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use shopkeeper_e2e::printer::describe;
use shopkeeper_e2e::profiles::operation::Operation;
use shopkeeper_e2e::profiles::{self, Look, ProfilesError};

/// Takes flame graphs of the services under load, and writes them into a folder.
#[derive(Parser)]
struct Args {
    /// Where the shop is.
    #[arg(long, env = "SHOP_URL", default_value = "http://localhost:8080")]
    url: String,
    /// The folder that the flame graphs go into.
    #[arg(long, default_value = "docs/profiles")]
    into: PathBuf,
    /// How long each takes, in seconds.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=15))]
    seconds: u32,
    /// Samples in each second of CPU time.
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u32).range(1..=250))]
    frequency: u32,
    /// What the shop is asked for: all four, if none is named.
    operations: Vec<Operation>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", describe(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<(), ProfilesError> {
    let operations = if args.operations.is_empty() { &Operation::ALL[..] } else { &args.operations };
    let look = Look { seconds: args.seconds, frequency: args.frequency };
    let graphs = profiles::take(&args.url, operations, look).await?;
    profiles::write(&args.into, &graphs, look, "make profiles")?;
    for graph in &graphs {
        let (file, tally) = (args.into.join(graph.file()), &graph.tally);
        println!("{}: {} times, {} not", file.display(), tally.answers, tally.refused);
    }
    Ok(())
}
