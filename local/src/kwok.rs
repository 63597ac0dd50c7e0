//! [kwok](https://kwok.sigs.k8s.io), which plays the controllers that an API server for tests has not: it gives objects the status that
//! their stages say.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use tokio::task;

use crate::{
    api_server::ApiServer,
    binaries,
    cache::Cache,
    command,
    error::{Error, Result},
};

/// kwok beside an API server. It ends when this is dropped.
#[derive(Debug)]
pub struct Kwok {
    child: Child,
    log: PathBuf,
}

impl Drop for Kwok {
    fn drop(&mut self) {
        // Either may fail only if the process has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Kwok {
    /// Begins to play these stages (YAML documents of kind `Stage`). The first call on a machine builds kwok, which takes minutes.
    pub async fn start(server: &ApiServer, stages: &str) -> Result<Self> {
        let kwok = task::spawn_blocking(|| binaries::kwok(&Cache::open()?)).await.unwrap_or_else(|error| {
            // A task that panicked panics here too.
            std::panic::resume_unwind(error.into_panic())
        })?;
        let kubeconfig = server.kubeconfig_path();
        let folder = kubeconfig.with_file_name("kwok");
        fs::create_dir_all(&folder).map_err(Error::file("make", &folder))?;
        let (config, log) = (folder.join("stages.yaml"), folder.join("kwok.log"));
        fs::write(&config, stages).map_err(Error::file("write", &config))?;
        let file = File::create(&log).map_err(Error::file("make", &log))?;
        let same_file = file.try_clone().map_err(Error::file("open", &log))?;
        let mut command = Command::new(&kwok);
        command
            .arg("--kubeconfig")
            .arg(&kubeconfig)
            .arg("--config")
            .arg(&config)
            // It has no nodes to play, but wants to be told which.
            .arg("--manage-all-nodes=true")
            .arg("--v=WARN")
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(same_file);
        let child = command
            .spawn()
            .map_err(|source| Error::CommandNotStarted { command: kwok.display().to_string(), source })?;
        Ok(Self { child, log })
    }

    /// The end of its log, for whoever wants to know why.
    pub fn log(&self) -> String {
        command::tail_of(&self.log)
    }
}
