//! `kubectl shopkeeper` where kubectl finds it: on the PATH, and there in a folder with nothing else, as our other programs have common names.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Result},
    progress,
};

const NAME: &str = "kubectl-shopkeeper";

/// A folder for a PATH that leads to the plugin among our programs, if it is built. If that cannot be made it is told, which costs nobody kubectl.
pub(crate) fn path_entry(programs: &Path) -> Option<PathBuf> {
    if !programs.join(NAME).is_file() {
        return None;
    }
    let placed = place(programs);
    if let Err(error) = &placed {
        let why = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
        progress::note(format!("kubectl is without its plugin {NAME}: {error}{why}"));
    }
    placed.ok()
}

fn place(programs: &Path) -> Result<PathBuf> {
    let folder = programs.join("kubectl-plugins");
    fs::create_dir_all(&folder).map_err(Error::file("make", &folder))?;
    let link = folder.join(NAME);
    match symlink(Path::new("..").join(NAME), &link) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(Error::file("link", &link)(error)),
        _ => Ok(folder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plugin_is_alone_in_its_folder_and_another_build_of_it_is_the_one_that_is_found() {
        let programs = tempfile::tempdir().unwrap();
        assert_eq!(path_entry(programs.path()), None, "it is not built");
        fs::write(programs.path().join("cart"), "another program").unwrap();
        fs::write(programs.path().join(NAME), "one").unwrap();
        let folder = path_entry(programs.path()).unwrap();
        assert_eq!(path_entry(programs.path()).as_deref(), Some(folder.as_path()));
        fs::write(programs.path().join(NAME), "two").unwrap();
        assert_eq!(fs::read_to_string(folder.join(NAME)).unwrap(), "two");
        assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
    }

    #[test]
    fn a_plugin_that_cannot_be_placed_fails_nothing() {
        let programs = tempfile::tempdir().unwrap();
        fs::write(programs.path().join(NAME), "one").unwrap();
        fs::write(programs.path().join("kubectl-plugins"), "a file where the folder would be").unwrap();
        assert_eq!(path_entry(programs.path()), None);
    }
}
