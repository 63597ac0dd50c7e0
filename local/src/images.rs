//! The images of the cluster: which there are, how ours are made, and how they get into containerd.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    cache::KeyBuilder,
    command,
    error::{Error, Result},
    layout::Layout,
    oci::{self, Layer, Start},
};

/// What stands for a registry in the names of images that were built here.
pub(crate) const REGISTRY: &str = "shopkeeper.local";
/// Our programs that run in the cluster.
pub(crate) const PROGRAMS: [&str; 6] = ["operator", "catalog", "cart", "order", "user", "gateway-exporter"];
/// As in the Containerfile.
const USER: &str = "65532:65532";

pub(crate) const PAUSE: (&str, &str) = ("pause", "1");
pub(crate) const COREDNS: (&str, &str) = ("coredns", "v1.13.1");
pub(crate) const METRICS_SERVER: (&str, &str) = ("metrics-server", "v0.8.0");

/// An image's full name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    name: String,
    tag: String,
}

impl Reference {
    pub(crate) fn local((name, tag): (&str, &str)) -> Self {
        Self { name: name.into(), tag: tag.into() }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{REGISTRY}/{}:{}", self.name, self.tag)
    }
}

/// The images in the cluster's containerd.
#[derive(Debug)]
pub(crate) struct Images<'a> {
    layout: &'a Layout,
}

impl<'a> Images<'a> {
    pub(crate) fn new(layout: &'a Layout) -> Self {
        Self { layout }
    }

    /// The digest of the image with this name, if it is there.
    pub(crate) fn digest(&self, reference: &str) -> Option<String> {
        let listed = command::run(self.ctr().args(["images", "list", &format!("name=={reference}")])).ok()?;
        // REF TYPE DIGEST …
        let line = listed.lines().find(|line| line.starts_with(&format!("{reference} ")))?;
        line.split_ascii_whitespace().nth(2).map(str::to_owned)
    }

    /// Loads an OCI archive, unless the very image is there; says whether it was loaded.
    pub(crate) fn load(&self, archive: &Path) -> Result<bool> {
        let (reference, digest) = oci::inspect(archive)?;
        if self.digest(&reference).as_deref() == Some(&digest) {
            return Ok(false);
        }
        command::run(self.ctr().args(["images", "import"]).arg(archive))?;
        Ok(true)
    }

    /// Builds the same image as the Containerfile's, of one static program, and loads it.
    pub(crate) fn load_program(&self, reference: &Reference, program: &Path) -> Result<bool> {
        self.load_single("app", reference, program)
    }

    /// Builds the image of what holds a pod together, and loads it. It has the name that it has everywhere, so that whoever looks for the
    /// programs of a pod on this machine does not find it.
    pub(crate) fn load_pause(&self, program: &Path) -> Result<bool> {
        self.load_single("pause", &Reference::local(PAUSE), program)
    }

    fn load_single(&self, name: &str, reference: &Reference, program: &Path) -> Result<bool> {
        let folder = tempfile::tempdir().map_err(Error::file("make a folder in", std::env::temp_dir()))?;
        let archive = folder.path().join("image.tar");
        let start = Start { entrypoint: vec![format!("/{name}")], user: USER.into(), ..Start::default() };
        of_one_program(reference, (name, program), &start, &archive)?;
        self.load(&archive)
    }

    fn ctr(&self) -> Command {
        let mut command = Command::new("ctr");
        command.arg("--address").arg(self.layout.containerd_socket()).args(["--namespace", "k8s.io"]);
        command
    }
}

/// The image of one static program, at the given path of an otherwise empty root.
pub(crate) fn of_one_program(
    reference: &Reference,
    (path, program): (&str, &Path),
    start: &Start,
    archive: &Path,
) -> Result<()> {
    let folder = archive.parent().unwrap_or(Path::new("."));
    let mut layer = Layer::new(folder)?;
    oci::add_program(&mut layer, path, program)?;
    layer.write_image(&reference.to_string(), start, archive).map(drop)
}

/// Our programs, as cargo built them.
#[derive(Debug)]
pub(crate) struct OurPrograms {
    /// The tag of their images: a hash of all of them.
    pub(crate) tag: String,
    programs: Vec<(&'static str, PathBuf)>,
}

impl OurPrograms {
    /// Finds them beside the running launcher, or in the folder of another profile when the environment names one.
    pub(crate) fn find() -> Result<Self> {
        let folder = target_folder()?;
        let mut key = KeyBuilder::default();
        let mut programs = Vec::new();
        for name in PROGRAMS {
            let path = folder.join(name);
            if !path.is_file() {
                return Err(Error::Refused(format!("there is no {}: `make build` builds it", path.display())));
            }
            key = key.file(&folder, &path)?;
            programs.push((name, path));
        }
        Ok(Self { tag: format!("dev-{}", &key.finish().short()[..12]), programs })
    }

    pub(crate) fn references(&self) -> impl Iterator<Item = (Reference, &Path)> {
        self.programs.iter().map(|(name, path)| (Reference::local((name, &self.tag)), path.as_path()))
    }

    /// Builds and loads what is not there yet; the tag names the content, so an image that is there is the right one.
    pub(crate) fn load(&self, images: &Images<'_>) -> Result<usize> {
        let folder = tempfile::tempdir().map_err(Error::file("make a folder in", std::env::temp_dir()))?;
        let mut loaded = 0;
        for (reference, program) in self.references() {
            if images.digest(&reference.to_string()).is_none() {
                images.load_program(&reference, &stripped(program, folder.path())?)?;
                loaded += 1;
            }
        }
        Ok(loaded)
    }
}

/// The program without what only a debugger reads, which is most of it; as it is where there is no `strip`.
pub(crate) fn stripped(program: &Path, folder: &Path) -> Result<PathBuf> {
    let Some(name) = program.file_name().filter(|_| command::on_path("strip")) else { return Ok(program.to_owned()) };
    let output = folder.join(name);
    command::run(Command::new("strip").arg("--strip-debug").arg("-o").arg(&output).arg(program))?;
    Ok(output)
}

/// Where cargo puts what it builds, for the profile in the environment or the launcher's own.
pub(crate) fn target_folder() -> Result<PathBuf> {
    let own = std::env::current_exe().map_err(Error::file("find", "the running launcher"))?;
    let own = own.parent().map(Path::to_owned).unwrap_or_default();
    let folder = match std::env::var("PROFILE").as_deref() {
        Ok("dev") => own.with_file_name("debug"),
        Ok(profile) if !profile.is_empty() => own.with_file_name(profile),
        _ => own,
    };
    fs::metadata(&folder).map_err(Error::file("find", &folder))?;
    Ok(folder)
}
