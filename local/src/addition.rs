//! What images get besides Debian's packages: packages of Python's and of Node's, all pinned with their hashes in `images/`, and files
//! of our own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    cache::KeyBuilder,
    command,
    error::{Error, Result},
    packages,
};

/// The Python of Debian 12.
const PYTHON: &str = "3.11";
/// Versions of the C library that compiled packages may ask for; Debian 12 has 2.36.
const C_LIBRARIES: [&str; 9] = ["2_34", "2_31", "2_28", "2_27", "2_26", "2_24", "2_17", "2_12", "2014"];

/// What is added to a root of Debian's packages.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Addition {
    Nothing,
    /// The packages of `requirements.txt`.
    Python,
    /// The packages of `package-lock.json`.
    Node,
}

/// Where the additions of an image are described. Below `root` are files that go into the image as they are.
fn description(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("images").join(name)
}

impl Addition {
    /// Adds what the addition is made from to a key.
    pub(crate) fn key(self, mut key: KeyBuilder, name: &str) -> Result<KeyBuilder> {
        if matches!(self, Self::Nothing) {
            return Ok(key);
        }
        let folder = description(name);
        for file in files(&folder)? {
            key = key.file(&folder, &file)?;
        }
        Ok(key)
    }

    /// Puts it into an unpacked root.
    pub(crate) fn put_into(self, root: &Path, name: &str) -> Result<()> {
        let folder = description(name);
        match self {
            Self::Nothing => return Ok(()),
            Self::Python => install_python(root, &folder.join("requirements.txt"))?,
            Self::Node => install_node(root, name)?,
        }
        overlay(root, &folder.join("root"))?;
        if matches!(self, Self::Python) { compile_python(root) } else { Ok(()) }
    }
}

/// Copies our own files into the root.
fn overlay(root: &Path, own: &Path) -> Result<()> {
    for file in files(own)? {
        let place = root.join(file.strip_prefix(own).unwrap_or(&file));
        let folder = place.parent().unwrap_or(root);
        fs::create_dir_all(folder).map_err(Error::file("make", folder))?;
        fs::copy(&file, &place).map_err(Error::file("copy", &file))?;
    }
    Ok(())
}

/// All files below a folder, in an order that is always the same; none when there is no such folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder).map_err(Error::file("read", folder))? {
            let path = entry.map_err(Error::file("read", folder))?.path();
            if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

/// Has pip of this machine, whichever Python it is of, choose and unpack what the Python of the image can use.
fn install_python(root: &Path, requirements: &Path) -> Result<()> {
    if !command::succeeds(Command::new("python3").args(["-m", "pip", "--version"])) {
        packages::install(&["python3-pip"])?;
    }
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore"])
        .args(["--no-compile", "--no-deps", "--require-hashes", "--requirement"])
        .arg(requirements)
        .arg("--target")
        .arg(site(root))
        .args(["--python-version", PYTHON, "--implementation", "cp"])
        .args(["--abi", "cp311", "--abi", "abi3", "--abi", "none"]);
    for version in C_LIBRARIES {
        // The newest names say the version after an underscore, the older ones a year.
        let separator = if version.contains('_') { "_" } else { "" };
        pip.args(["--platform", &format!("manylinux{separator}{version}_{}", std::env::consts::ARCH)]);
    }
    command::run(&mut pip)?;
    // Programs of the packages, which name the Python of this machine.
    let programs = site(root).join("bin");
    if programs.exists() {
        fs::remove_dir_all(&programs).map_err(Error::file("remove", &programs))?;
    }
    remove_tests(&site(root))
}

/// Where Debian's Python looks for packages that are not Debian's.
fn site(root: &Path) -> PathBuf {
    root.join("usr/local/lib").join(format!("python{PYTHON}")).join("dist-packages")
}

fn remove_tests(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::file("read", folder))? {
        let path = entry.map_err(Error::file("read", folder))?.path();
        if !path.is_dir() || path.is_symlink() {
            continue;
        }
        if path.file_name().is_some_and(|name| name == "tests") {
            fs::remove_dir_all(&path).map_err(Error::file("remove", &path))?;
        } else {
            remove_tests(&path)?;
        }
    }
    Ok(())
}

/// Compiles all Python of the image with the image's own Python, since containers cannot keep what they compile. Files in images have no
/// times, so what is compiled must not be compared with the time of its source.
fn compile_python(root: &Path) -> Result<()> {
    let places = [format!("/usr/lib/python{PYTHON}"), format!("/usr/local/lib/python{PYTHON}")];
    command::run(
        Command::new("chroot")
            .arg(root)
            .args(["/usr/bin/python3", "-I", "-m", "compileall", "-qq", "--invalidation-mode", "unchecked-hash"])
            .args(places),
    )
    .map(drop)
}

/// Has npm of this machine unpack the packages, without running their scripts. The one that the image is of has a folder of its own, as in
/// the upstream image, and finds the others from there.
fn install_node(root: &Path, name: &str) -> Result<()> {
    let description = description(name);
    for file in ["package.json", "package-lock.json"] {
        fs::copy(description.join(file), root.join(file)).map_err(Error::file("copy", description.join(file)))?;
    }
    command::run(
        Command::new("npm")
            .args(["ci", "--omit=dev", "--ignore-scripts", "--no-bin-links", "--no-audit", "--no-fund"])
            .args(["--loglevel=error", "--prefix"])
            .arg(root),
    )?;
    let unpacked = root.join("node_modules").join(name);
    fs::rename(&unpacked, root.join(name)).map_err(Error::file("put in place", &unpacked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_python_package_is_pinned_with_a_hash() {
        for name in ["locust", "pgadmin"] {
            let text = fs::read_to_string(description(name).join("requirements.txt")).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            for (number, line) in
                lines.iter().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with([' ', '#']))
            {
                assert!(line.contains("==") && line.ends_with('\\'), "{name}: {line}");
                assert!(lines[number + 1].trim_start().starts_with("--hash=sha256:"), "{name}: {line}");
            }
        }
    }

    #[test]
    fn every_node_package_is_pinned_with_a_hash_and_names_no_place_to_get_it_from() {
        let text = fs::read_to_string(description("redis-commander").join("package-lock.json")).unwrap();
        let lock: serde_json::Value = serde_json::from_str(&text).unwrap();
        for (name, package) in lock["packages"].as_object().unwrap().iter().filter(|(name, _)| !name.is_empty()) {
            assert!(package["integrity"].as_str().is_some_and(|hash| hash.starts_with("sha512-")), "{name}");
            assert!(package["resolved"].is_null(), "{name}");
        }
    }
}
