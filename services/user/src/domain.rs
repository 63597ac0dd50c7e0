//! What users, their sessions and notices are, without a word about HTTP or SQL.

mod notification;
mod session;
mod user;

pub(crate) use notification::{Notification, NotificationPosition};
pub(crate) use session::{EndedBy, Lifetimes, Presented, RefreshToken, SessionSecret, TokenHash, Verdict};
pub(crate) use user::{NewUser, PasswordHash, User, Username, is_full_name, is_password, is_username};
