//! What the README and the book tell people to type exists.
#![expect(clippy::expect_used, reason = "a failed expectation is how a test fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn pages() -> Vec<PathBuf> {
    let book = fs::read_dir(root().join("docs/src")).expect("the book is there");
    let chapters = book.map(|entry| entry.expect("a readable folder").path());
    chapters
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .chain([root().join("README.md")])
        .collect()
}

/// The lines of all `console` blocks of a page.
fn commands(text: &str) -> Vec<&str> {
    let blocks = text.split("```console\n").skip(1);
    blocks
        .filter_map(|rest| rest.split("```").next())
        .flat_map(str::lines)
        .filter(|line| !line.trim().is_empty())
        .collect()
}

#[test]
fn every_make_target_that_is_shown_exists() {
    let makefile = fs::read_to_string(root().join("Makefile")).expect("the Makefile is there");
    let targets: BTreeSet<&str> =
        makefile.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name).collect();
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a readable page");
        for command in commands(&text) {
            let words: Vec<&str> =
                command.split(|character: char| !character.is_ascii_alphanumeric() && character != '-').collect();
            for pair in words.windows(2).filter(|pair| pair[0] == "make" && !pair[1].starts_with('-')) {
                assert!(targets.contains(pair[1]), "{}: there is no target {:?}", page.display(), pair[1]);
            }
        }
    }
}

#[test]
fn every_chapter_is_in_the_summary_and_the_other_way_round() {
    let summary = fs::read_to_string(root().join("docs/src/SUMMARY.md")).expect("the summary is there");
    let linked: BTreeSet<&str> = summary.split('(').skip(1).filter_map(|rest| rest.split(')').next()).collect();
    let chapters: Vec<String> = pages()
        .iter()
        .filter_map(|page| page.file_name()?.to_str().map(str::to_owned))
        .filter(|name| name != "SUMMARY.md" && name != "README.md")
        .collect();
    assert_eq!(linked, chapters.iter().map(String::as_str).collect::<BTreeSet<_>>());
}
