//! What customers say about a product.

use serde::{Deserialize, Serialize};
use shop_types::{CommentId, ProductId, UserId};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// A comment as everyone may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Comment {
    /// Its identifier.
    pub id: CommentId,
    /// What the customer was called then.
    #[schema(example = "Anna")]
    pub author: String,
    /// What was said.
    #[schema(example = "Crisp and sweet.")]
    pub text: String,
    /// From 1 to 5.
    #[schema(example = 5)]
    pub rating: i16,
    /// How many customers found it helpful.
    pub up_votes: i32,
    /// How many did not.
    pub down_votes: i32,
    /// When it was written.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When its customer last changed it; null if never.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub edited_at: Option<OffsetDateTime>,
}

/// What a customer says of a product instead of what was said before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is said.
    pub text: String,
    /// From 1 to 5.
    pub rating: i16,
}

/// The last comment that was shown, on which product: where its comments go on, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommentPlace {
    /// The product.
    #[serde(rename = "p")]
    pub product: ProductId,
    /// When the comment was written.
    #[serde(rename = "t", with = "time::serde::rfc3339")]
    pub written: OffsetDateTime,
    /// The comment.
    #[serde(rename = "c")]
    pub after: CommentId,
}

/// A comment before anyone has voted on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewComment {
    /// About which product.
    pub product: ProductId,
    /// By whom.
    pub user: UserId,
    /// What the customer is called.
    pub author: String,
    /// What is said.
    pub text: String,
    /// From 1 to 5.
    pub rating: i16,
}

/// What a customer thinks of another's comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i16", into = "i16")]
pub enum Vote {
    /// Helpful.
    Up,
    /// Not helpful.
    Down,
    /// Nothing, or nothing any more.
    None,
}

/// A vote is 1, -1 or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a vote is 1, -1 or 0")]
pub struct VoteError;

impl TryFrom<i16> for Vote {
    type Error = VoteError;

    fn try_from(value: i16) -> Result<Self, VoteError> {
        match value {
            1 => Ok(Self::Up),
            -1 => Ok(Self::Down),
            0 => Ok(Self::None),
            _ => Err(VoteError),
        }
    }
}

impl From<Vote> for i16 {
    fn from(vote: Vote) -> Self {
        match vote {
            Vote::Up => 1,
            Vote::Down => -1,
            Vote::None => 0,
        }
    }
}
