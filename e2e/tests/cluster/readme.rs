//! The README's commands do what it says.

use std::process::Command;
use std::time::Duration;
use std::{fs, path::Path};

use crate::kubernetes::{DEMO, SHOP, client, eventually, ready};

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn the_readmes_look_behind_the_counter_can_be_typed_as_it_stands() {
    let client = client().await;
    ready(&client, SHOP, DEMO, Duration::from_secs(120)).await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = fs::read_to_string(root.join("README.md")).expect("the README is there");
    let lines = readme.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next()).flat_map(str::lines);
    let commands: Vec<&str> = lines.filter(|line| line.starts_with("kubectl ")).collect();
    assert!(commands.len() >= 4, "the README shows how to look around: {commands:?}");
    for command in commands {
        // What was deleted is back within about a second, so a look may come too early.
        eventually(command, Duration::from_secs(20), || async {
            let output =
                Command::new("sh").args(["-c", command]).current_dir(&root).output().expect("a shell can be started");
            output.status.success().then_some(())
        })
        .await;
    }
    ready(&client, SHOP, DEMO, Duration::from_secs(120)).await;
}
