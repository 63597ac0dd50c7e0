//! `kubectl shopkeeper` where kubectl finds it: on the PATH, and there in a folder with nothing else, as our other programs have common names.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

const NAME: &str = "kubectl-shopkeeper";

/// A folder for a PATH that leads to the plugin among our programs, if it is built.
pub(crate) fn path_entry(programs: &Path) -> Result<Option<PathBuf>> {
    if !programs.join(NAME).is_file() {
        return Ok(None);
    }
    let folder = programs.join("kubectl-plugins");
    fs::create_dir_all(&folder).map_err(Error::file("make", &folder))?;
    let link = folder.join(NAME);
    match symlink(Path::new("..").join(NAME), &link) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(Error::file("link", &link)(error)),
        _ => Ok(Some(folder)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plugin_is_alone_in_its_folder_and_another_build_of_it_is_the_one_that_is_found() {
        let programs = tempfile::tempdir().unwrap();
        assert_eq!(path_entry(programs.path()).unwrap(), None, "it is not built");
        fs::write(programs.path().join("cart"), "another program").unwrap();
        fs::write(programs.path().join(NAME), "one").unwrap();
        let folder = path_entry(programs.path()).unwrap().unwrap();
        assert_eq!(path_entry(programs.path()).unwrap().as_deref(), Some(folder.as_path()));
        fs::write(programs.path().join(NAME), "two").unwrap();
        assert_eq!(fs::read_to_string(folder.join(NAME)).unwrap(), "two");
        assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
    }
}
