#![doc = include_str!("../README.md")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

mod book;
mod cases;
mod client;
mod customers;
mod memory;
mod proc;
mod report;
mod server;
mod setup;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

shop_runtime::use_jemalloc!();

/// Measures what a request costs, by CPU time: the shop's most used routes, and the barest means side by side
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The server under test, started by the program itself
    #[command(hide = true)]
    Serve(server::ServeArgs),
}

/// How long to measure.
#[derive(Args, Clone, Debug)]
struct RunArgs {
    /// Rounds; in each of them every case has its turn
    #[arg(long, default_value_t = 7)]
    rounds: usize,

    /// How long a turn lasts, in milliseconds
    #[arg(long, default_value_t = 1_000)]
    turn_ms: u64,

    /// Connections that are kept busy
    #[arg(long, default_value_t = 32)]
    connections: usize,

    /// Only the cases whose names have this in them, and the bare ones
    #[arg(long)]
    only: Option<String>,

    /// A page of the book that gets the figures too, between its two marks
    #[arg(long)]
    page: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.command {
        Some(Command::Serve(args)) => server::serve(args).await,
        None => run(cli.run).await,
    }
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "it is what was asked for")]
async fn run(args: RunArgs) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        eprintln!("These are figures of a debug build, which is several times slower: make bench builds for release.");
    }
    let shop = setup::Shop::start().await?;
    let before = proc::load_average();
    let turn = Duration::from_millis(args.turn_ms);
    let only = args.only.as_deref().unwrap_or_default();
    let costs = cases::run(&shop, only, args.rounds, turn, args.connections).await?;
    println!("{costs}");
    let services = memory::services(&shop)?;
    println!("{services}");
    let stampedes = cases::stampedes(&shop, args.rounds).await?;
    let entry = memory::entry(&shop).await?;
    println!("{stampedes}\n{entry}");
    let how = format!(
        "{} rounds of {} ms for each case, {} connections, {} products; load average of the machine {before} before and {} after.\n",
        args.rounds,
        args.turn_ms,
        args.connections,
        server::PRODUCTS,
        proc::load_average()
    );
    println!("{how}");
    if let Some(page) = &args.page {
        book::write(page, &[&costs, &services, &stampedes, &entry, &how].map(String::as_str).join("\n"))?;
    }
    Ok(())
}
