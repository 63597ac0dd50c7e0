//! Whoever is on call: faults that are caused as the book tells, the alerts that they raise, and the messages that arrive.

mod guide;
mod shell;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Node, Secret};
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, PostParams};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::cluster::{Cluster, ClusterError};
use crate::watch::telegram::{Message, Telegram};
use crate::watch::{Admin, WatchError, until};

pub use guide::{Section, sections};
use shell::Typed;

const NAMESPACE: &str = "shop";
const STORE: &str = "demo";
const SECRET: &str = "on-call";
const TOKEN: &str = "12345:provoked";
const CHAT: &str = "-1001";

/// How long an alert is given to fire, and to be over.
const LIMIT: Duration = Duration::from_secs(360);

/// How long what was broken before is given to be over.
const CALM: Duration = Duration::from_secs(1200);

/// Why an alert was not seen to come and go.
#[derive(Debug, thiserror::Error)]
pub enum OnCallError {
    /// What a section tells to type failed.
    #[error("{section}: {commands}\n{said}")]
    Typed {
        /// The section.
        section: String,
        /// What was typed.
        commands: String,
        /// What was said.
        said: String,
    },
    /// Nothing can listen for messages, or be typed, on this machine.
    #[error("this machine can't be used for it")]
    Machine(#[from] std::io::Error),
    /// The cluster did not do what it was asked.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The API server refused.
    #[error("the API server refused")]
    Kubernetes(#[from] kube::Error),
    /// It was not seen.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// Somebody has other plans.
    #[error("interrupted")]
    Interrupted,
    /// The cluster has no node with an address.
    #[error("no node of the cluster has an address of its own, so that pods can't reach this machine")]
    NoAddress,
}

/// What was seen of a section.
#[derive(Clone, Debug)]
pub struct Seen {
    /// From the fault to the message of the last of its alerts.
    pub told_after: Duration,
    /// From the mending to the message that it is over.
    pub over_after: Duration,
}

/// A shop whose alerts go to a Telegram of this process, on the short windows of a demonstration.
pub struct OnCall {
    client: Client,
    cluster: Cluster,
    admin: Admin,
    telegram: Telegram,
    interrupted: CancellationToken,
}

impl OnCall {
    /// Points the sample shop's alerts here. After an interruption nothing is waited for, and what was broken is mended all the same.
    pub async fn begin(shop_url: &str, interrupted: CancellationToken) -> Result<Self, OnCallError> {
        let client = Client::try_default().await?;
        let cluster = Cluster::connect(NAMESPACE, STORE).await?;
        let telegram = Telegram::start().await?;
        let address = address(&client).await?;
        let secrets = Api::<Secret>::namespaced(client.clone(), NAMESPACE);
        let _ = secrets.delete(SECRET, &DeleteParams::default()).await;
        let data = [("token".to_owned(), TOKEN.to_owned()), ("chat".to_owned(), CHAT.to_owned())].into();
        let metadata = ObjectMeta { name: Some(SECRET.into()), ..ObjectMeta::default() };
        let secret = Secret { metadata, string_data: Some(data), ..Secret::default() };
        secrets.create(&PostParams::default(), &secret).await?;
        let api_url = format!("http://{address}:{}", telegram.port);
        let told = json!({"secretRef": {"name": SECRET}, "apiUrl": api_url});
        cluster.patch(&spec(&told, &json!("Demo"))).await?;
        let on_call = Self { client, cluster, admin: Admin::log_in(shop_url).await?, telegram, interrupted };
        on_call.until_running().await?;
        Ok(on_call)
    }

    /// Points them to where they were.
    pub async fn end(self) -> Result<(), OnCallError> {
        self.cluster.patch(&spec(&Value::Null, &Value::Null)).await?;
        let secrets = Api::<Secret>::namespaced(self.client.clone(), NAMESPACE);
        secrets.delete(SECRET, &DeleteParams::default()).await?;
        self.until_running().await
    }

    /// Waits until Prometheus and Alertmanager run with the settings that they have now.
    async fn until_running(&self) -> Result<(), OnCallError> {
        self.cluster.settled("alertmanager", Some(1)).await?;
        let look = async || {
            let (targets, alerts) = (self.admin.targets().await, self.admin.alerts().await);
            let up =
                |job: &str| targets.iter().flatten().any(|target| target.labels["job"] == job && target.health == "up");
            let watched = alerts.is_ok_and(|alerts| alerts.iter().any(|alert| alert.name() == "Watchdog"));
            Ok((up("alertmanager") && up("prometheus") && watched).then_some(()))
        };
        until("Prometheus and Alertmanager run", LIMIT, look).await?;
        Ok(())
    }

    /// Causes a fault, waits for its alerts, mends it, and waits until they are over.
    pub async fn provoke(&self, section: &Section) -> Result<Seen, OnCallError> {
        // Prometheus may still be starting with the settings that the fault before this one had changed.
        self.unless_interrupted(self.until_running()).await?;
        self.unless_interrupted(self.quiet(section)).await?;
        let (before, began) = (self.telegram.all().len(), Instant::now());
        let mut cause = Typed::start(section, &section.cause)?;
        let told = tokio::select! {
            told = self.unless_interrupted(self.told(section, before)) => told,
            failure = cause.failed() => Err(failure),
        };
        let told_after = began.elapsed();
        cause.stop();
        // An alert may be over by itself, as when nobody shops any more: only what is told after the mending is its doing.
        let (before, mended) = (self.telegram.all().len(), Instant::now());
        // It is mended whatever was seen, so that the shop is whole for the next one.
        Typed::start(section, &section.mend)?.finish().await?;
        told?;
        self.unless_interrupted(self.over(section, before)).await?;
        Ok(Seen { told_after, over_after: mended.elapsed() })
    }

    async fn unless_interrupted<T>(
        &self,
        wait: impl Future<Output = Result<T, OnCallError>>,
    ) -> Result<T, OnCallError> {
        self.interrupted.run_until_cancelled(Box::pin(wait)).await.unwrap_or(Err(OnCallError::Interrupted))
    }

    /// Waits until none of the alerts fires that the fault is for: a message repeats what still fires of the one before.
    async fn quiet(&self, section: &Section) -> Result<(), OnCallError> {
        let look = async || {
            let firing = self.admin.alerts().await?.into_iter().filter(|alert| alert.state == "firing");
            let ours: Vec<_> = firing.filter(|alert| section.alerts.iter().any(|name| name == alert.name())).collect();
            Ok(ours.is_empty().then_some(()))
        };
        until(&format!("no alert of {} fires yet", section.title()), CALM, look).await?;
        Ok(())
    }

    /// A message has arrived that says of each alert that it fires.
    async fn told(&self, section: &Section, before: usize) -> Result<(), OnCallError> {
        let mut missing: BTreeSet<&str> = section.alerts.iter().map(String::as_str).collect();
        let look = async || {
            let messages = self.telegram.all();
            missing.retain(|alert| !messages[before..].iter().any(|message| says(message, alert)));
            Ok(missing.is_empty().then_some(()))
        };
        until(&format!("all alerts of {}", section.title()), LIMIT, look).await.map_err(|error| match error {
            WatchError::Late { what, waited } => {
                let messages: Vec<_> = self.telegram.all()[before..].iter().map(|it| it.text.clone()).collect();
                WatchError::Late { what: format!("{what}; there came {messages:#?}"), waited }.into()
            }
            other => other.into(),
        })
    }

    /// A message has arrived that says of each alert that it is over.
    async fn over(&self, section: &Section, before: usize) -> Result<(), OnCallError> {
        for alert in &section.alerts {
            let is_over = |message: &Message| says_over(message, alert);
            let arrived = async || Ok(self.telegram.all()[before..].iter().any(is_over).then_some(()));
            until(&format!("the message that {alert} is over"), LIMIT, arrived).await?;
        }
        Ok(())
    }
}

/// A message names an alert that fires.
fn says(message: &Message, alert: &str) -> bool {
    message.token == TOKEN
        && message.chat == CHAT
        && message.text.lines().any(|line| line.contains(&format!("<b>{alert}</b>")) && !line.ends_with("is over"))
}

/// A message says that an alert is over.
fn says_over(message: &Message, alert: &str) -> bool {
    message.text.lines().any(|line| line.contains(&format!("<b>{alert}</b>")) && line.ends_with("is over"))
}

fn spec(telegram: &Value, windows: &Value) -> Value {
    json!({"spec": {"monitoring": {"alertmanager": {"telegram": telegram}, "alerts": {"windows": windows}}}})
}

/// The address of this machine, which is the only node.
async fn address(client: &Client) -> Result<String, OnCallError> {
    let nodes = Api::<Node>::all(client.clone()).list(&ListParams::default()).await?;
    let addresses = nodes.items.into_iter().filter_map(|node| node.status?.addresses).flatten();
    let mut internal = addresses.filter(|address| address.type_ == "InternalIP");
    internal.next().map(|address| address.address).ok_or(OnCallError::NoAddress)
}
