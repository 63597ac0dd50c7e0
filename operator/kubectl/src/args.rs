//! What can be asked for.

use std::{fmt, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Stores of Shopkeeper: how they are, what belongs to them, and what is done with them by hand
#[derive(Debug, Parser)]
#[command(name = "kubectl-shopkeeper", bin_name = "kubectl shopkeeper", version)]
pub struct Cli {
    /// Where to look.
    #[command(flatten)]
    pub target: Target,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Where to look, as kubectl has it.
#[derive(Debug, Default, Args)]
pub struct Target {
    /// The Store's namespace; without it, that of the context
    #[arg(short, long, global = true)]
    pub namespace: Option<String>,
    /// The context of the kubeconfig; without it, the current one
    #[arg(long, global = true)]
    pub context: Option<String>,
    /// The kubeconfig file; without it, those of KUBECONFIG, or ~/.kube/config
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// How a Store is, what is wrong first; the exit code is 0 if it is Ready, and 1 if it is not
    Status {
        /// The Store; may be left out where there is only one
        store: Option<StoreName>,
        /// In which form.
        #[command(flatten)]
        shown: Shown,
    },
    /// All that belongs to a Store, as a tree, each with how it is
    Tree {
        /// The Store; may be left out where there is only one
        store: Option<StoreName>,
        /// `ReplicaSets` without pods too, as those of former versions
        #[arg(long)]
        all: bool,
        /// In which form.
        #[command(flatten)]
        shown: Shown,
    },
    /// Make the operator leave a Store as it is, running
    Pause {
        /// The Store
        store: StoreName,
    },
    /// End a pause
    Resume {
        /// The Store
        store: StoreName,
    },
    /// Let nothing of a Store run, its data kept
    Suspend {
        /// The Store
        store: StoreName,
    },
    /// Let a suspended Store run again
    Wake {
        /// The Store
        store: StoreName,
    },
    /// Make a backup of the database now
    Backup {
        /// The Store
        store: StoreName,
    },
    /// Replace the key that signs access tokens; nobody is logged out by it
    RotateKeys {
        /// The Store
        store: StoreName,
        /// Sign with the new key at once: for a key that somebody else may have. What that one signs is believed for about 20 minutes more
        #[arg(long)]
        now: bool,
    },
    /// The logs of all pods of a Store's services, or of one part of it
    Logs(LogsOf),
    /// What the reason of a condition means, and what to do
    Explain {
        /// The reason; without it, all of them
        reason: Option<String>,
        /// In which form.
        #[command(flatten)]
        shown: Shown,
    },
}

/// Whose logs.
#[derive(Debug, Args)]
pub struct LogsOf {
    /// The Store
    pub store: StoreName,
    /// The part: catalog, cart, order, user, gateway, postgres and so on; without it, the four services
    pub service: Option<String>,
    /// Go on with what comes
    #[arg(short, long)]
    pub follow: bool,
    /// Of the process before the one that runs
    #[arg(short, long)]
    pub previous: bool,
    /// So many lines of each container
    #[arg(long, default_value_t = 20)]
    pub tail: u32,
}

/// In which form it is shown.
#[derive(Clone, Copy, Debug, Args)]
pub struct Shown {
    /// For people, or for programs
    #[arg(short, long, value_enum, default_value_t = Form::Text)]
    pub output: Form,
}

/// A form in which something can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The name of a Store. `store/demo` is the same as `demo`, as kubectl has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreName(String);

impl StoreName {
    /// The name alone.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for StoreName {
    fn from(text: &str) -> Self {
        let bare = match text.split_once('/') {
            Some(("store" | "stores" | "stores.shopkeeper.dev" | "shop", name)) => name,
            _ => text,
        };
        Self(bare.to_owned())
    }
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_contradict_nowhere() {
        Cli::command().debug_assert();
    }

    #[test]
    fn each_command_says_what_it_does_and_not_what_its_flags_are_about() {
        for command in Cli::command().get_subcommands() {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!about.is_empty() && !about.starts_with("In which form"), "{}: {about}", command.get_name());
        }
    }

    #[test]
    fn where_to_look_may_stand_anywhere_after_the_plugins_name() {
        for arguments in [["-n", "shop", "status", "demo"], ["status", "demo", "--namespace", "shop"]] {
            let cli = Cli::try_parse_from(["kubectl-shopkeeper"].into_iter().chain(arguments)).unwrap();
            assert_eq!(cli.target.namespace.as_deref(), Some("shop"));
        }
    }

    #[test]
    fn a_store_may_be_named_with_its_kind() {
        for text in ["demo", "store/demo", "stores/demo", "stores.shopkeeper.dev/demo", "shop/demo"] {
            assert_eq!(StoreName::from(text).as_str(), "demo");
        }
    }
}
