//! The images of PostgreSQL, Redis and nginx from Debian's packages, for machines that reach no image registry. They are made to work with
//! the pods that the upstream images work with: the same users, the same programs on the PATH, a shell.

use std::{
    fs::File,
    io::Read as _,
    path::{Component, Path, PathBuf},
    process::Command,
};

use crate::{
    cache::{Cache, KeyBuilder},
    command,
    error::{Error, Result},
    images::Reference,
    oci::{Layer, Start},
    progress,
};

/// The release that the versions below are of.
const SUITE: &str = "bookworm";
/// To be raised whenever this file makes something else of the same packages.
const RECIPE: &str = "2";
/// What the shell scripts of pods and of initdb use.
const APPLETS: &str = "sh [ awk basename cat chgrp chmod chown cp cut date dd df dirname du echo env expr false find grep head hostname \
    id kill ln ls mkdir mktemp mv nc nslookup printf ps pwd rm rmdir sed sleep sort stat sync tail tar tee test touch tr true uniq vi wc \
    wget which whoami xargs";
/// What a server does not need: papers, the tools of packages' scripts, and PostgreSQL's compiler of queries, which is larger than all
/// else together. `*` stands for any part of a name.
const LEFT_OUT: &[&str] = &[
    "dev/*",
    "etc/apt",
    "etc/cron*",
    "etc/init.d",
    "etc/logrotate.d",
    "etc/systemd",
    "lib/systemd",
    "usr/bin/perl*",
    "usr/lib/*/gconv",
    "usr/lib/*/libLLVM*",
    "usr/lib/*/libperl*",
    "usr/lib/*/libz3*",
    "usr/lib/*/perl*",
    "usr/lib/postgresql/*/lib/bitcode",
    "usr/lib/postgresql/*/lib/llvmjit*",
    "usr/share/bash-completion",
    "usr/share/bug",
    "usr/share/doc",
    "usr/share/doc-base",
    "usr/share/i18n",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/perl*",
    "usr/share/postgresql/*/man",
    "var/cache",
    "var/lib/apt",
    "var/lib/dpkg",
    "var/log",
];

/// A server from Debian's packages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Server {
    name: &'static str,
    tag: &'static str,
    package: &'static str,
    path: &'static str,
    user: (&'static str, u32),
    command: &'static [&'static str],
    folders: &'static [&'static str],
    links: &'static [(&'static str, &'static str)],
}

/// The servers of the shop.
pub(crate) const SERVERS: [Server; 3] = [
    Server {
        name: "postgres",
        tag: "15",
        package: "postgresql-15",
        path: "/usr/lib/postgresql/15/bin:",
        user: ("postgres", 999),
        command: &["postgres"],
        folders: &["run/postgresql", "var/lib/postgresql/data"],
        links: &[],
    },
    Server {
        name: "redis",
        tag: "7",
        package: "redis-server",
        path: "",
        user: ("redis", 999),
        command: &["redis-server"],
        folders: &["data"],
        links: &[],
    },
    Server {
        name: "nginx",
        tag: "1.22",
        package: "nginx",
        path: "",
        user: ("nginx", 101),
        command: &["nginx", "-g", "daemon off;"],
        folders: &["var/cache/nginx", "var/log/nginx", "etc/nginx/conf.d"],
        // As in the upstream image: whoever runs the container sees the log.
        links: &[("var/log/nginx/access.log", "/dev/stdout"), ("var/log/nginx/error.log", "/dev/stderr")],
    },
];

impl Server {
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn reference(&self) -> Reference {
        Reference::local((self.name, self.tag))
    }

    /// The archive of the image, from the cache or made.
    pub(crate) fn archive(&self, cache: &Cache) -> Result<PathBuf> {
        let key = KeyBuilder::default()
            .input("recipe", RECIPE)
            .input("suite", SUITE)
            .input("description", format!("{self:?}"))
            .input("version", candidate(self.package))
            .finish();
        let folder = cache.get_or_make(&format!("image-{}", self.name), &key, |folder| {
            progress::timed(format!("image of {} from Debian's packages", self.name), || self.build(folder))
        })?;
        Ok(folder.join("image.tar"))
    }

    fn build(&self, folder: &Path) -> Result<()> {
        let root = folder.join("root.tar");
        let packages = format!("--include={},busybox-static", self.package);
        command::run(Command::new("mmdebstrap").args(["--quiet", "--variant=extract", &packages, SUITE]).arg(&root))?;
        let mut layer = Layer::new(folder)?;
        copy(&root, &mut layer)?;
        self.complete(&mut layer)?;
        std::fs::remove_file(&root).map_err(Error::file("remove", &root))?;
        let start = Start {
            command: self.command.iter().map(ToString::to_string).collect(),
            environment: vec![
                format!("PATH={}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", self.path),
                "LANG=C.UTF-8".into(),
            ],
            user: format!("{0}:{0}", self.user.1),
            ..Start::default()
        };
        layer.write_image(&self.reference().to_string(), &start, &folder.join("image.tar")).map(drop)
    }

    /// Adds what the scripts of the packages, which were not run, would have added.
    fn complete(&self, layer: &mut Layer) -> Result<()> {
        for folder in ["tmp", "var/tmp"] {
            layer.folder(folder, 0o1777)?;
        }
        for folder in ["run", "proc", "sys", "dev", "var", "var/lib", "var/log", "var/cache"] {
            layer.folder(folder, 0o755)?;
        }
        layer.link("var/run", Path::new("/run"))?;
        for folder in self.folders {
            layer.folder(folder, 0o777)?;
        }
        for (path, target) in self.links {
            layer.link(path, Path::new(target))?;
        }
        for applet in APPLETS.split_ascii_whitespace() {
            let (path, elsewhere) = (format!("bin/{applet}"), format!("usr/bin/{applet}"));
            if !layer.contains(&elsewhere) {
                layer.link(&path, Path::new("busybox"))?;
            }
        }
        let (user, id) = self.user;
        let passwd = format!(
            "root:x:0:0:root:/root:/bin/sh\n{user}:x:{id}:{id}:{user}:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/false\n"
        );
        let group = format!("root:x:0:\n{user}:x:{id}:\nnogroup:x:65534:\n");
        for (path, content) in [("etc/passwd", passwd), ("etc/group", group)] {
            layer.file(path, 0o644, content.as_bytes(), content.len() as u64)?;
        }
        Ok(())
    }
}

/// Copies what is wanted of a root into a layer.
fn copy(root: &Path, layer: &mut Layer) -> Result<()> {
    let failed = || Error::file("read", root);
    let mut archive = tar::Archive::new(File::open(root).map_err(failed())?);
    for entry in archive.entries().map_err(failed())? {
        let mut entry = entry.map_err(failed())?;
        let path = entry.path().map_err(failed())?;
        let Some(path) = relative(&path).filter(|path| !is_left_out(path)) else { continue };
        let header = entry.header().clone();
        let mode = header.mode().map_err(failed())?;
        let target = entry.link_name().map_err(failed())?.map(std::borrow::Cow::into_owned);
        match (header.entry_type(), target) {
            (kind, _) if kind.is_dir() => layer.folder(&path, mode)?,
            (kind, Some(target)) if kind.is_symlink() => layer.link(&path, &target)?,
            (kind, Some(target)) if kind.is_hard_link() => {
                if let Some(target) = relative(&target).filter(|target| !is_left_out(target)) {
                    layer.hard_link(&path, Path::new(&target))?;
                }
            }
            (kind, _) if kind.is_file() => {
                let size = entry.size();
                layer.file(&path, mode, entry.by_ref(), size)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// The path without the `./` in front; nothing for the root itself.
fn relative(path: &Path) -> Option<String> {
    let parts = path.components().filter(|part| matches!(part, Component::Normal(_)));
    let path: PathBuf = parts.collect();
    path.to_str().filter(|path| !path.is_empty()).map(str::to_owned)
}

fn is_left_out(path: &str) -> bool {
    LEFT_OUT.iter().any(|pattern| begins_with(path, pattern))
}

/// Whether the path is what the pattern describes, or lies in it.
fn begins_with(path: &str, pattern: &str) -> bool {
    let mut parts = path.split('/');
    pattern.split('/').all(|wanted| {
        parts.next().is_some_and(|part| match wanted.strip_suffix('*') {
            Some(start) => part.starts_with(start),
            None => part == wanted,
        })
    })
}

/// The version that this machine's package lists have, so that an update of the package makes a new image. It may be unknown.
fn candidate(package: &str) -> String {
    let policy = command::run(Command::new("apt-cache").args(["policy", package])).unwrap_or_default();
    let line = policy.lines().find(|line| line.trim_start().starts_with("Candidate:"));
    line.unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_a_folder_and_all_that_is_in_it_and_nothing_else() {
        assert!(is_left_out("usr/share/doc"));
        assert!(is_left_out("usr/share/doc/nginx/copyright"));
        assert!(is_left_out("usr/lib/x86_64-linux-gnu/perl/5.36.0/Encode.so"));
        assert!(!is_left_out("usr/share/documents"));
        assert!(!is_left_out("usr/share"));
        assert!(!is_left_out("usr/lib/x86_64-linux-gnu/libpcre2-8.so.0"));
    }
}
