//! Images, built without a runtime: one layer, a configuration and a manifest in an OCI archive. The same content gives the same digest,
//! whenever and wherever it is built.

use std::{
    collections::BTreeSet,
    fmt,
    fs::{self, File},
    io::{self, BufWriter, Read, Seek as _, Write},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

use crate::error::{Error, Result};

/// The digest of an image's manifest, by which a container runtime knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digest(String);

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "sha256:{}", self.0)
    }
}

impl Digest {
    fn of(content: &[u8]) -> Self {
        Self(hex::encode(Sha256::digest(content)))
    }

    fn blob(&self) -> String {
        format!("blobs/sha256/{}", self.0)
    }
}

/// How a container of the image is started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Start {
    pub(crate) entrypoint: Vec<String>,
    pub(crate) command: Vec<String>,
    pub(crate) environment: Vec<String>,
    pub(crate) user: String,
    /// Where it starts; the root when empty.
    pub(crate) folder: String,
}

/// Collects the one layer of an image. Everything in it belongs to root and was last changed at the epoch.
pub(crate) struct Layer {
    tar: tar::Builder<Hashing<BufWriter<File>>>,
    paths: BTreeSet<PathBuf>,
    file: File,
    place: PathBuf,
}

impl Layer {
    /// An empty layer, kept in a nameless file in the given folder.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(folder).map_err(Error::file("make a file in", folder))?;
        let writer = file.try_clone().map_err(Error::file("open a file in", folder))?;
        let tar = tar::Builder::new(Hashing { inner: BufWriter::new(writer), hash: Sha256::new() });
        Ok(Self { tar, paths: BTreeSet::new(), file, place: folder.to_owned() })
    }

    pub(crate) fn contains(&self, path: &str) -> bool {
        self.paths.contains(Path::new(path))
    }

    pub(crate) fn folder(&mut self, path: &str, mode: u32) -> Result<()> {
        self.add(path, EntryType::Directory, mode, None, io::empty(), 0)
    }

    pub(crate) fn link(&mut self, path: &str, target: &Path) -> Result<()> {
        self.add(path, EntryType::Symlink, 0o777, Some(target), io::empty(), 0)
    }

    pub(crate) fn file(&mut self, path: &str, mode: u32, content: impl Read, size: u64) -> Result<()> {
        self.add(path, EntryType::Regular, mode, None, content, size)
    }

    fn add(
        &mut self,
        path: &str,
        kind: EntryType,
        mode: u32,
        target: Option<&Path>,
        content: impl Read,
        size: u64,
    ) -> Result<()> {
        if !self.paths.insert(PathBuf::from(path)) {
            return Ok(());
        }
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(size);
        let added = match target {
            Some(target) => self.tar.append_link(&mut header, path, target),
            None => self.tar.append_data(&mut header, path, content),
        };
        added.map_err(Error::file("add to an image", path))
    }

    /// Writes the archive of the image that consists of this layer; returns the image's digest.
    pub(crate) fn write_image(self, reference: &str, start: &Start, archive: &Path) -> Result<Digest> {
        let Self { tar, mut file, place, .. } = self;
        let failed = || Error::file("write a layer in", &place);
        let mut writer = tar.into_inner().map_err(failed())?;
        writer.flush().map_err(failed())?;
        let layer = Digest(hex::encode(writer.hash.finalize()));
        let size = file.metadata().map_err(failed())?.len();
        file.rewind().map_err(failed())?;

        let configuration = to_bytes(&configuration(start, &layer));
        let configuration_digest = Digest::of(&configuration);
        let manifest = to_bytes(&json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("application/vnd.oci.image.config.v1+json", &configuration_digest, configuration.len() as u64),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", &layer, size)],
        }));
        let manifest_digest = Digest::of(&manifest);
        let mut listed =
            descriptor("application/vnd.oci.image.manifest.v1+json", &manifest_digest, manifest.len() as u64);
        listed["annotations"] =
            json!({"io.containerd.image.name": reference, "org.opencontainers.image.ref.name": reference});
        let index = to_bytes(&json!({"schemaVersion": 2, "manifests": [listed]}));

        let output = File::create(archive).map_err(Error::file("make", archive))?;
        let mut output = tar::Builder::new(BufWriter::new(output));
        let small: [(&str, &[u8]); 4] = [
            ("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#),
            ("index.json", &index),
            (&manifest_digest.blob(), &manifest),
            (&configuration_digest.blob(), &configuration),
        ];
        for (name, content) in small {
            output
                .append_data(&mut plain(content.len() as u64), name, content)
                .map_err(Error::file("write", archive))?;
        }
        output.append_data(&mut plain(size), layer.blob(), file).map_err(Error::file("write", archive))?;
        let mut output = output.into_inner().map_err(Error::file("write", archive))?;
        output.flush().map_err(Error::file("write", archive))?;
        Ok(manifest_digest)
    }
}

/// The reference and the digest of the image in an OCI archive.
pub(crate) fn inspect(archive: &Path) -> Result<(String, String)> {
    let file = File::open(archive).map_err(Error::file("open", archive))?;
    let mut entries = tar::Archive::new(file);
    let entries = entries.entries().map_err(Error::file("read", archive))?;
    for entry in entries {
        let mut entry = entry.map_err(Error::file("read", archive))?;
        if entry.path().is_ok_and(|path| path == Path::new("index.json")) {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(Error::file("read", archive))?;
            let index: Value =
                serde_json::from_slice(&content).map_err(|error| Error::file("read", archive)(error.into()))?;
            let manifest = &index["manifests"][0];
            let field = |value: &Value| value.as_str().map(str::to_owned);
            if let (Some(reference), Some(digest)) =
                (field(&manifest["annotations"]["io.containerd.image.name"]), field(&manifest["digest"]))
            {
                return Ok((reference, digest));
            }
        }
    }
    Err(Error::Refused(format!(
        "{} is not an OCI archive of one named image: `buildah push IMAGE oci-archive:FILE:NAME` makes one",
        archive.display()
    )))
}

fn configuration(start: &Start, layer: &Digest) -> Value {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    json!({
        "architecture": architecture,
        "os": "linux",
        "config": {
            "Entrypoint": start.entrypoint,
            "Cmd": start.command,
            "Env": start.environment,
            "User": start.user,
            "WorkingDir": start.folder,
        },
        "rootfs": {"type": "layers", "diff_ids": [layer.to_string()]},
    })
}

fn descriptor(media_type: &str, digest: &Digest, size: u64) -> Value {
    json!({"mediaType": media_type, "digest": digest.to_string(), "size": size})
}

fn to_bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn plain(size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(size);
    header
}

/// Adds a program of this machine to a layer.
pub(crate) fn add_program(layer: &mut Layer, path: &str, program: &Path) -> Result<()> {
    let file = File::open(program).map_err(Error::file("open", program))?;
    let size = fs::metadata(program).map_err(Error::file("read", program))?.len();
    layer.file(path, 0o755, file, size)
}

/// Hashes what passes through.
struct Hashing<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hash.update(&buffer[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(folder: &Path, name: &str, content: &[u8]) -> (Digest, PathBuf) {
        let program = folder.join("program");
        fs::write(&program, content).unwrap();
        let mut layer = Layer::new(folder).unwrap();
        add_program(&mut layer, "app", &program).unwrap();
        let archive = folder.join(name);
        let start = Start { entrypoint: vec!["/app".into()], user: "65532".into(), ..Start::default() };
        (layer.write_image("shopkeeper.local/app:1", &start, &archive).unwrap(), archive)
    }

    #[test]
    fn the_same_content_has_the_same_digest_and_other_content_another() {
        let folder = tempfile::tempdir().unwrap();
        let (first, first_archive) = build(folder.path(), "first", b"one");
        let (second, second_archive) = build(folder.path(), "second", b"one");
        let (third, _) = build(folder.path(), "third", b"two");
        assert_eq!(first, second);
        assert_eq!(fs::read(first_archive).unwrap(), fs::read(second_archive).unwrap());
        assert_ne!(first, third);
    }

    #[test]
    fn an_archive_tells_the_name_and_digest_of_its_image() {
        let folder = tempfile::tempdir().unwrap();
        let (digest, archive) = build(folder.path(), "archive", b"one");
        assert_eq!(inspect(&archive).unwrap(), ("shopkeeper.local/app:1".into(), digest.to_string()));
    }
}
