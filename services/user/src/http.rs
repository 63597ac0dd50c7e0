//! The handlers, a file for each resource.

pub(crate) mod admin;
pub(crate) mod admin_login;
pub(crate) mod admin_session;
pub(crate) mod health;
pub(crate) mod internal;
pub(crate) mod jwks;
pub(crate) mod notifications;
pub(crate) mod password;
pub(crate) mod profile;
pub(crate) mod sessions;
pub(crate) mod token;
pub(crate) mod users;
