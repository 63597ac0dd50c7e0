//! `make alerts`: makes each alert of the sample shop fire by the fault that docs/src/provoking-alerts.md has for it, and go again.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use shopkeeper_e2e::load::{self, Load, Shelf};
use shopkeeper_e2e::on_call::{OnCall, OnCallError, Section, sections};
use tokio_util::sync::CancellationToken;

/// Breaks the sample shop of `make up` in all the ways that an alert is for, and mends it.
#[derive(Parser)]
struct Args {
    /// Where the shop's gateway answers
    #[arg(long, env = "SHOP_URL", default_value = "http://localhost:8080")]
    shop_url: String,
    /// The page with the faults
    #[arg(long, default_value = "docs/src/provoking-alerts.md")]
    guide: PathBuf,
    /// Only the faults of these alerts
    alerts: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let wanted =
        |section: &Section| args.alerts.is_empty() || section.alerts.iter().any(|alert| args.alerts.contains(alert));
    let page = match std::fs::read_to_string(&args.guide) {
        Ok(page) => page,
        Err(error) => {
            eprintln!("{} can't be read: {error}", args.guide.display());
            return ExitCode::FAILURE;
        }
    };
    let faults: Vec<_> = sections(&page).into_iter().filter(wanted).collect();
    if faults.is_empty() {
        let (page, names) = (args.guide.display(), args.alerts.join(", "));
        eprintln!("{page} has no fault for {names}: write the names as its headings do");
        return ExitCode::FAILURE;
    }
    match run(&args.shop_url, &faults).await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(missed) => {
            eprintln!("{missed} of {} faults did not raise their alerts, or these did not go", faults.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// How many faults did not do what the page says. The shop's alerts go to where they went, however it ends.
async fn run(url: &str, faults: &[Section]) -> Result<usize, Box<dyn Error>> {
    let shelf = Shelf::fill(&mut load::administrator(url).await?, &[1_000_000, 1_000_000, 1_000_000]).await?;
    let outcome = on_duty(url, faults, &shelf).await;
    // Another login, as the first one is over after a quarter of an hour.
    shelf.clear(&mut load::administrator(url).await?).await?;
    outcome
}

async fn on_duty(url: &str, faults: &[Section], shelf: &Shelf) -> Result<usize, Box<dyn Error>> {
    let on_call = OnCall::begin(url, interruption()).await?;
    let outcome = provoke_all(url, faults, &on_call, shelf).await;
    on_call.end().await?;
    outcome
}

/// Whoever types Ctrl-C gets a whole shop back.
fn interruption() -> CancellationToken {
    let token = CancellationToken::new();
    let interrupted = token.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            eprintln!("interrupted: what is broken is mended first");
            interrupted.cancel();
        }
    });
    token
}

async fn provoke_all(url: &str, faults: &[Section], on_call: &OnCall, shelf: &Shelf) -> Result<usize, Box<dyn Error>> {
    let mut missed = 0;
    println!("| alerts | told after, s | over after, s |\n| --- | ---: | ---: |");
    for fault in faults {
        // New customers for each: those of before may have lost what they were at.
        let load = Load::start(load::crowd(url, 4).await?, shelf);
        let outcome = on_call.provoke(fault).await;
        load.stop().await?;
        match outcome {
            Ok(seen) => println!(
                "| {} | {:.0} | {:.0} |",
                fault.title(),
                seen.told_after.as_secs_f64(),
                seen.over_after.as_secs_f64()
            ),
            Err(OnCallError::Interrupted) => return Err("interrupted; the shop is as it was".into()),
            Err(error) => {
                missed += 1;
                println!("| {} | missed | |", fault.title());
                eprintln!("{}: {error}", fault.title());
            }
        }
    }
    Ok(missed)
}
