//! Sessions: what a login begins, and how its refresh tokens follow each other.
//!
//! A refresh token is good once: it is given back for an access token and its successor. One that comes back later was stolen, from its
//! owner or by its owner's successor: nobody can tell who is who, so the session ends. Two tabs that refresh at once, or a client that never
//! got its answer, also present a token twice, but within moments, and they are given the same successor again. As there is one
//! chain of tokens and never a fork, a thief who uses those moments is noticed at the next refresh.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use shop_auth::Role;
use shop_types::{SessionId, UserId};
use time::OffsetDateTime;

/// How long a token that was used may come back without being taken for stolen: longer than a request may take, and than a client waits
/// before it tries again.
const TWIN_GRACE: Duration = Duration::from_secs(30);

/// The bytes of a refresh token.
const TOKEN_BYTES: usize = 32;

/// How long things of a session last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    /// An access token.
    pub(crate) access: Duration,
    /// A session that is not refreshed.
    pub(crate) idle: Duration,
    /// A session, whatever happens.
    pub(crate) absolute: Duration,
}

/// 256 bits by which a session is gone on with. It is kept nowhere but with the client.
pub(crate) struct RefreshToken([u8; TOKEN_BYTES]);

/// What is kept of a refresh token. It has too many bits to be guessed, so it needs no slow hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenHash(pub(crate) [u8; 32]);

/// What successors of a session's tokens are made with.
pub(crate) struct SessionSecret(pub(crate) [u8; 64]);

impl RefreshToken {
    /// A new one, unlike any other.
    pub(crate) fn generate() -> Self {
        Self(rand::random())
    }

    /// What a client sent; none if no token looks like that.
    pub(crate) fn read(text: &SecretString) -> Option<Self> {
        // Anything longer is not worth decoding.
        let text = Some(text.expose_secret()).filter(|text| text.len() <= 2 * TOKEN_BYTES)?;
        Some(Self(URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?))
    }

    /// What the client is to send.
    pub(crate) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0).into())
    }

    /// The token that follows this one in its session: always the same.
    pub(crate) fn successor(&self, secret: &SessionSecret) -> Self {
        let mut mac = Hmac::<Sha256>::new(&secret.0.into());
        mac.update(&self.0);
        Self(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(…)")
    }
}

impl SessionSecret {
    pub(crate) fn generate() -> Self {
        Self(rand::random())
    }
}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSecret(…)")
    }
}

/// Why a session was ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndedBy {
    Logout,
    LogoutEverywhere,
    Password,
    Role,
    Reuse,
}

impl EndedBy {
    /// The name in the database.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::LogoutEverywhere => "logout-everywhere",
            Self::Password => "password",
            Self::Role => "role",
            Self::Reuse => "reuse",
        }
    }
}

/// A refresh token that was presented, and the session that it belongs to.
#[derive(Debug)]
pub(crate) struct Presented {
    pub(crate) session: SessionId,
    pub(crate) user: UserId,
    pub(crate) full_name: String,
    pub(crate) role: Role,
    pub(crate) secret: SessionSecret,
    /// The number of this token.
    pub(crate) generation: i32,
    /// The number of the newest one.
    pub(crate) newest: i32,
    pub(crate) rotated_at: OffsetDateTime,
    pub(crate) idle_until: OffsetDateTime,
    pub(crate) ended: bool,
    /// The moment at which all this was so, by the clock of the database.
    pub(crate) now: OffsetDateTime,
}

/// What is to be done about a token that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the newest one: it is used up for its successor.
    Rotate,
    /// It was used up a moment ago: its successor is given out again.
    Repeat,
    /// It was used up long ago: somebody has it who should not.
    Stolen,
    /// Its session is over.
    Over,
}

impl Presented {
    pub(crate) fn verdict(&self) -> Verdict {
        let used_up_for = self.now - self.rotated_at;
        if self.ended || self.idle_until <= self.now {
            Verdict::Over
        } else if self.generation == self.newest {
            Verdict::Rotate
        } else if self.generation + 1 == self.newest && used_up_for < TWIN_GRACE {
            Verdict::Repeat
        } else {
            Verdict::Stolen
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_a_session_are_one_chain_that_nobody_without_its_secret_can_follow() {
        let (token, secret) = (RefreshToken::generate(), SessionSecret::generate());
        let next = token.successor(&secret);
        assert_eq!(next.text(), token.successor(&secret).text());
        assert_ne!(next.text(), token.text());
        assert_ne!(next.text(), token.successor(&SessionSecret::generate()).text());
        assert_ne!(next.successor(&secret).text(), next.text());
        assert_eq!(RefreshToken::read(&next.text().into()).expect("it is one").hash(), next.hash());
        assert!(!format!("{next:?}{secret:?}").contains(&next.text()));
    }

    #[test]
    fn what_does_not_look_like_a_token_is_none() {
        let long = "A".repeat(1 << 20);
        for text in ["", "x", "\0", "ä", &"A".repeat(42), &"A".repeat(44), &"=".repeat(43), &long] {
            assert!(RefreshToken::read(&text.into()).is_none(), "{text:.50}");
        }
    }

    #[test]
    fn a_token_is_good_once_and_for_its_twin_a_moment_later() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let presented = |generation, seconds_ago: i64| Presented {
            session: SessionId::generate(),
            user: UserId::generate(),
            full_name: String::new(),
            role: Role::User,
            secret: SessionSecret::generate(),
            generation,
            newest: 5,
            rotated_at: now - time::Duration::seconds(seconds_ago),
            idle_until: now + time::Duration::DAY,
            ended: false,
            now,
        };
        for (generation, seconds_ago, verdict) in [
            (5, 0, Verdict::Rotate),
            (5, 100_000, Verdict::Rotate),
            (4, 29, Verdict::Repeat),
            (4, 30, Verdict::Stolen),
            (3, 0, Verdict::Stolen),
        ] {
            assert_eq!(presented(generation, seconds_ago).verdict(), verdict, "{generation}, {seconds_ago} s ago");
        }
        for generation in [3, 4, 5] {
            let over = Presented { idle_until: now, ..presented(generation, 0) };
            assert_eq!(over.verdict(), Verdict::Over);
            let ended = Presented { ended: true, ..presented(generation, 0) };
            assert_eq!(ended.verdict(), Verdict::Over);
        }
    }
}
