//! Whose a cart is: a user's, or that of whoever has a certain cookie.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};
use shop_types::UserId;
use uuid::Uuid;

/// Whose a cart is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CartOwner {
    /// Somebody who has logged in.
    User(UserId),
    /// Somebody who has not.
    Anonymous(AnonymousId),
}

/// The identifier of an anonymous cart. It is made of the hash of the cookie's secret, so nothing that is kept or logged opens a cart,
/// and it is a UUID of version 8, so it is never that of a user who registers (version 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AnonymousId(Uuid);

/// The secret in the cookie of an anonymous cart: who has it has the cart.
#[derive(Clone, PartialEq, Eq)]
pub struct CartToken([u8; Self::LENGTH]);

/// The text is not a secret that a cookie can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret of a cart has {} hexadecimal digits", CartToken::LENGTH * 2)]
pub struct CartTokenError;

impl CartToken {
    const LENGTH: usize = 32;

    /// A new secret, which nobody can guess.
    pub fn generate() -> Self {
        Self(rand::random())
    }

    /// The cart that the secret opens.
    pub fn cart(&self) -> AnonymousId {
        let hash = Sha256::digest(self.0);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        AnonymousId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The text of the cookie.
    pub fn expose(&self) -> String {
        hex::encode(self.0)
    }
}

impl FromStr for CartToken {
    type Err = CartTokenError;

    fn from_str(text: &str) -> Result<Self, CartTokenError> {
        let mut bytes = [0; Self::LENGTH];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| CartTokenError)?;
        Ok(Self(bytes))
    }
}

impl fmt::Debug for CartToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CartToken(…)")
    }
}

impl CartOwner {
    /// The identifier as the database knows it.
    pub const fn as_uuid(self) -> Uuid {
        match self {
            Self::User(id) => id.as_uuid(),
            Self::Anonymous(AnonymousId(id)) => id,
        }
    }

    /// The owner of a row of carts.
    pub fn of_row(id: Uuid, anonymous: bool) -> Self {
        if anonymous { Self::Anonymous(AnonymousId(id)) } else { Self::User(id.into()) }
    }

    /// Whether it is the cart of a cookie.
    pub const fn is_anonymous(self) -> bool {
        matches!(self, Self::Anonymous(_))
    }

    /// The user, if it is one.
    pub const fn user(self) -> Option<UserId> {
        match self {
            Self::User(id) => Some(id),
            Self::Anonymous(_) => None,
        }
    }
}

impl From<UserId> for CartOwner {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

impl From<AnonymousId> for CartOwner {
    fn from(cart: AnonymousId) -> Self {
        Self::Anonymous(cart)
    }
}

impl fmt::Display for CartOwner {
    /// The key of the cache: a user's is the bare identifier.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::Anonymous(AnonymousId(id)) => write!(f, "anonymous-{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_one_cart_and_neither_its_identifier_nor_a_log_tells_the_secret() {
        let token = CartToken::generate();
        let again: CartToken = token.expose().parse().expect("it is one");
        assert_eq!(again.cart(), token.cart());
        assert_ne!(CartToken::generate().cart(), token.cart());
        let owner = CartOwner::from(token.cart());
        assert_eq!(owner.as_uuid().get_version_num(), 8);
        assert!(!token.expose().contains(&owner.as_uuid().simple().to_string()));
        assert!(!format!("{token:?}").contains(&token.expose()));
    }

    #[test]
    fn what_is_not_32_bytes_in_hexadecimal_is_no_secret() {
        let short = "ab".repeat(31);
        for bad in ["", "x", &short, &"zz".repeat(32), &"ab".repeat(33), &format!("{short}é")] {
            assert_eq!(bad.parse::<CartToken>(), Err(CartTokenError), "{bad}");
        }
    }
}
