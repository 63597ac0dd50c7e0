//! What the operator can be told, by flag or environment.

mod monitoring_images;

use std::{net::SocketAddr, time::Duration};

use clap::Parser;
use shopkeeper_plan::ImageDefaults;

use crate::lease::LeaseSettings;

pub use monitoring_images::MonitoringImageArgs;

/// Runs online shops from `Store` resources.
#[derive(Clone, Debug, Parser)]
#[command(name = "operator", version)]
pub struct Args {
    /// Look after the Stores of these namespaces only, with commas between; all namespaces if left out
    #[arg(long, env = "WATCH_NAMESPACES", value_delimiter = ',')]
    pub watch_namespaces: Vec<String>,
    /// Stores worked on at the same time
    #[arg(long, env = "CONCURRENCY", default_value_t = 8)]
    pub concurrency: u16,
    /// Shops whose pods are replaced at the same time where nobody but another version of the operator wants that; all of them with 0
    #[arg(long, env = "ROLLOUTS_AT_ONCE", default_value_t = 5)]
    pub rollouts_at_once: u16,
    /// Where /metrics, /livez, /readyz and /loglevel are served
    #[arg(long, env = "METRICS_ADDR", default_value = "0.0.0.0:9090")]
    pub metrics_addr: SocketAddr,
    /// Name of the Lease that says which replica works
    #[arg(long, env = "LEASE_NAME", default_value = "shopkeeper-operator")]
    pub lease_name: String,
    /// Namespace of the Lease, which is the one that the operator runs in
    #[arg(long, env = "LEASE_NAMESPACE", default_value = "shopkeeper-system")]
    pub lease_namespace: String,
    /// Seconds after which the Lease of a replica that died is free
    #[arg(long, env = "LEASE_SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(3..=300))]
    pub lease_seconds: u64,
    /// Name of this replica; what tells it from a former process of the same name is added
    #[arg(long, env = "POD_NAME", default_value = "operator")]
    pub identity: String,
    /// Log as `json` or as `text`
    #[arg(long, env = "LOG_FORMAT", default_value = "json")]
    pub log_format: LogFormat,
    /// Registry of the shop's own images, where a Store names none
    #[arg(long, env = "DEFAULT_IMAGE_REGISTRY", default_value = "ghcr.io/shopkeeper")]
    pub default_image_registry: String,
    /// Tag of the shop's own images, where a Store names none
    #[arg(long, env = "DEFAULT_IMAGE_TAG", default_value = env!("CARGO_PKG_VERSION"))]
    pub default_image_tag: String,
    /// PostgreSQL image, where a Store names none
    #[arg(long, env = "DEFAULT_POSTGRES_IMAGE", default_value = "docker.io/library/postgres:17")]
    pub default_postgres_image: String,
    /// Redis image, where a Store names none
    #[arg(long, env = "DEFAULT_REDIS_IMAGE", default_value = "docker.io/library/redis:8")]
    pub default_redis_image: String,
    /// nginx image, where a Store names none
    #[arg(long, env = "DEFAULT_NGINX_IMAGE", default_value = "docker.io/library/nginx:1.29")]
    pub default_nginx_image: String,
    /// Images of what watches shops
    #[command(flatten)]
    pub monitoring_images: MonitoringImageArgs,
    /// Name and port under which the replicas' own figures are had, such as `shopkeeper-pods.shopkeeper-system.svc:9090`, for the Prometheus of each
    /// shop; they are not collected there if left out
    #[arg(long, env = "OPERATOR_METRICS", default_value = "")]
    pub operator_metrics: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// What the controller needs to know, apart from the process around it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Look after these namespaces only; after all, if it is empty.
    pub watch_namespaces: Vec<String>,
    /// Stores worked on at the same time.
    pub concurrency: u16,
    /// Shops whose pods are replaced at the same time where nobody has changed the Store; all of them, if it is none.
    pub rollouts_at_once: u16,
    /// One reconcile may take this long.
    pub reconcile_timeout: Duration,
    /// Every Store is looked at again after this long, whatever happened.
    pub resync: Duration,
    /// What the watches call unchanged is read all the same at the first look after this long.
    pub reread: Duration,
    /// Images where a Store names none.
    pub images: ImageDefaults,
    /// Name of this replica, in events.
    pub identity: String,
    /// The namespace that the operator runs in, from which it asks pods.
    pub operator_namespace: String,
    /// Name and port under which the operator's own figures are had.
    pub operator_metrics: Option<String>,
    /// Port on which the services' pods say which cache policies they run.
    pub pod_port: u16,
    /// How often pods are asked how often their caches had the answer.
    pub hits_every: Duration,
}

impl Args {
    /// The name of this process, which no other one ever had: one that died must not be taken for its successor in the same pod.
    pub fn unique_identity(&self) -> String {
        format!("{}_{:08x}", self.identity, rand::random::<u32>())
    }

    /// What is agreed on the Lease.
    pub fn lease(&self, identity: &str) -> LeaseSettings {
        LeaseSettings {
            name: self.lease_name.clone(),
            namespace: self.lease_namespace.clone(),
            identity: identity.to_owned(),
            duration: self.lease_duration(),
        }
    }

    /// After this time the Lease of a replica that died is free.
    pub fn lease_duration(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    /// What the controller needs to know.
    pub fn settings(&self, identity: &str) -> Settings {
        let mut watch_namespaces: Vec<_> =
            self.watch_namespaces.iter().map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect();
        watch_namespaces.sort();
        watch_namespaces.dedup();
        Settings {
            watch_namespaces,
            concurrency: self.concurrency,
            rollouts_at_once: self.rollouts_at_once,
            reconcile_timeout: Duration::from_secs(60),
            resync: Duration::from_secs(600),
            reread: Duration::from_secs(1800),
            identity: identity.to_owned(),
            operator_namespace: self.lease_namespace.clone(),
            operator_metrics: Some(self.operator_metrics.clone()).filter(|address| !address.is_empty()),
            pod_port: shopkeeper_plan::OPS_PORT,
            hits_every: Duration::from_secs(60),
            images: ImageDefaults {
                registry: self.default_image_registry.clone(),
                tag: self.default_image_tag.clone(),
                postgres: self.default_postgres_image.clone(),
                redis: self.default_redis_image.clone(),
                nginx: self.default_nginx_image.clone(),
                monitoring: self.monitoring_images.images(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_given_as_a_list_and_none_means_all() {
        let namespaces =
            |text: &str| Args::parse_from(["operator", "--watch-namespaces", text]).settings("it").watch_namespaces;
        assert_eq!(namespaces("shop, other,shop"), ["other", "shop"]);
        assert!(namespaces("").is_empty());
    }

    #[test]
    fn few_shops_are_rolled_out_at_a_time_unless_it_is_said_otherwise() {
        let at_once =
            |more: &[&str]| Args::parse_from(["operator"].iter().chain(more).copied()).settings("it").rollouts_at_once;
        assert_eq!((at_once(&[]), at_once(&["--rollouts-at-once", "0"])), (5, 0));
    }

    #[test]
    fn an_image_that_is_empty_cannot_be_had() {
        let images = |more: &[&str]| {
            let arguments = ["operator"].iter().chain(more).copied();
            Args::parse_from(arguments).settings("it").images.monitoring
        };
        assert!(images(&[]).grafana.contains("grafana"));
        assert_eq!(images(&["--default-grafana-image", ""]).grafana, "");
        assert_eq!(Args::parse_from(["operator"]).settings("it").operator_metrics, None);
    }

    #[test]
    fn two_processes_of_one_name_are_told_apart() {
        let args = Args::parse_from(["operator", "--identity", "operator-0"]);
        assert_ne!(args.unique_identity(), args.unique_identity());
        assert!(args.unique_identity().starts_with("operator-0_"));
    }
}
