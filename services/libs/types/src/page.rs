//! Pages of a list: a place to go on from instead of an offset, so that nothing is shown twice or skipped while rows come and go.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where the next page begins; opaque to the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
pub struct Cursor(String);

/// The text is not a cursor that the shop gave out.
#[derive(Debug, thiserror::Error)]
pub enum CursorError {
    /// Not the alphabet of a cursor.
    #[error("the cursor is not one that the shop gave out")]
    Encoding(#[source] base64::DecodeError),
    /// Not the content that this list expects.
    #[error("the cursor is not one of this list")]
    Content(#[source] serde_json::Error),
}

impl Cursor {
    /// The longest text that is looked at.
    const MAX_LENGTH: usize = 512;

    /// Wraps the position of the last row shown.
    pub fn encode<T: Serialize>(position: &T) -> Result<Self, CursorError> {
        let json = serde_json::to_vec(position).map_err(CursorError::Content)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(json)))
    }

    /// The position that was wrapped.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, CursorError> {
        if self.0.len() > Self::MAX_LENGTH {
            return Err(CursorError::Encoding(base64::DecodeError::InvalidLength(self.0.len())));
        }
        let json = URL_SAFE_NO_PAD.decode(&self.0).map_err(CursorError::Encoding)?;
        serde_json::from_slice(&json).map_err(CursorError::Content)
    }

    /// The text that the client sends back.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How many rows a page has: 1 to 100, 20 unless asked otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "u32", into = "u32")]
#[schema(value_type = u32, example = 20)]
pub struct PageLimit(u32);

/// The number of rows is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a page has from 1 to 100 items")]
pub struct PageLimitError;

impl PageLimit {
    /// The rows as the database counts them.
    pub const fn get(self) -> i64 {
        self.0 as i64
    }

    /// One row more than the page has, which tells whether another page follows.
    pub const fn get_plus_one(self) -> i64 {
        self.get() + 1
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(20)
    }
}

impl TryFrom<u32> for PageLimit {
    type Error = PageLimitError;

    fn try_from(rows: u32) -> Result<Self, Self::Error> {
        if (1..=100).contains(&rows) { Ok(Self(rows)) } else { Err(PageLimitError) }
    }
}

impl From<PageLimit> for u32 {
    fn from(limit: PageLimit) -> Self {
        limit.0
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The rows, in the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; null on the last page.
    pub next_cursor: Option<Cursor>,
}

impl<T> Page<T> {
    /// Makes a page of rows that were read with [`PageLimit::get_plus_one`]; `position` tells where a row stands in the list.
    pub fn from_rows<P: Serialize>(
        mut rows: Vec<T>,
        limit: PageLimit,
        position: impl Fn(&T) -> P,
    ) -> Result<Self, CursorError> {
        let wanted = limit.0 as usize;
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        let next_cursor = match rows.last() {
            Some(last) if more => Some(Cursor::encode(&position(last))?),
            _ => None,
        };
        Ok(Self { items: rows, next_cursor })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_gives_back_what_it_was_made_of() {
        let cursor = Cursor::encode(&(3, "x")).expect("is JSON");
        assert_eq!(cursor.decode::<(i64, String)>().expect("is ours"), (3, "x".to_owned()));
    }

    #[test]
    fn a_cursor_that_was_made_up_is_refused() {
        for made_up in ["%%%", "e30", "", &"A".repeat(2000)] {
            assert!(Cursor(made_up.to_owned()).decode::<(i64, String)>().is_err(), "{made_up}");
        }
    }

    #[test]
    fn only_a_full_page_with_more_rows_behind_it_has_a_next_one() {
        let limit = PageLimit::try_from(2).expect("in range");
        let page = Page::from_rows(vec![1, 2, 3], limit, |row| *row).expect("is JSON");
        assert_eq!(page.items, [1, 2]);
        assert_eq!(page.next_cursor.map(|next| next.decode::<i32>().expect("is ours")), Some(2));
        assert_eq!(Page::from_rows(vec![1, 2], limit, |row| *row).expect("is JSON").next_cursor, None);
        assert_eq!(PageLimit::try_from(101), Err(PageLimitError));
        assert_eq!(PageLimit::try_from(0), Err(PageLimitError));
    }
}
