//! What the README and the book tell people to type does what they say.

use std::process::Command;
use std::time::Duration;
use std::{fs, path::Path};

use crate::kubernetes::{DEMO, SHOP, client, eventually, ready, shop_url};

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn every_look_that_the_readme_and_the_book_show_can_be_typed_as_it_stands() {
    let client = client().await;
    ready(&client, SHOP, DEMO, Duration::from_secs(120)).await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    // Not the runbooks, whose commands are for a shop in which something is wrong.
    let chapters = fs::read_dir(root.join("docs/src")).expect("the book is there").flatten().map(|entry| entry.path());
    let chapters = chapters.filter(|path| path.is_file());
    let mut pages: Vec<_> = chapters.chain([root.join("README.md")]).collect();
    pages.sort();
    let mut shown = Vec::new();
    for page in pages {
        let text = fs::read_to_string(page).expect("a readable page");
        let blocks = text.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
        let lines =
            blocks.flat_map(str::lines).filter(|line| line.starts_with("kubectl ") || line.starts_with("curl "));
        shown.extend(lines.map(str::to_owned));
    }
    assert!(shown.len() >= 8, "the pages show how to look around: {shown:?}");
    for line in shown {
        // A refusal is a failure here, and the shop may be on another port.
        let typed =
            line.replace("curl ", "curl --fail --silent --show-error ").replace("http://localhost:8080", &shop_url());
        // What was deleted is back within about a second, so a look may come too early.
        eventually(&line, Duration::from_secs(20), || async {
            let shell = Command::new("sh").args(["-c", &typed]).current_dir(&root).output();
            shell.expect("a shell can be started").status.success().then_some(())
        })
        .await;
    }
    ready(&client, SHOP, DEMO, Duration::from_secs(120)).await;
}
