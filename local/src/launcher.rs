//! The launcher's sub-commands, each for whichever kind of cluster this machine can have.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use clap::{Parser, Subcommand, builder::FalseyValueParser};
use nix::fcntl::{Flock, FlockArg};

use crate::{
    binaries::{self, Binaries},
    cache::Cache,
    check,
    cluster::Cluster,
    error::{Error, Result},
    forward, images,
    kind::{self, Kind},
    packages, plugin, preflight, progress,
    servers::{self, Tools},
};

/// A local Kubernetes: by kind where a Docker engine answers, else from its own components.
#[derive(Debug, Parser)]
#[command(name = "local", version)]
pub struct Launcher {
    #[command(subcommand)]
    command: Sub,
}

#[derive(Debug, Subcommand)]
enum Sub {
    /// Bring the cluster up, or what of it does not run
    Up {
        /// The port of the shop at localhost
        #[arg(long, env = "PORT", default_value_t = 8080)]
        port: u16,
    },
    /// Take the cluster down, with everything in it
    Down,
    /// Show what runs; fails when something does not
    Status,
    /// Load the image in an OCI archive (with kind also: one that Docker has)
    LoadImage {
        /// The archive, or the image's name
        image: String,
    },
    /// Build and load the images of our programs and of the servers that they need; prints tag=… and values=…, for Helm
    Images {
        /// Also those of pgAdmin and Redis Commander, which take long to build (without Docker)
        #[arg(long, env = "TOOLS", value_parser = FalseyValueParser::new())]
        tools: bool,
    },
    /// Print the archives of the images of other people's servers, made or found in the cache; needs no cluster
    Archives {
        /// Also those of pgAdmin and Redis Commander
        #[arg(long, env = "TOOLS", value_parser = FalseyValueParser::new())]
        tools: bool,
    },
    /// Print the path of the administrator's kubeconfig
    Kubeconfig,
    /// Print shell code that sets KUBECONFIG and puts kubectl and helm on the PATH, and the plugin for Stores if it is built
    Env,
    /// Build the Kubernetes binaries, or find them in the cache
    Build,
    /// Print the path of the binary that is all components of Kubernetes
    KubePath,
    /// Have kind read kind-config.yaml and buildah build the Containerfile
    Check,
    /// Hand connections to a port of this machine to the gateway
    #[command(hide = true)]
    Forward {
        #[arg(long)]
        port: u16,
    },
}

impl Launcher {
    /// Does what was asked for.
    pub async fn run(self) -> Result<()> {
        let cache = Cache::open()?;
        match self.command {
            Sub::Up { port } => up(&cache, port).await,
            Sub::Down => down(&cache),
            Sub::Status => status(&cache),
            Sub::LoadImage { image } => load_image(&cache, &image),
            Sub::Images { tools } => images(&cache, wanted(tools)),
            Sub::Archives { tools } => archives(&cache, wanted(tools)),
            Sub::Kubeconfig => kubeconfig(&cache).map(|path| println!("{}", path.display())),
            Sub::Env => print_environment(&cache),
            Sub::Build => build(&cache),
            Sub::KubePath => Binaries::get(&cache).map(|binaries| println!("{}", binaries.kube().display())),
            Sub::Check => check::run(&cache),
            Sub::Forward { port } => forward::run(port).await,
        }
    }
}

/// Which kind of cluster this machine has or can have. One that runs without Docker is kept, though an engine may answer by now.
fn with_kind() -> bool {
    !Cluster::runs() && kind::engine_answers()
}

async fn up(cache: &Cache, port: u16) -> Result<()> {
    if with_kind() {
        kind::announce();
        return Kind::new(cache)?.up(port);
    }
    preflight::check_machine()?;
    let _lock = lock()?;
    Cluster::new(cache)?.up(port).await
}

fn down(cache: &Cache) -> Result<()> {
    if with_kind() {
        let kind = Kind::new(cache)?;
        if kind.exists()? {
            kind.down()?;
        }
        return Ok(());
    }
    preflight::check_root()?;
    let _lock = lock()?;
    Cluster::new(cache)?.down()
}

fn status(cache: &Cache) -> Result<()> {
    if with_kind() {
        let kind = Kind::new(cache)?;
        if !kind.exists()? {
            return Err(Error::Refused("there is no cluster: `make up` makes one".into()));
        }
        let mut kubectl = kind.binaries().kubectl(&kind.kubeconfig());
        print!("{}", crate::command::run(kubectl.args(["get", "nodes,pods", "--all-namespaces"]))?);
        return Ok(());
    }
    Cluster::new(cache)?.status()
}

fn load_image(cache: &Cache, image: &str) -> Result<()> {
    if with_kind() {
        return Kind::new(cache)?.load(image);
    }
    Cluster::new(cache)?.load(Path::new(image))
}

fn images(cache: &Cache, tools: Tools) -> Result<()> {
    let (tag, values) = if with_kind() { Kind::new(cache)?.images()? } else { Cluster::new(cache)?.images(tools)? };
    println!("tag={tag}\nvalues={}", values.display());
    Ok(())
}

fn wanted(tools: bool) -> Tools {
    if tools { Tools::Included } else { Tools::LeftOut }
}

fn archives(cache: &Cache, tools: Tools) -> Result<()> {
    preflight::check_root()?;
    packages::install_missing()?;
    for server in servers::all(tools) {
        println!("{} {}", server.reference(), server.archive(cache)?.display());
    }
    Ok(())
}

fn kubeconfig(cache: &Cache) -> Result<PathBuf> {
    if with_kind() { Ok(Kind::new(cache)?.kubeconfig()) } else { Ok(Cluster::kubeconfig()) }
}

fn print_environment(cache: &Cache) -> Result<()> {
    let quoted = |path: PathBuf| format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
    println!("export KUBECONFIG={}", quoted(kubeconfig(cache)?));
    println!("export PATH={}:\"$PATH\"", quoted(Binaries::get(cache)?.path_entry()));
    // A profile that was never built has no folder, which is no reason to be without kubectl.
    if let Some(folder) = images::target_folder().ok().and_then(|programs| plugin::path_entry(&programs)) {
        println!("export PATH={}:\"$PATH\"", quoted(folder));
    }
    Ok(())
}

fn build(cache: &Cache) -> Result<()> {
    let binaries = Binaries::get(cache)?;
    binaries::kind(cache)?;
    progress::note(format!("Kubernetes {} is {}", binaries::KUBERNETES_VERSION, binaries.kube().display()));
    Ok(())
}

/// Of two launchers that change the cluster, the second waits.
fn lock() -> Result<Flock<File>> {
    let path = Path::new("/run/shopkeeper.lock");
    let file = File::create(path).map_err(Error::file("make", path))?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| Error::file("lock", path)(errno.into()))
}
