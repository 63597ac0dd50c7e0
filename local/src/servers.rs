//! Other people's servers that a shop needs, in images that are made here, for machines that reach no image registry. They are made to
//! work with the pods that the upstream images work with: the same programs where those have them, the same users, the same variables.

use std::path::{Path, PathBuf};

use crate::{
    addition::Addition,
    binaries,
    cache::{Cache, KeyBuilder},
    debian::{self, Recipe},
    error::Result,
    images::{self, Reference},
    oci::Start,
    progress,
};

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

/// What a program of Debian's that was written in Go needs: the C library, for names, and itself.
const GO: Recipe = Recipe {
    only: &["lib/*/ld-linux*", "lib/*/libc.so*", "lib/*/libresolv.so*", "lib64", "bin/busybox", "usr/bin/prometheus*"],
    ..debian::PLAIN
};

/// Python of Debian 12, with what the libraries of its packages need.
const PYTHON: Recipe = Recipe {
    packages: &["python3", "libstdc++6"],
    only: &[
        "bin/busybox",
        "entrypoint",
        "etc/mime.types",
        "lib",
        "lib64",
        "usr/bin/python3*",
        "usr/lib",
        "usr/local",
        "usr/share/zoneinfo",
    ],
    ..debian::PLAIN
};

const SERVERS: [Server; 11] = [
    Server {
        name: "postgres",
        tag: "15",
        operand: "postgres",
        is_tool: false,
        origin: Origin::Debian(Recipe {
            packages: &["postgresql-15"],
            path: "/usr/lib/postgresql/15/bin:",
            user: ("postgres", 999),
            command: &["postgres"],
            folders: &["run/postgresql", "var/lib/postgresql/data"],
            ..debian::PLAIN
        }),
    },
    Server {
        name: "redis",
        tag: "7",
        operand: "redis",
        is_tool: false,
        origin: Origin::Debian(Recipe {
            packages: &["redis-server"],
            user: ("redis", 999),
            command: &["redis-server"],
            folders: &["data"],
            ..debian::PLAIN
        }),
    },
    Server {
        name: "nginx",
        tag: "1.22",
        operand: "nginx",
        is_tool: false,
        origin: Origin::Debian(Recipe {
            packages: &["nginx"],
            user: ("nginx", 101),
            command: &["nginx", "-g", "daemon off;"],
            folders: &["var/cache/nginx", "var/log/nginx", "etc/nginx/conf.d"],
            // As in the upstream image: whoever runs the container sees the log.
            links: &[("var/log/nginx/access.log", "/dev/stdout"), ("var/log/nginx/error.log", "/dev/stderr")],
            ..debian::PLAIN
        }),
    },
    Server {
        name: "prometheus",
        tag: "2.42",
        operand: "prometheus",
        is_tool: false,
        origin: Origin::Debian(Recipe {
            packages: &["prometheus"],
            only: &[
                "lib/*/ld-linux*",
                "lib/*/libc.so*",
                "lib/*/libresolv.so*",
                "lib64",
                "bin/busybox",
                "etc/prometheus",
                "usr/bin/prometheus",
                "usr/bin/promtool",
                "usr/share/fonts*",
                "usr/share/javascript",
                "usr/share/nodejs",
                "usr/share/prometheus",
            ],
            // What the page's list of time zones is made from, ten times as large as all else of the page.
            without: &["usr/share/javascript/moment-timezone/data"],
            entrypoint: &["/bin/prometheus"],
            folders: &["prometheus"],
            links: &[("bin/prometheus", "/usr/bin/prometheus"), ("bin/promtool", "/usr/bin/promtool")],
            ..GO
        }),
    },
    Server {
        name: "alertmanager",
        tag: "0.25",
        operand: "alertmanager",
        is_tool: false,
        origin: Origin::Debian(Recipe {
            packages: &["prometheus-alertmanager"],
            only: &[
                "lib/*/ld-linux*",
                "lib/*/libc.so*",
                "lib/*/libresolv.so*",
                "lib64",
                "bin/busybox",
                "usr/bin/amtool",
                "usr/bin/prometheus-alertmanager",
                "usr/share/prometheus",
            ],
            // The package has no web page, but one that says so; its installation would have put that in place.
            without: &["usr/share/prometheus/alertmanager/ui"],
            entrypoint: &["/bin/alertmanager"],
            folders: &["alertmanager"],
            links: &[
                ("bin/alertmanager", "/usr/bin/prometheus-alertmanager"),
                ("bin/amtool", "/usr/bin/amtool"),
                ("usr/share/prometheus/alertmanager/ui", "no-ui"),
            ],
            ..GO
        }),
    },
    Server {
        name: "redis-exporter",
        tag: "1.45",
        operand: "redisExporter",
        is_tool: false,
        origin: Origin::Debian(Recipe {
            packages: &["prometheus-redis-exporter"],
            entrypoint: &["/redis_exporter"],
            links: &[("redis_exporter", "/usr/bin/prometheus-redis-exporter")],
            ..GO
        }),
    },
    Server {
        name: "postgres-exporter",
        tag: "0.11",
        operand: "postgresExporter",
        is_tool: false,
        origin: Origin::Debian(Recipe {
            packages: &["prometheus-postgres-exporter"],
            entrypoint: &["/bin/postgres_exporter"],
            links: &[("bin/postgres_exporter", "/usr/bin/prometheus-postgres-exporter")],
            ..GO
        }),
    },
    Server { name: "jaeger", tag: "1.62", operand: "jaeger", is_tool: false, origin: Origin::Jaeger },
    Server {
        name: "locust",
        tag: "2.47",
        operand: "locust",
        is_tool: false,
        origin: Origin::Debian(Recipe {
            user: ("locust", 1000),
            entrypoint: &["locust"],
            start_in: "/home/locust",
            folders: &["home/locust"],
            addition: Addition::Python,
            ..PYTHON
        }),
    },
    Server {
        name: "pgadmin",
        tag: "9.18",
        operand: "pgAdmin",
        is_tool: true,
        origin: Origin::Debian(Recipe {
            // Its manual, and what describes the interfaces of clouds, in which it could make databases.
            without: &[
                "usr/local/lib/python3.11/dist-packages/botocore/data",
                "usr/local/lib/python3.11/dist-packages/googleapiclient/discovery_cache/documents",
                "usr/local/lib/python3.11/dist-packages/pgadmin4/docs",
                "usr/local/lib/python3.11/dist-packages/pgadmin4/pgadmin/messages.pot",
                "usr/local/lib/python3.11/dist-packages/pgadmin4/pgadmin/translations",
            ],
            user: ("pgadmin", 5050),
            entrypoint: &["/entrypoint"],
            folders: &["var/lib/pgadmin"],
            addition: Addition::Python,
            ..PYTHON
        }),
    },
    Server {
        name: "redis-commander",
        tag: "0.9",
        operand: "redisCommander",
        is_tool: true,
        origin: Origin::Debian(Recipe {
            packages: &["nodejs"],
            only: &[
                "bin/busybox",
                "entrypoint",
                "lib",
                "lib64",
                "node_modules",
                "redis-commander",
                "usr/bin/node*",
                "usr/lib",
                "usr/share/nodejs",
            ],
            user: ("redis", 10000),
            entrypoint: &["/entrypoint"],
            start_in: "/redis-commander",
            addition: Addition::Node,
            ..debian::PLAIN
        }),
    },
];

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
                let key = recipe.key(key, self.name)?;
                cache.get_or_make(&self.artefact(), &key.finish(), |folder| {
                    progress::timed(format!("image of {} is made", self.name), || self.from_debian(&recipe, folder))
                })?
            }
            Origin::Jaeger => {
                let program = binaries::jaeger(cache)?;
                let key = key.input("program", program.as_os_str().as_encoded_bytes());
                cache.get_or_make(&self.artefact(), &key.finish(), |folder| self.of_jaeger(&program, folder))?
            }
        };
        Ok(folder.join("image.tar"))
    }

    fn artefact(&self) -> String {
        format!("image-{}", self.name)
    }

    fn from_debian(&self, recipe: &Recipe, folder: &Path) -> Result<()> {
        let layer = recipe.layer(self.name, folder)?;
        layer.write_image(&self.reference().to_string(), &recipe.start(), &folder.join("image.tar")).map(drop)
    }

    fn of_jaeger(&self, program: &Path, folder: &Path) -> Result<()> {
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
