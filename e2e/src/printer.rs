//! Prints a walk through the shop, call by call.
#![expect(clippy::print_stdout, reason = "it is what is asked for")]

use reqwest::Method;

use crate::shop::{Answer, Narrator};

/// How much of an answer is shown.
const SHOWN: usize = 300;

/// Prints the walk; polling the same address again is shown once.
#[derive(Debug, Default)]
pub struct Printer {
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
        if self.last == this && *method == Method::GET && answer.cache_status.is_none() {
            return;
        }
        self.last = this;
        println!("   {method} {path}{}", sent.map(|body| format!("   {body}")).unwrap_or_default());
        let text: String = answer.text.chars().take(SHOWN).collect();
        let more = if text.len() < answer.text.len() { " …" } else { "" };
        let milliseconds = answer.took.as_secs_f64() * 1e3;
        let cache =
            answer.cache_status.as_deref().map(|status| format!("   Cache-Status: {status}")).unwrap_or_default();
        println!("   -> {} in {milliseconds:.1} ms{cache}   {text}{more}", answer.status.as_u16());
    }

    fn note(&mut self, text: &str) {
        println!("   {text}");
    }
}

/// An error with its causes, in one line.
pub fn describe(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
