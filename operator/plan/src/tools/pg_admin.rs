//! pgAdmin, with the shop's database in its list.

use k8s_openapi::api::core::v1::{Capabilities, Container, SecurityContext};
use serde_json::json;

use super::settings;
use crate::{
    Component, Found, InvalidStore, Shop,
    cluster::cluster_name,
    database::{DATABASE, credentials_secret},
    hash::hash,
    monitoring::{Contents, MonitoringPart, deployment, part, web_service},
    pod,
};

/// Key of the generated password of its only user.
pub const PASSWORD_KEY: &str = "pgadmin-password";

/// Its only user. It wants an address, to which nothing is ever sent.
const USER: &str = "admin@example.com";

/// Where pgAdmin looks for the settings of a system, whichever image it is in.
const SETTINGS: &str = "/etc/pgadmin";

/// These settings.
const CONFIG: (&str, &str) = ("config_system.py", include_str!("config_system.py"));
const DATA: &str = "/var/lib/pgadmin";

pub(crate) fn pg_admin(shop: &Shop, found: &Found) -> Result<MonitoringPart, InvalidStore> {
    let component = Component::PgAdmin;
    let host = if shop.has_cluster() { format!("{}-rw", cluster_name(shop)) } else { shop.child(Component::Postgres) };
    let port = Component::Postgres.port();
    let servers = json!({"Servers": {"1": {
        "Name": shop.name, "Group": "Servers", "Host": host, "Port": port, "MaintenanceDB": DATABASE, "Username": "postgres",
        // In the user's own folder, to which PGPASS_FILE is copied.
        "SSLMode": "prefer", "PassFile": "/.pgpass",
    }}});
    let password = found.credentials.database.admin.reveal();
    let files = [
        (CONFIG.0, CONFIG.1.to_owned()),
        ("servers.json", servers.to_string()),
        ("pgpass", format!("{host}:{port}:*:postgres:{password}\n")),
    ];
    let secret = settings(shop, component, files);
    let contents = Contents {
        container: container(shop),
        volumes: vec![
            pod::secret_folder("settings", &shop.child(component)),
            pod::scratch("data", "256Mi"),
            pod::scratch("tmp", "256Mi"),
        ],
        hash: Some(hash(&(&secret.data, &found.credentials.pg_admin))),
    };
    let service = web_service(shop, component, &[("web", component.port())]);
    Ok(MonitoringPart { secret: Some(secret), ..part(component, service, deployment(shop, component, contents)?) })
}

fn container(shop: &Shop) -> Container {
    let component = Component::PgAdmin;
    // Its interpreter has this capability noted on it, and the kernel starts no program that may not have what is noted.
    let capabilities = Capabilities { add: Some(vec!["NET_BIND_SERVICE".into()]), drop: None };
    Container {
        env: Some(vec![
            pod::env("PGADMIN_DEFAULT_EMAIL", USER),
            pod::secret_env("PGADMIN_DEFAULT_PASSWORD", &credentials_secret(&shop.name), PASSWORD_KEY),
            pod::env("PGADMIN_LISTEN_ADDRESS", "0.0.0.0"),
            pod::env("PGADMIN_LISTEN_PORT", component.port().to_string()),
            pod::env("PGADMIN_SERVER_JSON_FILE", format!("{SETTINGS}/servers.json")),
            pod::env("PGPASS_FILE", format!("{SETTINGS}/pgpass")),
            // The upstream image would write settings of its own beside its program, unless it is shown some that are there.
            pod::env("PGADMIN_CUSTOM_CONFIG_DISTRO_FILE", format!("{SETTINGS}/{}", CONFIG.0)),
            pod::env("PGADMIN_DISABLE_POSTFIX", "true"),
            // With a login, and said here so that nothing laid over it says otherwise.
            pod::env("PGADMIN_CONFIG_SERVER_MODE", "True"),
            pod::env("SCRIPT_NAME", "/pgadmin"),
            pod::env("GUNICORN_THREADS", "4"),
            pod::env("HOME", "/tmp"),
        ]),
        ports: Some(vec![pod::port("web", component.port())]),
        volume_mounts: Some(vec![
            pod::read_only_mount("settings", SETTINGS),
            pod::mount("data", DATA),
            pod::mount("tmp", "/tmp"),
        ]),
        startup_probe: Some(pod::port_probe("web", 2, 90)),
        readiness_probe: Some(pod::port_probe("web", 5, 3)),
        liveness_probe: Some(pod::port_probe("web", 10, 6)),
        security_context: Some(SecurityContext { capabilities: Some(capabilities), ..SecurityContext::default() }),
        ..pod::container(shop, component, component)
    }
}
