//! `make demo`: the walk of a customer, each call shown with its answer.

use std::process::ExitCode;

use clap::Parser;
use reqwest::Method;
use shopkeeper_e2e::journey;
use shopkeeper_e2e::shop::{Answer, Narrator, Visitor};

/// Walks through the shop as a customer does, from registration to a delivered order.
#[derive(Parser)]
struct Args {
    /// Where the shop is.
    #[arg(long, env = "SHOP_URL", default_value = "http://localhost:8080")]
    url: String,
}

/// How much of an answer is shown.
const SHOWN: usize = 300;

/// Prints the walk; polling the same address again is shown once.
#[derive(Default)]
struct Printer {
    steps: usize,
    last: Option<(Method, String)>,
}

impl Narrator for Printer {
    fn step(&mut self, title: &str) {
        self.steps += 1;
        self.last = None;
        println!("\n{}. {title}", self.steps);
    }

    fn call(&mut self, method: &Method, path: &str, sent: Option<&str>, answer: &Answer) {
        let this = Some((method.clone(), path.to_owned()));
        if self.last == this && *method == Method::GET {
            return;
        }
        self.last = this;
        println!("   {method} {path}{}", sent.map(|body| format!("   {body}")).unwrap_or_default());
        let text: String = answer.text.chars().take(SHOWN).collect();
        let more = if text.len() < answer.text.len() { " …" } else { "" };
        let milliseconds = answer.took.as_secs_f64() * 1e3;
        println!("   -> {} in {milliseconds:.1} ms   {text}{more}", answer.status.as_u16());
    }

    fn note(&mut self, text: &str) {
        println!("   {text}");
    }
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

/// An error with its causes, in one line.
fn describe(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
