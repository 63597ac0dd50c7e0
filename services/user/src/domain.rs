//! What users and notices are, without a word about HTTP or SQL.

mod notification;
mod user;

pub(crate) use notification::Notification;
pub(crate) use user::{NewUser, PasswordHash, User, Username, is_password, is_username};
