//! Prints the `CustomResourceDefinition` of `Store`, or with `--write` puts it where the repository keeps it.

use std::path::Path;

use shopkeeper_operator::crd::{PLACES, yaml};

fn main() -> anyhow::Result<()> {
    let yaml = yaml()?;
    if std::env::args().any(|argument| argument == "--write") {
        for place in PLACES {
            std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(place), &yaml)?;
        }
    } else {
        print!("{yaml}");
    }
    Ok(())
}
