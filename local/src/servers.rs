//! Other people's servers that a shop needs, in images that are made here, for machines that reach no image registry. They are made to
//! work with the pods that the upstream images work with: the same programs where those have them, the same users, the same variables.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::{
    binaries,
    cache::{Cache, KeyBuilder},
    debian::{Recipe, Versions},
    error::Result,
    images::{self, Reference},
    oci::Start,
    progress,
};

mod list;

use list::SERVERS;

/// Which of the servers are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tools {
    /// Also the pages for people to look into the data, which take long to build.
    Included,
    /// Only what a shop and its monitoring need.
    LeftOut,
}

/// A server whose image is made here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Server {
    name: &'static str,
    tag: &'static str,
    /// Its key below `operands` in the values of the operator's chart.
    operand: &'static str,
    is_tool: bool,
    origin: Origin,
}

/// What an image is made from.
#[derive(Debug, Clone, Copy)]
enum Origin {
    Debian(Recipe),
    Jaeger,
}

/// Where the upstream image of Jaeger has its program.
const JAEGER: &str = "cmd/jaeger/jaeger-linux";

static VERSIONS: OnceLock<Versions> = OnceLock::new();

fn versions() -> Versions {
    let packages = |server: &Server| match server.origin {
        Origin::Debian(recipe) => recipe.packages,
        Origin::Jaeger => &[],
    };
    Versions::look_up(&SERVERS.iter().flat_map(packages).copied().collect::<Vec<_>>())
}

/// The servers of a shop.
pub(crate) fn all(tools: Tools) -> impl Iterator<Item = Server> {
    SERVERS.into_iter().filter(move |server| tools == Tools::Included || !server.is_tool)
}

/// The keys of the chart's values whose parts no image can be had for here, or none was asked for.
pub(crate) fn missing(tools: Tools) -> impl Iterator<Item = &'static str> {
    let left_out = SERVERS.into_iter().filter(move |server| tools == Tools::LeftOut && server.is_tool);
    std::iter::once("grafana").chain(left_out.map(|server| server.operand))
}

impl Server {
    pub(crate) fn operand(&self) -> &'static str {
        self.operand
    }

    pub(crate) fn reference(&self) -> Reference {
        Reference::local((self.name, self.tag))
    }

    /// The archive of the image, from the cache or made.
    pub(crate) fn archive(&self, cache: &Cache) -> Result<PathBuf> {
        let key = KeyBuilder::default().input("description", format!("{self:?}"));
        let folder = match self.origin {
            Origin::Debian(recipe) => {
                let key = recipe.key(key, self.name, VERSIONS.get_or_init(versions))?;
                cache.get_or_make(&self.artefact(), &key.finish(), |folder| {
                    progress::timed(format!("image of {} is made", self.name), || {
                        self.make_from_debian(&recipe, folder)
                    })
                })?
            }
            Origin::Jaeger => {
                let program = binaries::jaeger(cache)?;
                let key = key.input("program", program.as_os_str().as_encoded_bytes());
                cache.get_or_make(&self.artefact(), &key.finish(), |folder| self.make_of_jaeger(&program, folder))?
            }
        };
        Ok(folder.join("image.tar"))
    }

    fn artefact(&self) -> String {
        format!("image-{}", self.name)
    }

    fn make_from_debian(&self, recipe: &Recipe, folder: &Path) -> Result<()> {
        let layer = recipe.layer(self.name, folder)?;
        layer.write_image(&self.reference().to_string(), &recipe.start(), &folder.join("image.tar")).map(drop)
    }

    fn make_of_jaeger(&self, program: &Path, folder: &Path) -> Result<()> {
        let start = Start { entrypoint: vec![format!("/{JAEGER}")], user: "10001:10001".into(), ..Start::default() };
        images::of_one_program(&self.reference(), (JAEGER, program), &start, &folder.join("image.tar"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_part_has_an_image_or_is_said_to_have_none() {
        for tools in [Tools::Included, Tools::LeftOut] {
            let there = all(tools).map(|server| server.operand);
            let keys: Vec<&str> = there.chain(missing(tools)).collect();
            assert_eq!(keys.len(), SERVERS.len() + 1);
            assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
        }
    }

    #[test]
    fn the_pages_to_look_into_the_data_are_made_only_when_they_are_asked_for() {
        let names: Vec<&str> = all(Tools::LeftOut).map(|server| server.name).collect();
        assert!(!names.contains(&"pgadmin") && !names.contains(&"redis-commander"));
        assert!(names.contains(&"locust"));
    }
}
