//! A PostgreSQL of the shop's own: one pod, one volume.

use std::collections::BTreeMap;

use k8s_openapi::api::{
    apps::v1::{StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy},
    core::v1::{
        ConfigMap, ConfigMapVolumeSource, Container, ExecAction, Lifecycle, LifecycleHandler, PersistentVolumeClaim,
        Service, Volume,
    },
};
use shopkeeper_api::{ManagedDatabase, Profile};

use crate::{
    Component, Found, InvalidStore, Shop,
    claim::{claim, claimed},
    database::{DATABASE, passwords_secret},
    hash::hash,
    meta,
    pod::{self, CONFIG_HASH, PodParts},
    service::cluster_service,
};

const VOLUME: &str = "/var/lib/postgresql/data";
const SOCKETS: &str = "/run/postgresql";
const CONFIG: &str = "/etc/shopkeeper";

/// A managed PostgreSQL.
#[derive(Clone, Debug)]
pub struct PostgresParts {
    /// Settings of the server and who may connect.
    pub config: ConfigMap,
    /// The volume. It has an owner only when it is to go with the Store.
    pub volume: PersistentVolumeClaim,
    /// The name under which the services reach it.
    pub service: Service,
    /// The server.
    pub stateful_set: StatefulSet,
}

pub(crate) fn postgres(shop: &Shop, found: &Found, managed: &ManagedDatabase) -> Result<PostgresParts, InvalidStore> {
    let config = config(shop);
    Ok(PostgresParts {
        volume: claim(shop, Component::Postgres, &managed.storage),
        service: cluster_service(shop, Component::Postgres),
        stateful_set: stateful_set(shop, found, &config)?,
        config,
    })
}

fn config(shop: &Shop) -> ConfigMap {
    let shared_buffers = match shop.profile {
        Profile::Laptop => "64MB",
        Profile::Standard => "256MB",
        Profile::HighAvailability => "512MB",
    };
    let settings = format!(
        "listen_addresses = '*'\n\
         unix_socket_directories = '{SOCKETS}'\n\
         hba_file = '{CONFIG}/pg_hba.conf'\n\
         max_connections = 200\n\
         shared_buffers = {shared_buffers}\n\
         password_encryption = 'scram-sha-256'\n\
         timezone = 'UTC'\n\
         log_timezone = 'UTC'\n"
    );
    // The socket is in the pod only, and only the server's own user gets in by it.
    let (access, over_tcp) = ("local all postgres peer", "host all all all scram-sha-256\n");
    let mut files = BTreeMap::new();
    if shop.pods(Component::Postgres).security.run_as_user.is_some() {
        // That user is called otherwise than the superuser.
        files.insert("postgresql.conf".into(), format!("{settings}ident_file = '{CONFIG}/pg_ident.conf'\n"));
        files.insert("pg_hba.conf".into(), format!("{access} map=pod\n{over_tcp}"));
        files.insert("pg_ident.conf".into(), "pod /^.* postgres\n".into());
    } else {
        files.insert("postgresql.conf".into(), settings);
        files.insert("pg_hba.conf".into(), format!("{access}\n{over_tcp}"));
    }
    ConfigMap {
        metadata: meta::owned(shop, shop.child(Component::Postgres), Component::Postgres),
        data: Some(files),
        ..ConfigMap::default()
    }
}

/// Makes the data folder when there is none, sets the superuser's password to what the Secret says, and becomes the server.
///
/// The folder gets its name only when it is complete, so a pod that was killed while making it starts afresh. The password is set at
/// every start because a kept volume may be older than the Secret. The folder is closed to its group at every start: for another group the
/// kubelet opens all that is in the volume, and the server starts in no folder that others may write to.
fn start_script() -> String {
    format!(
        "umask 077\n\
         data={VOLUME}/pgdata\n\
         if [ ! -s \"$data/PG_VERSION\" ]; then\n\
         \x20 rm -rf \"$data.new\"\n\
         \x20 initdb --pgdata=\"$data.new\" --username=postgres --auth=scram-sha-256 --pwfile=/run/secrets/postgres/password \\\n\
         \x20   --encoding=UTF8 --locale=C --data-checksums >/dev/null\n\
         \x20 echo 'CREATE DATABASE {DATABASE};' | postgres --single -D \"$data.new\" postgres >/dev/null\n\
         \x20 mv \"$data.new\" \"$data\"\n\
         fi\n\
         if [ -O \"$data\" ]; then chmod 0700 \"$data\"; fi\n\
         read -r password </run/secrets/postgres/password || true\n\
         printf \"ALTER ROLE postgres WITH PASSWORD '%s';\\n\" \"$password\" | postgres --single -D \"$data\" postgres >/dev/null\n\
         exec postgres -D \"$data\" -c config_file={CONFIG}/postgresql.conf\n"
    )
}

fn stateful_set(shop: &Shop, found: &Found, config: &ConfigMap) -> Result<StatefulSet, InvalidStore> {
    let component = Component::Postgres;
    let name = shop.child(component);
    let contents = (&config.data, &found.credentials.database.admin);
    Ok(StatefulSet {
        metadata: meta::owned(shop, name.clone(), component),
        spec: Some(StatefulSetSpec {
            replicas: Some(shop.running(1)),
            service_name: Some(name.clone()),
            selector: meta::selector(shop, component),
            update_strategy: Some(StatefulSetUpdateStrategy {
                type_: Some("RollingUpdate".into()),
                ..StatefulSetUpdateStrategy::default()
            }),
            template: pod::template(
                shop,
                PodParts {
                    component,
                    containers: vec![container(shop)],
                    volumes: vec![
                        claimed(shop, component, "data"),
                        Volume {
                            name: "config".into(),
                            config_map: Some(ConfigMapVolumeSource { name, ..ConfigMapVolumeSource::default() }),
                            ..Volume::default()
                        },
                        pod::secret_file("password", &passwords_secret(&shop.name), "admin", "password"),
                        pod::scratch("sockets", "1Mi"),
                        pod::scratch("tmp", "256Mi"),
                    ],
                    annotations: BTreeMap::from([(CONFIG_HASH.into(), hash(&contents))]),
                    grace_seconds: 60,
                    restart_policy: None,
                },
            )?,
            ..StatefulSetSpec::default()
        }),
        ..StatefulSet::default()
    })
}

fn container(shop: &Shop) -> Container {
    let component = Component::Postgres;
    // The default stop signal waits until the last client has gone; this does not.
    let halt = ["pg_ctl", "stop", "-m", "fast", "-D", "/var/lib/postgresql/data/pgdata"];
    let halt = ExecAction { command: Some(halt.iter().map(ToString::to_string).collect()) };
    let answers = ["pg_isready", "-q", "-h", SOCKETS, "-U", "postgres", "-d", "postgres"];
    Container {
        command: Some(vec!["/bin/sh".into(), "-ec".into(), start_script()]),
        env: Some(vec![pod::env("PGHOST", SOCKETS), pod::env("PGUSER", "postgres")]),
        ports: Some(vec![pod::port("postgres", component.port())]),
        volume_mounts: Some(vec![
            pod::mount("data", VOLUME),
            pod::read_only_mount("config", CONFIG),
            pod::read_only_mount("password", "/run/secrets/postgres"),
            pod::mount("sockets", SOCKETS),
            pod::mount("tmp", "/tmp"),
        ]),
        startup_probe: Some(pod::exec_probe(&answers, 1, 600)),
        readiness_probe: Some(pod::exec_probe(&answers, 5, 2)),
        liveness_probe: Some(pod::exec_probe(&answers, 10, 6)),
        lifecycle: Some(Lifecycle {
            pre_stop: Some(LifecycleHandler { exec: Some(halt), ..LifecycleHandler::default() }),
            ..Lifecycle::default()
        }),
        ..pod::container(shop, component, component)
    }
}
