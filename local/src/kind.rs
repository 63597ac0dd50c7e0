//! The cluster where a Docker engine answers: kind does the work.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    addons,
    binaries::{self, Binaries},
    cache::Cache,
    command,
    error::{Error, Result},
    images::{self, METRICS_SERVER, OurPrograms, Reference},
    progress::{self, timed},
    values::{self, Operands},
};

/// As in kind-config.yaml.
const NAME: &str = "shopkeeper";
const CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../kind-config.yaml");
pub(crate) const CONTAINERFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../Containerfile");

/// Whether a Docker engine answers.
pub(crate) fn engine_answers() -> bool {
    command::on_path("docker") && command::succeeds(Command::new("docker").arg("info"))
}

/// A cluster made by kind.
#[derive(Debug)]
pub(crate) struct Kind {
    binaries: Binaries,
    program: PathBuf,
    folder: PathBuf,
}

impl Kind {
    pub(crate) fn new(cache: &Cache) -> Result<Self> {
        let folder = state_folder()?;
        fs::create_dir_all(&folder).map_err(Error::file("make", &folder))?;
        Ok(Self { program: binaries::kind(cache)?, binaries: Binaries::get(cache)?, folder })
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    pub(crate) fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    pub(crate) fn up(&self, port: u16) -> Result<()> {
        if self.exists()? {
            self.kind(["export", "kubeconfig"])?;
        } else {
            let text = fs::read_to_string(CONFIGURATION).map_err(Error::file("read", CONFIGURATION))?;
            let configuration = self.folder.join("kind-config.yaml");
            fs::write(&configuration, configuration_for(&text, port)).map_err(Error::file("write", &configuration))?;
            timed("cluster of kind", || {
                command::run(
                    self.kind_command(["create", "cluster"]).arg("--wait=180s").arg("--config").arg(&configuration),
                )
            })?;
        }
        timed("metrics-server", || {
            let reference = Reference::local(METRICS_SERVER);
            self.build_and_load(&[(reference, self.binaries.metrics_server())])?;
            addons::apply(self.binaries.kubectl(&self.kubeconfig()), &addons::metrics_server())
        })
    }

    pub(crate) fn down(&self) -> Result<()> {
        timed("cluster of kind removed", || self.kind(["delete", "cluster"]))?;
        fs::remove_dir_all(&self.folder).map_err(Error::file("remove", &self.folder))
    }

    pub(crate) fn exists(&self) -> Result<bool> {
        let listed = command::run(Command::new(&self.program).args(["get", "clusters"]))?;
        Ok(listed.lines().any(|line| line == NAME))
    }

    /// Builds the images of our programs with the Containerfile and loads them; returns their tag and the file of Helm values.
    pub(crate) fn images(&self) -> Result<(String, PathBuf)> {
        let ours = OurPrograms::find()?;
        let programs: Vec<_> = ours.references().map(|(reference, program)| (reference, program.to_owned())).collect();
        timed(format!("images of our programs ({})", ours.tag), || self.build_and_load(&programs))?;
        let file = self.folder.join("values.json");
        values::write_to(&file, Operands::Upstream)?;
        Ok((ours.tag, file))
    }

    /// Loads an archive, or an image that the Docker engine has.
    pub(crate) fn load(&self, image: &str) -> Result<()> {
        let what = if Path::new(image).exists() { "image-archive" } else { "docker-image" };
        command::run(Command::new(&self.program).args(["load", what, image, "--name", NAME])).map(drop)
    }

    fn build_and_load(&self, programs: &[(Reference, PathBuf)]) -> Result<()> {
        let context = tempfile::tempdir().map_err(Error::file("make a folder in", env::temp_dir()))?;
        for (reference, program) in programs {
            let program = images::stripped(program, context.path())?;
            let copy = context.path().join("app");
            fs::copy(&program, &copy).map_err(Error::file("copy", program))?;
            let reference = reference.to_string();
            let build = ["build", "--file", CONTAINERFILE, "--build-arg", "BIN=app", "--tag", &reference];
            command::run(Command::new("docker").args(build).arg(context.path()))?;
            self.load(&reference)?;
        }
        Ok(())
    }

    fn kind<const N: usize>(&self, arguments: [&str; N]) -> Result<()> {
        command::run(&mut self.kind_command(arguments)).map(drop)
    }

    fn kind_command<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).args(["--name", NAME]).arg("--kubeconfig").arg(self.kubeconfig());
        command
    }
}

/// A stand-in for Docker that knows just enough for kind to read its configuration, and refuses the first thing that needs an engine.
const STAND_IN: &str = r#"#!/bin/sh
case "$1" in
  -v) echo "Docker version 28.0.0, build stand-in" ;;
  info) echo "{}" ;;
  ps) ;;
  *) echo "this is not Docker" >&2; exit 1 ;;
esac
"#;

/// Has kind itself load and check a configuration, without a Docker engine.
pub(crate) fn check_configuration(kind: &Path, configuration: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().map_err(Error::file("make a folder in", env::temp_dir()))?;
    let docker = folder.path().join("docker");
    fs::write(&docker, STAND_IN).map_err(Error::file("write", &docker))?;
    fs::set_permissions(&docker, fs::Permissions::from_mode(0o755)).map_err(Error::file("set the mode of", &docker))?;
    let path = env::join_paths([folder.path().to_owned(), "/usr/bin".into(), "/bin".into()]).unwrap_or_default();
    let result = command::run(
        Command::new(kind)
            .args(["create", "cluster", "--name", "shopkeeper-check", "--config"])
            .arg(configuration)
            .arg("--kubeconfig")
            .arg(folder.path().join("kubeconfig"))
            .env("PATH", path)
            .env("KIND_EXPERIMENTAL_PROVIDER", "docker"),
    );
    match result {
        // It asked for the node's image, which is the first step after the configuration was found to be in order.
        Err(Error::CommandFailed { output, .. }) if output.contains("Ensuring node image") => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(Error::Refused(
            "kind made a cluster with what is not Docker; the check no longer checks anything".into(),
        )),
    }
}

/// The committed configuration.
pub(crate) fn configuration() -> &'static Path {
    Path::new(CONFIGURATION)
}

/// The configuration with another port for the shop.
fn configuration_for(text: &str, port: u16) -> String {
    text.replace("hostPort: 8080", &format!("hostPort: {port}"))
}

fn state_folder() -> Result<PathBuf> {
    let state = env::var_os("XDG_STATE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let state = state
        .or_else(home)
        .ok_or_else(|| Error::Preflight("neither XDG_STATE_HOME nor HOME is set: set one of them".into()))?;
    Ok(state.join("shopkeeper"))
}

/// Tells where the shop will be.
pub(crate) fn announce() {
    progress::note("a Docker engine answers: the cluster is made by kind");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_itself_reads_the_configuration_and_refuses_one_with_a_mistake() {
        let kind = binaries::kind(&Cache::open().unwrap()).unwrap();
        check_configuration(&kind, configuration()).unwrap();

        let folder = tempfile::tempdir().unwrap();
        let wrong = folder.path().join("wrong.yaml");
        let text = fs::read_to_string(CONFIGURATION).unwrap();
        fs::write(&wrong, text.replace("containerPort: 30080", "containerPort: 300800")).unwrap();
        let error = check_configuration(&kind, &wrong).unwrap_err().to_string();
        assert!(error.contains("invalid port number: 300800"), "{error}");
    }

    #[test]
    fn the_shops_port_is_put_into_the_configuration() {
        let text = fs::read_to_string(CONFIGURATION).unwrap();
        assert!(configuration_for(&text, 8123).contains("hostPort: 8123, listenAddress: 127.0.0.1"));
    }
}
