//! Takes in the scripts of the load test: all `.py` files of the folder `load`, without those in folders of it.

use std::{env, fmt::Write as _, fs, io, path::Path};

fn main() -> io::Result<()> {
    let variable = |name: &str| env::var(name).map_err(io::Error::other);
    let folder = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../../load");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut paths = fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "py"));
    paths.sort();
    let mut scripts = format!("const LOAD_SCRIPTS: [(&str, &str); {}] = [\n", paths.len());
    for path in &paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let _ = writeln!(scripts, "    ({name:?}, include_str!({:?})),", path.display().to_string());
    }
    scripts.push_str("];\n");
    fs::write(Path::new(&variable("OUT_DIR")?).join("load_scripts.rs"), scripts)
}
