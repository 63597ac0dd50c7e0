//! The Kubernetes binaries: built by Go from the module beside this crate, kept in the cache.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    cache::{Cache, Key, KeyBuilder},
    command,
    error::{Error, Result},
    progress,
};

/// The version that the Go module asks for. 1.34, since later kubelets refuse control groups of version 1 and containerd 1.x.
pub(crate) const KUBERNETES_VERSION: &str = "v1.34.4";
const KIND: &str = "sigs.k8s.io/kind@v0.33.0";
/// Plays controllers beside an API server for tests.
const KWOK: &str = "sigs.k8s.io/kwok/cmd/kwok@v0.7.0";
/// Built from a module of its own. It is Jaeger 2.0 in all but name; of later versions there are no Go modules that can be had.
const JAEGER: &str = "github.com/jaegertracing/jaeger/cmd/jaeger";
/// Built from the Go module.
const PACKAGES: [&str; 5] = [
    "./cmd/kube",
    "./cmd/pause",
    "github.com/coredns/coredns",
    "helm.sh/helm/v3/cmd/helm",
    // Not the newest, which wants newer Kubernetes libraries than the cluster's and so a build of its own, of two minutes.
    "sigs.k8s.io/metrics-server/cmd/metrics-server",
];

/// The built programs.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    components: PathBuf,
}

impl Binaries {
    /// Finds the programs in the cache, or builds them there: a few minutes, once.
    pub(crate) fn get(cache: &Cache) -> Result<Self> {
        let module = module();
        let key = module_key(&module, &PACKAGES, &link_flags())?;
        if !cache.path("kubernetes", &key).is_dir() {
            progress::note(format!("Kubernetes {KUBERNETES_VERSION} is built from source: several minutes, once"));
        }
        let components = cache.get_or_make("kubernetes", &key, |folder| {
            progress::timed("build of Kubernetes, CoreDNS, Helm and metrics-server", || {
                build_components(&module, folder)
            })
        })?;
        Ok(Self { components })
    }

    /// All components in one binary; its first argument says which.
    pub(crate) fn kube(&self) -> PathBuf {
        self.components.join("kube")
    }

    /// What every pod's first container runs.
    pub(crate) fn pause(&self) -> PathBuf {
        self.components.join("pause")
    }

    /// The cluster's name server.
    pub(crate) fn coredns(&self) -> PathBuf {
        self.components.join("coredns")
    }

    /// What `kubectl top` and autoscalers ask.
    pub(crate) fn metrics_server(&self) -> PathBuf {
        self.components.join("metrics-server")
    }

    /// The folder that holds `kubectl` and `helm`, and nothing else, for a PATH.
    pub(crate) fn path_entry(&self) -> PathBuf {
        self.components.join("bin")
    }

    /// A `kubectl` command for the cluster of the given kubeconfig.
    pub(crate) fn kubectl(&self, kubeconfig: &Path) -> Command {
        let mut command = Command::new(self.kube());
        command.arg("kubectl").arg("--kubeconfig").arg(kubeconfig);
        command
    }
}

/// kwok, found in the cache or built.
pub(crate) fn kwok(cache: &Cache) -> Result<PathBuf> {
    install(cache, "kwok", KWOK)
}

/// kind, found on the PATH or in the cache or built.
pub(crate) fn kind(cache: &Cache) -> Result<PathBuf> {
    if command::on_path("kind") { Ok(PathBuf::from("kind")) } else { install(cache, "kind", KIND) }
}

/// Jaeger, found in the cache or built.
pub(crate) fn jaeger(cache: &Cache) -> Result<PathBuf> {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("jaeger");
    let key = module_key(&module, &[JAEGER], STRIPPED)?;
    if !cache.path("jaeger", &key).is_dir() {
        progress::note("Jaeger is built from source: several minutes, once");
    }
    let folder = cache.get_or_make("jaeger", &key, |folder| {
        progress::timed("build of Jaeger", || build_packages(&module, &[JAEGER], STRIPPED, folder))
    })?;
    Ok(folder.join("jaeger"))
}

/// The Go module of the components.
fn module() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kube")
}

fn module_key(module: &Path, packages: &[&str], link_flags: &str) -> Result<Key> {
    let mut sources = Vec::new();
    collect_sources(module, &mut sources)?;
    sources.sort();
    let mut key = KeyBuilder::default().input("go", go_version()?).input("flags", link_flags);
    for package in packages {
        key = key.input("package", package);
    }
    for source in sources {
        key = key.file(module, &source)?;
    }
    Ok(key.finish())
}

fn collect_sources(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::file("read", folder))? {
        let path = entry.map_err(Error::file("read", folder))?.path();
        if path.is_dir() {
            collect_sources(&path, found)?;
        } else if is_source(&path) {
            found.push(path);
        }
    }
    Ok(())
}

/// Whether the file is part of what is built.
fn is_source(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    [".go", ".mod", ".sum"].iter().any(|ending| name.ends_with(ending)) && !name.ends_with("_test.go")
}

/// Runs the tests of what we wrote in Go.
pub(crate) fn test_components() -> Result<()> {
    command::run(go().current_dir(module()).args(["test", "-trimpath", "./storage"])).map(drop)
}

fn build_packages(module: &Path, packages: &[&str], link_flags: &str, folder: &Path) -> Result<()> {
    let output = format!("{}/", folder.display());
    command::run(
        go().current_dir(module).args(["build", "-trimpath", "-ldflags", link_flags, "-o", &output]).args(packages),
    )
    .map(drop)
}

fn build_components(module: &Path, folder: &Path) -> Result<()> {
    build_packages(module, &PACKAGES, &link_flags(), folder)?;
    let bin = folder.join("bin");
    fs::create_dir(&bin).map_err(Error::file("make", &bin))?;
    for (name, target) in [("kubectl", "../kube"), ("helm", "../helm")] {
        std::os::unix::fs::symlink(target, bin.join(name)).map_err(Error::file("link", bin.join(name)))?;
    }
    Ok(())
}

/// Flags of the linker that leave out what only a debugger reads.
const STRIPPED: &str = "-s -w";

/// Without its version the API server says v0.0.0, which clients refuse.
fn link_flags() -> String {
    let version = "k8s.io/component-base/version";
    format!("{STRIPPED} -X {version}.gitVersion={KUBERNETES_VERSION} -X {version}.gitMajor=1 -X {version}.gitMinor=34")
}

fn install(cache: &Cache, name: &str, package: &str) -> Result<PathBuf> {
    let key = KeyBuilder::default().input("go", go_version()?).input("package", package).finish();
    let folder = cache.get_or_make(name, &key, |folder| {
        progress::timed(format!("build of {name}"), || {
            command::run(go().args(["install", "-trimpath", "-ldflags", STRIPPED, package]).env("GOBIN", folder))?;
            Ok(())
        })
    })?;
    Ok(folder.join(name))
}

fn go_version() -> Result<String> {
    command::run(go().args(["env", "GOVERSION"]))
}

fn go() -> Command {
    let mut command = Command::new("go");
    // Static, so that the same binaries run in an empty image; and nothing of the caller's environment changes what is built.
    command.env("CGO_ENABLED", "0").env("GOFLAGS", "-buildvcs=false").env("GOWORK", "off");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_a_go_test_does_not_build_kubernetes_again() {
        assert!(is_source(Path::new("storage/storage.go")));
        assert!(is_source(Path::new("go.sum")));
        assert!(!is_source(Path::new("storage/storage_test.go")));
        assert!(!is_source(Path::new("README.md")));
    }
}
