//! What people are told about the operator is complete.

use std::{collections::BTreeSet, path::Path};

use shopkeeper_operator::error::Error;
use strum::VariantNames;

const PAGE: &str = include_str!("../../docs/src/operator.md");

#[expect(clippy::expect_used, reason = "tests")]
fn sources(folder: &Path, found: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs") {
            let source = std::fs::read_to_string(&path).expect("a file");
            // What tests make up is no reason.
            found.push_str(source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default());
        }
    }
}

/// The texts that follow directly after one of these beginnings, spaces left out.
fn texts_after(source: &str, beginning: &str) -> BTreeSet<String> {
    let after = |rest: &str| Some(rest.trim_start().strip_prefix('"')?.split('"').next()?.to_owned());
    source.split(beginning).skip(1).filter_map(after).collect()
}

/// Every reason that a condition or an event can have, taken from the code.
fn reasons() -> BTreeSet<String> {
    let mut source = String::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut source);
    let mut all: BTreeSet<String> = Error::VARIANTS.iter().map(|name| (*name).to_owned()).collect();
    for beginning in
        ["Verdict::yes(", "Verdict::no(", "Verdict::unknown(", "reason:", "\"reason\":", "const REJECTED: &str ="]
    {
        all.extend(texts_after(&source, beginning));
    }
    // Errors that have another reason than their name.
    let error = include_str!("../src/error.rs").split("pub fn reason(").nth(1).unwrap_or_default();
    all.extend(texts_after(error.split("pub fn ").next().unwrap_or_default(), "=>"));
    all
}

#[test]
fn every_reason_of_a_condition_or_an_event_is_in_the_page_about_the_operator() {
    let all = reasons();
    for known in [
        "InvalidSpec",
        "RolloutStuck",
        "DriftCorrected",
        "PausedByAnnotation",
        "Rejected",
        "SecretMissing",
        "QuotaExceeded",
    ] {
        assert!(all.contains(known), "{known} was not found in the code: {all:?}");
    }
    let missing: Vec<_> = all.iter().filter(|reason| !PAGE.contains(&format!("`{reason}`"))).collect();
    assert!(missing.is_empty(), "docs/src/operator.md does not say what these mean and what to do: {missing:?}");
}
