//! `make demo`: the walk of a customer, each call shown with its answer.

use std::process::ExitCode;

use clap::Parser;
use shopkeeper_e2e::journey;
use shopkeeper_e2e::printer::{Printer, describe};
use shopkeeper_e2e::shop::Visitor;

/// Walks through the shop as a customer does, from registration to a delivered order.
#[derive(Parser)]
struct Args {
    /// Where the shop is.
    #[arg(long, env = "SHOP_URL", default_value = "http://localhost:8080")]
    url: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    println!("The shop is at {}", args.url);
    let walked = match Visitor::new(&args.url, Printer::default()) {
        Ok(mut visitor) => journey::walk(&mut visitor).await.map_err(|error| describe(&error)),
        Err(error) => Err(describe(&error)),
    };
    match walked {
        Ok(travelled) => {
            println!("\n{} has order {}: {}.", travelled.username, travelled.order_id, travelled.seen.join(" → "));
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("\nThe walk stopped: {message}");
            ExitCode::FAILURE
        }
    }
}
