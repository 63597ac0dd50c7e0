//! Users and the rules of their names.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use shop_auth::Role;
use shop_types::UserId;
use utoipa::ToSchema;

/// Someone who has an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct User {
    /// The identity that everything else refers to.
    pub(crate) id: UserId,
    /// The name to log in with.
    pub(crate) username: String,
    /// The name to be greeted with.
    pub(crate) full_name: String,
    /// What the user may do.
    pub(crate) role: Role,
}

/// Someone who is about to have an account.
#[derive(Clone, Debug)]
pub(crate) struct NewUser {
    pub(crate) username: Username,
    pub(crate) full_name: String,
    pub(crate) role: Role,
    pub(crate) password_hash: PasswordHash,
}

/// A password as it is kept: an argon2id hash in PHC form, or one of bcrypt from an older system.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PasswordHash(pub(crate) String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// A name to log in with: 3 to 32 of `a-z A-Z 0-9 _ . -`. Two names that differ in case only are the same.
#[derive(Clone, Debug)]
pub(crate) struct Username(String);

impl Username {
    pub(crate) fn new(name: String) -> Option<Self> {
        is_username(&name).then_some(Self(name))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether the text may be a name to log in with.
pub(crate) fn is_username(name: &str) -> bool {
    (3..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// Whether the text may be a name to be greeted with: it is shown to others, so it must not hide, move or end what is around it.
pub(crate) fn is_full_name(name: &str) -> bool {
    let turns_text = |sign| matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
    (1..=100).contains(&name.chars().count())
        && !name.trim().is_empty()
        && !name.chars().any(|sign| sign.is_control() || turns_text(sign))
}

/// Whether the text is long enough for a password, and short enough to be hashed.
pub(crate) fn is_password(password: &SecretString) -> bool {
    let password = password.expose_secret();
    password.chars().count() >= 8 && password.len() <= 128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_username_has_3_to_32_plain_signs() {
        for good in ["ann", "Ann.B_c-9", &"a".repeat(32)] {
            assert!(is_username(good), "{good}");
        }
        for bad in [
            "",
            "ab",
            "ann b",
            "änn",
            "ann@",
            "ann\n",
            "ann\0",
            "../ann",
            "ann%00",
            "а́nn",
            "\u{202e}ann",
            &"a".repeat(33),
        ] {
            assert!(!is_username(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_full_name_is_any_text_that_does_not_play_tricks() {
        for good in ["A", "Ann Brown", "Анна", "O'Neil-García", "山田 太郎", "<b>", &"ä".repeat(100)] {
            assert!(is_full_name(good), "{good}");
        }
        for bad in ["", " ", "\t", "Ann\0", "Ann\r\nX: y", "\u{1b}[31m", "\u{202e}nnA", &"a".repeat(101)] {
            assert!(!is_full_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_password_has_8_signs_at_least_and_128_bytes_at_most() {
        for (password, good) in [("1234567", false), ("12345678", true), ("пароль78", true)] {
            assert_eq!(is_password(&password.into()), good, "{password}");
        }
        assert!(is_password(&"x".repeat(128).into()));
        assert!(!is_password(&"x".repeat(129).into()));
    }

    #[test]
    fn a_hash_is_not_shown() {
        assert!(!format!("{:?}", PasswordHash("$argon2id$secret".to_owned())).contains("argon2"));
    }
}
