//! Identifiers, one type for each kind of thing so that they cannot be mixed up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, ToSchema,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        #[schema(value_type = Uuid)]
        pub struct $name(Uuid);

        impl $name {
            /// A new identifier; later ones sort after earlier ones.
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// The identifier as the database and other libraries know it.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

uuid_id! {
    /// A customer or an administrator.
    UserId
}
uuid_id! {
    /// A login and everything that was refreshed from it.
    SessionId
}
uuid_id! {
    /// An order; chosen by the cart at checkout, so that every step can be repeated.
    OrderId
}
uuid_id! {
    /// An event in an outbox; its receiver acts once for each.
    EventId
}
uuid_id! {
    /// What a customer says about a product.
    CommentId
}
uuid_id! {
    /// A lower price for some hours.
    FlashSaleId
}

/// A product: a small positive integer that a person can type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(try_from = "i64", into = "i64")]
#[sqlx(transparent)]
#[schema(value_type = i64, example = 1)]
pub struct ProductId(i64);

/// The number is not a product's identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a product id is a whole number from 1 up")]
pub struct ProductIdError;

impl ProductId {
    /// Checks that the number can name a product.
    pub const fn new(id: i64) -> Result<Self, ProductIdError> {
        if id >= 1 { Ok(Self(id)) } else { Err(ProductIdError) }
    }

    /// The number itself.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for ProductId {
    type Error = ProductIdError;

    fn try_from(id: i64) -> Result<Self, Self::Error> {
        Self::new(id)
    }
}

impl From<ProductId> for i64 {
    fn from(id: ProductId) -> Self {
        id.0
    }
}

impl fmt::Display for ProductId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ProductId {
    type Err = ProductIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map_err(|_| ProductIdError).and_then(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_id_is_never_zero_or_negative() {
        assert_eq!("7".parse::<ProductId>().map(ProductId::get), Ok(7));
        for bad in ["0", "-1", "x", "", "9223372036854775808"] {
            assert_eq!(bad.parse::<ProductId>(), Err(ProductIdError), "{bad}");
        }
        assert!(serde_json::from_str::<ProductId>("0").is_err());
    }

    #[test]
    fn later_order_ids_sort_after_earlier_ones() {
        let (first, second) = (OrderId::generate(), OrderId::generate());
        assert!(first < second);
        assert_eq!(first.to_string().parse::<OrderId>(), Ok(first));
    }
}
