//! What the service counts beside its requests.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// Registrations and logins.
#[derive(Clone, Debug)]
pub(crate) struct UserMetrics {
    pub(crate) registrations: IntCounter,
    logins: IntCounterVec,
}

/// How a login ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Login {
    Succeeded,
    Rejected,
    Limited,
}

impl UserMetrics {
    pub(crate) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let registrations = IntCounter::new("user_registrations_total", "Users registered")?;
        let logins = IntCounterVec::new(
            Opts::new("user_logins_total", "Logins, by outcome (succeeded, rejected, limited)"),
            &["outcome"],
        )?;
        registry.register(Box::new(registrations.clone()))?;
        registry.register(Box::new(logins.clone()))?;
        Ok(Self { registrations, logins })
    }

    pub(crate) fn login(&self, outcome: Login) {
        let outcome = match outcome {
            Login::Succeeded => "succeeded",
            Login::Rejected => "rejected",
            Login::Limited => "limited",
        };
        self.logins.with_label_values(&[outcome]).inc();
    }
}
