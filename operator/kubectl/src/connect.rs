//! To the cluster and the namespace that are meant.

use http::{HeaderValue, header::USER_AGENT};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

use crate::{args::Target, error::Error, fetch::Shops};

/// How the plugin calls itself in the API server's audit log.
const NAME: &str = concat!("kubectl-shopkeeper/", env!("CARGO_PKG_VERSION"));

pub(crate) async fn connect(target: &Target) -> Result<Shops, Error> {
    let mut config = config(target).await?;
    config.headers.push((USER_AGENT, HeaderValue::from_static(NAME)));
    let namespace = target.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let client = Client::try_from(config).map_err(|error| Error::Client(Box::new(error)))?;
    Ok(Shops::new(client, namespace))
}

async fn config(target: &Target) -> Result<Config, Error> {
    let options = KubeConfigOptions { context: target.context.clone(), ..KubeConfigOptions::default() };
    match &target.kubeconfig {
        Some(file) => Ok(Config::from_custom_kubeconfig(Kubeconfig::read_from(file)?, &options).await?),
        None if target.context.is_some() => Ok(Config::from_kubeconfig(&options).await?),
        None => Ok(Config::infer().await?),
    }
}
