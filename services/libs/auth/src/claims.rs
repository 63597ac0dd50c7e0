//! What an access token says.

use std::fmt;
use std::str::FromStr;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shop_types::{SessionId, UserId};
use time::OffsetDateTime;

/// Who issues access tokens.
pub const ISSUER: &str = "shopkeeper";

/// For whom they are issued.
pub const AUDIENCE: &str = "shop";

/// For what an administrator's browser is let in to: dashboards and tools, which ask the user service alone.
pub const ADMIN_AUDIENCE: &str = "shop-admin";

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Runs the shop.
    Admin,
    /// Buys in it.
    User,
}

/// The text is not a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role is one of admin, user")]
pub struct UnknownRole;

impl Role {
    /// The name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::User => "user",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "admin" => Ok(Self::Admin),
            "user" => Ok(Self::User),
            _ => Err(UnknownRole),
        }
    }
}

/// The content of an access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// [`ISSUER`].
    pub iss: String,
    /// [`AUDIENCE`], or another for a token that is no access token.
    pub aud: String,
    /// The user.
    pub sub: UserId,
    /// The user's name, to greet with.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// The session that it belongs to and ends with. Without one it can't be revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
}

impl Claims {
    /// What a token of this user says that is good from now on for `lifetime`.
    pub fn lasting(lifetime: Duration, user: UserId, name: &str, role: Role) -> Self {
        let iat = OffsetDateTime::now_utc().unix_timestamp();
        Self {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            name: name.to_owned(),
            role,
            iat,
            exp: iat.saturating_add(i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX)),
            sid: None,
        }
    }

    /// The same as a part of a session.
    #[must_use]
    pub fn of_session(self, session: SessionId) -> Self {
        Self { sid: Some(session), ..self }
    }

    /// The same for another audience, so that it is no access token.
    #[must_use]
    pub fn for_audience(self, audience: &str) -> Self {
        Self { aud: audience.to_owned(), ..self }
    }

    /// Whether the token has ended by itself.
    pub fn is_over(&self) -> bool {
        self.exp <= OffsetDateTime::now_utc().unix_timestamp()
    }
}
