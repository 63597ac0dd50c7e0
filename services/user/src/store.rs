//! SQL, and nothing but.

pub(crate) mod notifications;
pub(crate) mod users;
