//! The database: all SQL is in here.

pub(crate) mod notifications;
pub(crate) mod revocations;
pub(crate) mod sessions;
pub(crate) mod users;
