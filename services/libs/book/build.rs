//! Makes the pages of the book, and the list of them that the library takes in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mdbook_driver::MDBook;
use sha2::{Digest as _, Sha256};

fn main() -> Result<()> {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs");
    for part in ["book.toml", "src"] {
        println!("cargo:rerun-if-changed={}", book.join(part).display());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").context("cargo says where to write")?);
    let pages = out.join("book");
    let mut book = MDBook::load(book)?;
    book.config.build.build_dir.clone_from(&pages);
    book.build()?;
    let list = list(&pages)?;
    fs::write(out.join("list.rs"), list).context("the list can't be written")
}

/// All files with their names, tags and bytes, in the order of their names, and the scripts that stand on pages.
fn list(pages: &Path) -> Result<String> {
    let mut names = BTreeMap::new();
    for path in files(pages)? {
        let name = path.strip_prefix(pages)?.to_str().context("a name that is no text")?;
        names.insert(name.to_owned(), path);
    }
    let (mut list, mut scripts) = ("&[\n".to_owned(), BTreeSet::new());
    for (name, path) in names {
        let bytes = fs::read(&path).with_context(|| format!("{} can't be read", path.display()))?;
        if path.extension().is_some_and(|kind| kind == "html") {
            scripts.extend(scripts_on(std::str::from_utf8(&bytes)?).map(|script| hash(script.as_bytes())));
        }
        let (tag, place) = (hash(&bytes), path.to_str().context("a path that is no text")?);
        writeln!(list, "    File {{ name: {name:?}, tag: {tag:?}, bytes: include_bytes!({place:?}) }},")?;
    }
    let scripts: Vec<String> = scripts.into_iter().map(|hash| format!("'sha256-{hash}'")).collect();
    Ok(format!("Book {{ scripts: {:?}, files: {list}] }}", scripts.join(" ")))
}

/// All files below a folder, without those that are for a host of pages.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{} can't be read", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.file_name().is_some_and(|name| name != ".nojekyll") {
            found.push(path);
        }
    }
    Ok(found)
}

/// The scripts between tags that name no file, as browsers hash them.
fn scripts_on(page: &str) -> impl Iterator<Item = &str> {
    page.split("<script>").skip(1).filter_map(|rest| rest.split("</script>").next())
}

fn hash(bytes: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(bytes))
}
