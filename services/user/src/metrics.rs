//! What the service counts beside its requests.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// Registrations, logins and what they cost.
#[derive(Clone, Debug)]
pub(crate) struct UserMetrics {
    pub(crate) registrations: IntCounter,
    logins: IntCounterVec,
    refreshes: IntCounterVec,
    pub(crate) hashes: IntCounterVec,
}

/// How a login ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Login {
    Succeeded,
    Rejected,
    Limited,
    /// Something was away, or too busy.
    Failed,
}

/// What became of a refresh token.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refresh {
    /// It was used up for its successor.
    Rotated,
    /// It came back within moments, and its successor was given out again.
    Repeated,
    /// It came back later, and its session was ended.
    Reused,
    /// It was none, or its session was over.
    Rejected,
    /// There were too many.
    Limited,
}

impl UserMetrics {
    pub(crate) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let registrations = IntCounter::new("user_registrations_total", "Users registered")?;
        let logins = IntCounterVec::new(
            Opts::new("user_logins_total", "Logins, by outcome (succeeded, rejected, limited, failed)"),
            &["outcome"],
        )?;
        let refreshes = IntCounterVec::new(
            Opts::new(
                "user_refreshes_total",
                "Refresh tokens, by outcome (rotated, repeated, reused, rejected, limited)",
            ),
            &["outcome"],
        )?;
        let hashes = IntCounterVec::new(
            Opts::new("user_password_hashes_total", "Passwords hashed or checked, by algorithm (argon2id, bcrypt)"),
            &["algorithm"],
        )?;
        registry.register(Box::new(registrations.clone()))?;
        for counters in [&logins, &refreshes, &hashes] {
            registry.register(Box::new(counters.clone()))?;
        }
        Ok(Self { registrations, logins, refreshes, hashes })
    }

    pub(crate) fn login(&self, outcome: Login) {
        let outcome = match outcome {
            Login::Succeeded => "succeeded",
            Login::Rejected => "rejected",
            Login::Limited => "limited",
            Login::Failed => "failed",
        };
        self.logins.with_label_values(&[outcome]).inc();
    }

    pub(crate) fn refresh(&self, outcome: Refresh) {
        let outcome = match outcome {
            Refresh::Rotated => "rotated",
            Refresh::Repeated => "repeated",
            Refresh::Reused => "reused",
            Refresh::Rejected => "rejected",
            Refresh::Limited => "limited",
        };
        self.refreshes.with_label_values(&[outcome]).inc();
    }
}
