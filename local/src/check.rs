//! Checks what this machine cannot run: kind's configuration, by kind; the Containerfile, by buildah.

use std::{env, fs, process::Command};

use crate::{
    binaries,
    cache::Cache,
    command,
    error::{Error, Result},
    kind, packages, preflight, progress,
};

/// Runs the checks, and the tests of the cluster's own part in Go.
pub(crate) fn run(cache: &Cache) -> Result<()> {
    progress::timed("tests of the volume provisioner", binaries::test_components)?;
    let program = binaries::kind(cache)?;
    progress::timed("kind loads kind-config.yaml", || kind::check_configuration(&program, kind::configuration()))?;
    if !command::on_path("buildah") {
        preflight::check_root()?;
        packages::install(&["buildah"])?;
    }
    progress::timed("buildah builds the Containerfile", || build_containerfile(cache))?;
    progress::note(
        "not checked here: that kind's cluster starts, and that docker builds the same (both need a Docker engine)",
    );
    Ok(())
}

/// Builds it around a static program that does nothing.
fn build_containerfile(cache: &Cache) -> Result<()> {
    let context = tempfile::tempdir().map_err(Error::file("make a folder in", env::temp_dir()))?;
    let program = binaries::Binaries::get(cache)?.pause();
    fs::copy(&program, context.path().join("app")).map_err(Error::file("copy", program))?;
    let store = context.path().join("store");
    let buildah = || {
        let mut command = Command::new("buildah");
        // Neither a driver nor an isolation that needs more than a plain machine gives, and nothing left behind.
        command
            .args(["--storage-driver", "vfs", "--root"])
            .arg(store.join("root"))
            .arg("--runroot")
            .arg(store.join("run"));
        command
    };
    let tag = "shopkeeper.local/check:1";
    command::run(
        buildah()
            .args([
                "build",
                "--isolation",
                "chroot",
                "--build-arg",
                "BIN=app",
                "--tag",
                tag,
                "--file",
                kind::CONTAINERFILE,
            ])
            .arg(context.path()),
    )?;
    let inspected = command::run(buildah().args(["inspect", "--type", "image", tag]))?;
    let image: serde_json::Value =
        serde_json::from_str(&inspected).map_err(|error| Error::file("read", "an image")(error.into()))?;
    let configuration = &image["OCIv1"]["config"];
    if configuration["User"] == "65532:65532" && configuration["Entrypoint"] == serde_json::json!(["/app"]) {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "the Containerfile's image does not start as the cluster's own does, but as {configuration}"
    )))
}
