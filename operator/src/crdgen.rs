//! Prints the `CustomResourceDefinition` of `Store`, or with `--write` puts it and the reference of its fields where the repository keeps them.

use std::path::Path;

use shopkeeper_operator::{
    crd::{PLACES, yaml},
    reference,
};

fn main() -> anyhow::Result<()> {
    let yaml = yaml()?;
    if std::env::args().any(|argument| argument == "--write") {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for place in PLACES {
            std::fs::write(repository.join(place), &yaml)?;
        }
        std::fs::write(repository.join(reference::PLACE), reference::page()?)?;
    } else {
        print!("{yaml}");
    }
    Ok(())
}
