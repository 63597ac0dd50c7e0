//! Where the cluster keeps what it has. There is one cluster on a machine, whoever asks for it, so the places are fixed.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

/// The cluster's folders.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    state: PathBuf,
    run: PathBuf,
}

impl Layout {
    /// The cluster's places on this machine.
    pub(crate) fn machine() -> Self {
        Self { state: "/var/lib/shopkeeper".into(), run: "/run/shopkeeper".into() }
    }

    /// What survives the cluster's processes: etcd's data, volumes, images, logs.
    pub(crate) fn state(&self) -> &Path {
        &self.state
    }

    /// What does not: sockets, process ids, containers' state.
    pub(crate) fn run(&self) -> &Path {
        &self.run
    }

    pub(crate) fn certificates(&self) -> PathBuf {
        self.state.join("certificates")
    }

    pub(crate) fn kubeconfig(&self, user: &str) -> PathBuf {
        self.state.join("kubeconfig").join(user)
    }

    pub(crate) fn configuration(&self, name: &str) -> PathBuf {
        self.state.join("configuration").join(name)
    }

    pub(crate) fn cni_configuration(&self) -> PathBuf {
        self.state.join("cni")
    }

    pub(crate) fn etcd(&self) -> PathBuf {
        self.state.join("etcd")
    }

    pub(crate) fn kubelet(&self) -> PathBuf {
        self.state.join("kubelet")
    }

    pub(crate) fn pod_logs(&self) -> PathBuf {
        self.state.join("pod-logs")
    }

    pub(crate) fn volumes(&self) -> PathBuf {
        self.state.join("volumes")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.state.join("logs")
    }

    pub(crate) fn containerd(&self) -> PathBuf {
        self.state.join("containerd")
    }

    pub(crate) fn containerd_state(&self) -> PathBuf {
        self.run.join("containerd")
    }

    pub(crate) fn runc_state(&self) -> PathBuf {
        self.run.join("runc")
    }

    pub(crate) fn containerd_socket(&self) -> PathBuf {
        self.run.join("containerd.sock")
    }

    pub(crate) fn etcd_socket(&self) -> PathBuf {
        self.run.join("etcd.sock")
    }

    pub(crate) fn process_ids(&self) -> PathBuf {
        self.run.join("processes")
    }

    pub(crate) fn address_leases(&self) -> PathBuf {
        self.run.join("addresses")
    }

    /// Makes the folders.
    pub(crate) fn make(&self) -> Result<()> {
        let folders = [
            self.certificates(),
            self.state.join("kubeconfig"),
            self.state.join("configuration"),
            self.cni_configuration(),
            self.etcd(),
            self.kubelet(),
            self.pod_logs(),
            self.volumes(),
            self.logs(),
            self.containerd(),
            self.process_ids(),
        ];
        for folder in folders {
            fs::create_dir_all(&folder).map_err(Error::file("make", &folder))?;
        }
        Ok(())
    }

    /// Whether there is anything of a cluster, running or not.
    pub(crate) fn exists(&self) -> bool {
        self.state.exists() || self.run.exists()
    }
}

/// Writes a file that others may not read when `secret`. It appears whole, and one that has this content is left alone: containerd reads
/// its folder anew at every change, even of a file that is half written.
pub(crate) fn write(path: &Path, content: &str, secret: bool) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|there| there == content) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    let failed = || Error::file("write", path);
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder).map_err(failed())?;
    file.write_all(content.as_bytes()).map_err(failed())?;
    let mode = if secret { 0o600 } else { 0o644 };
    file.as_file().set_permissions(fs::Permissions::from_mode(mode)).map_err(failed())?;
    file.persist(path).map_err(|error| failed()(error.error)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_has_the_content_is_left_alone_and_a_secret_one_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, "one", true).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        write(&path, "one", true).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), metadata.modified().unwrap());
        write(&path, "two", true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
