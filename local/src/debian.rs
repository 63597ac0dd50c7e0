//! Images from Debian's packages: which files of them are wanted, and what their installation would have added.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
};

use crate::{
    addition::Addition,
    cache::KeyBuilder,
    command,
    error::{Error, Result},
    oci::{Layer, Start},
};

/// The release that all packages are of.
const SUITE: &str = "bookworm";
/// To be raised whenever this file makes something else of the same packages.
const RECIPE: &str = "3";
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

/// What an image is made of and how it starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    pub(crate) packages: &'static [&'static str],
    /// The files that are taken; all when empty.
    pub(crate) only: &'static [&'static str],
    /// Those that are not taken all the same.
    pub(crate) without: &'static [&'static str],
    pub(crate) addition: Addition,
    /// What is added in front of the usual PATH.
    pub(crate) path: &'static str,
    pub(crate) user: (&'static str, u32),
    pub(crate) entrypoint: &'static [&'static str],
    pub(crate) command: &'static [&'static str],
    /// The folder in which it starts.
    pub(crate) start_in: &'static str,
    pub(crate) folders: &'static [&'static str],
    pub(crate) links: &'static [(&'static str, &'static str)],
}

/// What the others say only their differences from.
pub(crate) const PLAIN: Recipe = Recipe {
    packages: &[],
    only: &[],
    without: &[],
    addition: Addition::Nothing,
    path: "",
    user: ("nobody", 65534),
    entrypoint: &[],
    command: &[],
    start_in: "/",
    folders: &[],
    links: &[],
};

impl Recipe {
    /// Adds to a key what the image is made from.
    pub(crate) fn key(&self, key: KeyBuilder, name: &str, versions: &Versions) -> Result<KeyBuilder> {
        let mut key = key.input("recipe", RECIPE).input("suite", SUITE);
        for package in self.packages {
            key = key.input("version", versions.of(package));
        }
        self.addition.key(key, name)
    }

    /// How a container of the image starts.
    pub(crate) fn start(&self) -> Start {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        Start {
            entrypoint: words(self.entrypoint),
            command: words(self.command),
            environment: vec![
                format!("PATH={}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", self.path),
                "LANG=C.UTF-8".into(),
            ],
            user: format!("{0}:{0}", self.user.1),
            folder: self.start_in.into(),
        }
    }

    /// The image's one layer, made in a folder.
    pub(crate) fn layer(&self, name: &str, folder: &Path) -> Result<Layer> {
        let root = folder.join("root");
        let packages = format!("--include={},busybox-static", self.packages.join(","));
        command::run(Command::new("mmdebstrap").args(["--quiet", "--variant=extract", &packages, SUITE]).arg(&root))?;
        self.addition.put_into(&root, name)?;
        let mut layer = Layer::new(folder)?;
        self.copy(&root, "", &mut layer)?;
        self.complete(&mut layer)?;
        fs::remove_dir_all(&root).map_err(Error::file("remove", &root))?;
        Ok(layer)
    }

    /// Copies what is wanted of a folder of the root, in the order of names.
    fn copy(&self, root: &Path, folder: &str, layer: &mut Layer) -> Result<()> {
        let place = root.join(folder);
        let failed = || Error::file("read", &place);
        let mut names = Vec::new();
        for entry in fs::read_dir(&place).map_err(failed())? {
            names.extend(entry.map_err(failed())?.file_name().into_string());
        }
        names.sort();
        for name in names {
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if !self.is_left_out(&path) {
                self.copy_one(root, &path, layer)?;
            }
        }
        Ok(())
    }

    fn copy_one(&self, root: &Path, path: &str, layer: &mut Layer) -> Result<()> {
        let place = root.join(path);
        let metadata = fs::symlink_metadata(&place).map_err(Error::file("read", &place))?;
        // Programs that make their caller root could not in a pod.
        let mode = metadata.permissions().mode() & 0o1777;
        let is_wanted = self.only.is_empty() || self.only.iter().any(|pattern| begins_with(path, pattern));
        if metadata.is_dir() {
            if is_wanted {
                layer.folder(path, mode)?;
            }
            return self.copy(root, path, layer);
        }
        if !is_wanted {
            return Ok(());
        }
        if metadata.is_symlink() {
            let target = fs::read_link(&place).map_err(Error::file("read", &place))?;
            return layer.link(path, &target);
        }
        if metadata.is_file() {
            let file = File::open(&place).map_err(Error::file("open", &place))?;
            layer.file(path, mode, file, metadata.len())?;
        }
        Ok(())
    }

    fn is_left_out(&self, path: &str) -> bool {
        LEFT_OUT.iter().chain(self.without).any(|pattern| begins_with(path, pattern))
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
        let (own_user, own_group) = if self.user == PLAIN.user {
            (String::new(), String::new())
        } else {
            (format!("{user}:x:{id}:{id}:{user}:/tmp:/bin/sh\n"), format!("{user}:x:{id}:\n"))
        };
        let passwd = format!("root:x:0:0:root:/root:/bin/sh\n{own_user}nobody:x:65534:65534:nobody:/tmp:/bin/false\n");
        let group = format!("root:x:0:\n{own_group}nogroup:x:65534:\n");
        for (path, content) in [("etc/passwd", passwd), ("etc/group", group)] {
            layer.file(path, 0o644, content.as_bytes(), content.len() as u64)?;
        }
        Ok(())
    }
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

/// The versions that this machine's package lists have, so that an update of a package makes a new image. They may be unknown.
pub(crate) struct Versions(String);

impl Versions {
    /// Of all packages at once, since each look into the lists takes half a second.
    pub(crate) fn look_up(packages: &[&str]) -> Self {
        Self(command::run(Command::new("apt-cache").arg("policy").args(packages)).unwrap_or_default())
    }

    fn of(&self, package: &str) -> &str {
        let about = self.0.lines().skip_while(|line| line.strip_suffix(':') != Some(package)).skip(1);
        let mut about = about.take_while(|line| line.starts_with(' '));
        about.find(|line| line.trim_start().starts_with("Candidate:")).unwrap_or_default().trim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_package_has_its_own_version_and_one_that_is_not_listed_has_none() {
        let versions =
            Versions("a:\n  Installed: (none)\n  Candidate: 1\n  Version table:\nb:\n  Candidate: 2\nc:\n".into());
        assert_eq!((versions.of("a"), versions.of("b")), ("Candidate: 1", "Candidate: 2"));
        assert_eq!((versions.of("c"), versions.of("d")), ("", ""));
    }

    #[test]
    fn a_pattern_covers_a_folder_and_all_that_is_in_it_and_nothing_else() {
        assert!(PLAIN.is_left_out("usr/share/doc"));
        assert!(PLAIN.is_left_out("usr/share/doc/nginx/copyright"));
        assert!(PLAIN.is_left_out("usr/lib/x86_64-linux-gnu/perl/5.36.0/Encode.so"));
        assert!(!PLAIN.is_left_out("usr/share/documents"));
        assert!(!PLAIN.is_left_out("usr/share"));
        assert!(!PLAIN.is_left_out("usr/lib/x86_64-linux-gnu/libpcre2-8.so.0"));
    }
}
