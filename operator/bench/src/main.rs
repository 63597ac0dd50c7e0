#![doc = include_str!("../README.md")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

mod book;
mod cluster;
mod counters;
mod figures;
mod handover;
mod measure;
mod operator;
mod proc;
mod repair;
mod report;
mod watched;

use std::path::PathBuf;

use clap::Parser;

/// Measures what the operator costs and how fast it is, with many Stores
#[derive(Debug, Parser)]
#[command(name = "operator-bench")]
struct Cli {
    /// How many Stores there are, one size after the other
    #[arg(long, value_delimiter = ',', default_value = "1,10,100,1000")]
    stores: Vec<usize>,

    /// How long nothing is done but to count writes, with the most Stores
    #[arg(long, default_value_t = 10)]
    quiet_minutes: u64,

    /// How many changes of a spec are timed at each size, one after the other
    #[arg(long, default_value_t = 200)]
    changes: usize,

    /// How many reconciles CPU time is measured over
    #[arg(long, default_value_t = 1_000)]
    reconciles: usize,

    /// How many times each kind of child is deleted, and how many times the operator is stopped
    #[arg(long, default_value_t = 5)]
    repeats: usize,

    /// A page of the book that gets the figures too, between its two marks
    #[arg(long)]
    page: Option<PathBuf>,
}

#[tokio::main]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "it is what was asked for")]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if cfg!(debug_assertions) {
        eprintln!(
            "These are figures of a debug build, which is several times slower: make bench-operator builds for release."
        );
    }
    let figures = measure::run(&cli).await?;
    let text = report::text(&figures);
    println!("{text}");
    if let Some(page) = &cli.page {
        book::write(page, &text)?;
    }
    Ok(())
}
