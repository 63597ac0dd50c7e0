//! The cache outside the checkout: whatever takes long to make, under a name that is a hash of what it was made from.

use std::{
    env, fs,
    fs::File,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};

/// A hash of all that an artefact is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key(String);

impl Key {
    /// The start of the hash, which is what names the artefact.
    pub(crate) fn short(&self) -> &str {
        &self.0[..16]
    }
}

/// Collects the inputs of an artefact.
#[derive(Debug, Default)]
pub(crate) struct KeyBuilder(Sha256);

impl KeyBuilder {
    /// Adds a named input. Lengths are hashed too, so that no two different lists of inputs look alike.
    #[must_use]
    pub(crate) fn input(mut self, name: &str, content: impl AsRef<[u8]>) -> Self {
        for part in [name.as_bytes(), content.as_ref()] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    /// Adds a file's content under its path relative to `root`.
    pub(crate) fn file(self, root: &Path, path: &Path) -> Result<Self> {
        let content = fs::read(path).map_err(Error::file("read", path))?;
        let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
        Ok(self.input(&name, content))
    }

    /// The hash of what was added.
    pub(crate) fn finish(self) -> Key {
        Key(hex::encode(self.0.finalize()))
    }
}

/// The cache's folder.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    root: PathBuf,
}

impl Cache {
    /// `$XDG_CACHE_HOME/shopkeeper` or `~/.cache/shopkeeper`.
    pub(crate) fn open() -> Result<Self> {
        let root = match (env::var_os("XDG_CACHE_HOME"), env::var_os("HOME")) {
            (Some(cache), _) if !cache.is_empty() => PathBuf::from(cache),
            (_, Some(home)) => PathBuf::from(home).join(".cache"),
            _ => return Err(Error::Preflight("neither XDG_CACHE_HOME nor HOME is set: set one of them".into())),
        };
        Self::at(root.join("shopkeeper"))
    }

    /// A cache in the given folder, which is made when it is absent.
    pub(crate) fn at(root: PathBuf) -> Result<Self> {
        fs::create_dir_all(&root).map_err(Error::file("make", &root))?;
        Ok(Self { root })
    }

    /// Where an artefact is or would be.
    pub(crate) fn path(&self, name: &str, key: &Key) -> PathBuf {
        self.root.join(format!("{name}-{}", key.short()))
    }

    /// The folder of an artefact, made by `make` in a folder beside it when it is absent. It appears whole or not at all, and of several
    /// processes that want it at once one makes it while the others wait.
    pub(crate) fn get_or_make(&self, name: &str, key: &Key, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let path = self.path(name, key);
        if path.is_dir() {
            return Ok(path);
        }
        let _lock = self.lock(name)?;
        if path.is_dir() {
            return Ok(path);
        }
        let unfinished = tempfile::Builder::new()
            .prefix(&format!(".{name}-"))
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir_in(&self.root)
            .map_err(Error::file("make a folder in", &self.root))?;
        make(unfinished.path())?;
        fs::rename(unfinished.path(), &path).map_err(Error::file("put in place", &path))?;
        // It is no longer under its temporary name, so there is nothing to remove.
        let _ = unfinished.keep();
        Ok(path)
    }

    fn lock(&self, name: &str) -> Result<Flock<File>> {
        let path = self.root.join(format!(".{name}.lock"));
        let file = File::create(&path).map_err(Error::file("make", &path))?;
        Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| Error::file("lock", &path)(errno.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_that_only_look_alike_when_joined_have_different_keys() {
        let one = KeyBuilder::default().input("ab", "c").finish();
        let other = KeyBuilder::default().input("a", "bc").finish();
        assert_ne!(one, other);
    }

    #[test]
    fn the_same_inputs_have_the_same_key() {
        let key = || KeyBuilder::default().input("go.mod", "module x").input("flags", "-trimpath").finish();
        assert_eq!(key(), key());
    }

    #[test]
    fn an_artefact_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().join("cache")).unwrap();
        let key = KeyBuilder::default().finish();
        let first =
            cache.get_or_make("thing", &key, |at| fs::write(at.join("it"), "1").map_err(Error::file("write", at)));
        let second = cache.get_or_make("thing", &key, |_| panic!("made twice"));
        assert_eq!(first.unwrap(), second.unwrap());
    }

    #[test]
    fn an_artefact_that_could_not_be_made_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().join("cache")).unwrap();
        let key = KeyBuilder::default().finish();
        cache.get_or_make("thing", &key, |_| Err(Error::Refused("no".into()))).unwrap_err();
        let left: Vec<_> = fs::read_dir(&cache.root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [".thing.lock"]);
    }
}
