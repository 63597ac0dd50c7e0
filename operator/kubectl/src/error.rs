//! What goes wrong, each with what to do.

use std::{error::Error as _, io};

use kube::config::{InferConfigError, KubeconfigError};

/// What goes wrong. What is said of it is for people.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kubeconfig, or the context in it, cannot be used.
    #[error(
        "the kubeconfig cannot be used ({0}): name a file with --kubeconfig, and one of its contexts with --context"
    )]
    Kubeconfig(#[from] KubeconfigError),
    /// There is no kubeconfig, and this is no pod.
    #[error("there is no kubeconfig ({}): name one with --kubeconfig or in KUBECONFIG", of_people(.0))]
    NoKubeconfig(#[from] InferConfigError),
    /// There is no client for this configuration.
    #[error("the cluster of this kubeconfig cannot be talked to: {0}")]
    Client(#[source] Box<kube::Error>),
    /// The cluster has no such kind.
    #[error(
        "this cluster does not know Stores: install the operator (charts/shopkeeper), or name another cluster with --context"
    )]
    NotInstalled,
    /// There is none of this name.
    #[error("there is no Store {name} in namespace {namespace}{}", those(.there.as_deref()))]
    NoSuchStore {
        /// The name.
        name: String,
        /// Where it was looked for.
        namespace: String,
        /// The Stores there, if they can be listed.
        there: Option<Vec<String>>,
    },
    /// There is none at all.
    #[error(
        "there is no Store in namespace {0}; name another one with --namespace: `kubectl get stores --all-namespaces` shows where there are"
    )]
    NoStore(String),
    /// It is not said which.
    #[error("there are several Stores in namespace {namespace}, name one of them: {}", .there.join(", "))]
    SeveralStores {
        /// Where.
        namespace: String,
        /// The Stores there.
        there: Vec<String>,
    },
    /// Something that the user's roles do not allow.
    #[error(
        "you may not {verb} {resource} in namespace {namespace}: a Role there must allow it, or another --context has one that does ({message})"
    )]
    Forbidden {
        /// As in a rule of a Role.
        verb: &'static str,
        /// As in a rule of a Role.
        resource: String,
        /// Where.
        namespace: String,
        /// What the API server says.
        message: String,
    },
    /// The API server says no for another reason.
    #[error("the API server does not {verb} {resource}: {message}")]
    Refused {
        /// What was asked for.
        verb: &'static str,
        /// Of what.
        resource: String,
        /// What the API server says.
        message: String,
    },
    /// The API server does not answer, or something else than it should.
    #[error("no answer to {verb} {resource} from the API server ({}): is it the right --context, and does the cluster run?", because(.source))]
    NoAnswer {
        /// What was asked for.
        verb: &'static str,
        /// Of what.
        resource: String,
        /// Why.
        source: Box<kube::Error>,
    },
    /// A status that is not of the form that this version knows.
    #[error(
        "the status of Store {name} is not as this version ({version}) reads it ({source}): use the plugin of the operator's version, or \
         `kubectl get store {name} --output yaml`",
        version = env!("CARGO_PKG_VERSION")
    )]
    Unreadable {
        /// The Store.
        name: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Nothing makes backups.
    #[error(
        "nothing makes backups of Store {0}: write spec.database.managed.backup (`{{}}` is enough). Another database than a managed one has its \
         own way to make them"
    )]
    NoBackups(String),
    /// There is a `CronJob` of the name, but it is somebody else's.
    #[error(
        "CronJob {cron_job} does not belong to Store {store}, so no backup is made by it: `kubectl get cronjob {cron_job} --output yaml` tells \
         whose it is; the operator makes one of this name where there is none"
    )]
    OthersBackups {
        /// The Store.
        store: String,
        /// The `CronJob`.
        cron_job: String,
    },
    /// The database does not run.
    #[error("Store {0} is suspended, so its database does not run: `kubectl shopkeeper wake {0}` first")]
    Suspended(String),
    /// No pod has logs.
    #[error("there is no pod of {part} of Store {store}; there are pods of {}", any(.there))]
    NoPods {
        /// The Store.
        store: String,
        /// What was asked for.
        part: String,
        /// The parts with pods.
        there: Vec<String>,
    },
    /// No condition has this reason.
    #[error("no condition has the reason {reason:?}; there are {}", .there.join(", "))]
    NoSuchReason {
        /// What was asked for.
        reason: String,
        /// All reasons.
        there: Vec<String>,
    },
    /// It could not be made JSON.
    #[error("it cannot be shown as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It could not be written.
    #[error("it cannot be written: {0}")]
    Output(#[from] io::Error),
}

impl Error {
    /// What came of asking the API server for something.
    pub(crate) fn of(error: kube::Error, verb: &'static str, resource: &str, namespace: &str) -> Self {
        let resource = resource.to_owned();
        match error {
            kube::Error::Api(status) if status.is_forbidden() => {
                Self::Forbidden { verb, resource, namespace: namespace.to_owned(), message: status.message }
            }
            kube::Error::Api(status) => Self::Refused { verb, resource, message: status.message },
            other => Self::NoAnswer { verb, resource, source: Box::new(other) },
        }
    }
}

/// Which Stores there are.
fn those(there: Option<&[String]>) -> String {
    match there {
        None => "; which there are, you may not list".to_owned(),
        Some([]) => ", nor any other: `kubectl get stores --all-namespaces` shows where there are".to_owned(),
        Some(names) => format!(", which has: {}", names.join(", ")),
    }
}

fn any(there: &[String]) -> String {
    if there.is_empty() { "nothing: it is suspended, or just being made".to_owned() } else { there.join(", ") }
}

/// Why there is no kubeconfig. That this is no pod either is nothing new to people.
fn of_people(error: &InferConfigError) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

/// An error with what is behind it, which its own text need not say.
fn because(error: &kube::Error) -> String {
    let mut text = error.to_string();
    let mut behind = error.source();
    while let Some(error) = behind {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        behind = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn of(error: kube::Error) -> String {
        Error::of(error, "list", "stores", "shop").to_string()
    }

    fn api(code: u16, reason: &str, message: &str) -> kube::Error {
        kube::Error::Api(Status::failure(message, reason).with_code(code).boxed())
    }

    #[test]
    fn whoever_lacks_a_right_is_told_which() {
        let text = of(api(403, "Forbidden", "stores is forbidden"));
        assert!(
            text.starts_with("you may not list stores in namespace shop: ") && text.contains("is forbidden"),
            "{text}"
        );
    }

    #[test]
    fn what_the_api_server_says_is_told() {
        let text = of(api(422, "Invalid", "spec.suspend: Invalid value"));
        assert_eq!(text, "the API server does not list stores: spec.suspend: Invalid value");
    }

    #[derive(Debug, thiserror::Error)]
    #[error("client error")]
    struct Connect(#[source] io::Error);

    #[test]
    fn why_nobody_answers_is_told_to_its_end() {
        let text = of(kube::Error::Service(Box::new(Connect(io::Error::other("the port is closed")))));
        assert!(
            text.contains("client error: the port is closed") && text.contains("is it the right --context"),
            "{text}"
        );
    }

    #[test]
    fn where_there_is_no_such_store_those_that_there_are_are_named() {
        let text = |there: Option<Vec<String>>| {
            Error::NoSuchStore { name: "demo".into(), namespace: "shop".into(), there }.to_string()
        };
        assert_eq!(
            text(Some(vec!["a".into(), "b".into()])),
            "there is no Store demo in namespace shop, which has: a, b"
        );
        assert!(text(Some(Vec::new())).starts_with("there is no Store demo in namespace shop, nor any other: "));
        assert!(text(None).ends_with("; which there are, you may not list"));
    }
}
