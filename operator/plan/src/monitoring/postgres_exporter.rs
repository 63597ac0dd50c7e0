//! What tells the figures of a PostgreSQL that the operator runs.
//!
//! It has a role of its own, which may look at statistics and at nothing else. The role is made before the exporter starts, in a container that
//! ends: the migrate Job, which makes the services' roles, is what the shop waits for, and nothing of this is to hold that up.

use k8s_openapi::api::core::v1::Container;

use super::{Contents, MonitoringPart, deployment, go_environment, part, web_service};
use crate::{
    Component, Found, InvalidStore, Shop,
    database::{DATABASE, passwords_secret},
    hash::hash,
    pod,
};

/// The role that looks at statistics.
const ROLE: &str = "monitor";

/// Key of its generated password.
pub const PASSWORD_KEY: &str = "monitor";

/// Makes the role, or sets its password if it is there, as a kept volume may be older than the Secret.
const MAKE_ROLE: &str = "\
\\set password `printf %s \"$MONITOR_PASSWORD\"`
SELECT 'CREATE ROLE monitor' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'monitor') \\gexec
ALTER ROLE monitor WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 5 PASSWORD :'password';
GRANT pg_monitor TO monitor;
";

pub(super) fn postgres_exporter(shop: &Shop, found: &Found) -> Result<MonitoringPart, InvalidStore> {
    let component = Component::PostgresExporter;
    let contents = Contents {
        container: container(shop),
        volumes: Vec::new(),
        hash: Some(hash(&(&found.credentials.monitor, &found.credentials.database.admin))),
    };
    let mut deployment = deployment(shop, component, contents)?;
    let pod = deployment.spec.get_or_insert_default().template.spec.get_or_insert_default();
    pod.init_containers.get_or_insert_default().insert(0, pod::restricted(role_maker(shop)));
    let service = web_service(shop, component, &[("metrics", component.port())]);
    Ok(part(component, service, deployment))
}

fn role_maker(shop: &Shop) -> Container {
    let passwords = passwords_secret(&shop.name);
    let script = "printf '%s' \"$1\" | psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1";
    Container {
        name: "make-role".into(),
        command: Some(["/bin/sh", "-ec", script, "make-role", MAKE_ROLE].map(Into::into).into()),
        env: Some(vec![
            pod::env("PGHOST", shop.child(Component::Postgres)),
            pod::env("PGUSER", "postgres"),
            pod::env("PGDATABASE", DATABASE),
            pod::env("PGCONNECT_TIMEOUT", "10"),
            pod::secret_env("PGPASSWORD", &passwords, "admin"),
            pod::secret_env("MONITOR_PASSWORD", &passwords, PASSWORD_KEY),
        ]),
        ..pod::container(shop, Component::Postgres, Component::PostgresExporter)
    }
}

fn container(shop: &Shop) -> Container {
    let component = Component::PostgresExporter;
    let postgres = Component::Postgres;
    let mut env = go_environment(shop, component);
    env.extend([
        pod::env(
            "DATA_SOURCE_URI",
            format!("{}:{}/{DATABASE}?sslmode=disable&connect_timeout=5", shop.child(postgres), postgres.port()),
        ),
        pod::env("DATA_SOURCE_USER", ROLE),
        pod::secret_env("DATA_SOURCE_PASS", &passwords_secret(&shop.name), PASSWORD_KEY),
    ]);
    Container {
        env: Some(env),
        ports: Some(vec![pod::port("metrics", component.port())]),
        startup_probe: Some(pod::path_probe("metrics", "/", 1, 60)),
        readiness_probe: Some(pod::path_probe("metrics", "/", 5, 3)),
        liveness_probe: Some(pod::path_probe("metrics", "/", 10, 6)),
        ..pod::container(shop, component, component)
    }
}
