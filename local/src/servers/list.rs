//! The list: what each image is made from, so that it starts as the upstream one does.

use super::{Origin, Server};
use crate::{
    addition::Addition,
    debian::{self, Recipe},
};

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

pub(super) const SERVERS: [Server; 11] = [
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
            // With curl, as the upstream image has it.
            packages: &["nginx", "curl"],
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
