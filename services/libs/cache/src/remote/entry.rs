//! An entry as it comes from Redis.

use std::time::Duration;

/// An entry that holds. Its form is told in `shared/entry.lua`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteEntry {
    bytes: Vec<u8>,
    json_at: usize,
    is_value: bool,
    /// How long it is fresh in all.
    pub fresh: Duration,
    /// How long it may be served beyond that.
    pub stale: Duration,
    /// How long ago it was stored.
    pub age: Duration,
}

impl RemoteEntry {
    /// None if it is not an entry.
    pub(super) fn parse(bytes: Vec<u8>, age_millis: u64) -> Option<Self> {
        let json_at = bytes.iter().position(|byte| *byte == b'\n')? + 1;
        let header = std::str::from_utf8(&bytes[..json_at - 1]).ok()?;
        let mut fields = header.split(' ');
        let mut millis = || fields.next()?.parse().ok().map(Duration::from_millis);
        let (fresh, stale) = (millis()?, millis()?);
        let is_value = match fields.next()? {
            "v" => true,
            "n" => false,
            _ => return None,
        };
        Some(Self { json_at, is_value, fresh, stale, age: Duration::from_millis(age_millis), bytes })
    }

    /// The value's JSON; none if it is known that there is nothing under the key.
    pub fn json(&self) -> Option<&[u8]> {
        self.is_value.then(|| &self.bytes[self.json_at..])
    }

    /// The tags in the entry.
    pub fn tags(&self) -> impl Iterator<Item = &str> + Clone {
        let header = std::str::from_utf8(&self.bytes[..self.json_at - 1]).unwrap_or_default();
        header.split(' ').skip(4).filter_map(|field| field.rsplit_once('=')).map(|(tag, _marker)| tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_with_its_times_and_tags() {
        let bytes = b"60000 5000 v 17 user:7=18 product:9=19\n{\"a\":1}".to_vec();
        let entry = RemoteEntry::parse(bytes, 250).unwrap();
        assert_eq!(entry.json(), Some(&b"{\"a\":1}"[..]));
        assert_eq!(entry.fresh, Duration::from_secs(60));
        assert_eq!(entry.tags().collect::<Vec<_>>(), ["user:7", "product:9"]);
    }

    #[test]
    fn rubbish_is_no_entry() {
        for bytes in [&b""[..], b"\n", b"1 2\n{}", b"1 2 x 3\n{}", b"\xff\xfe 1 v 2\n{}", b"{\"a\":1}"] {
            assert_eq!(RemoteEntry::parse(bytes.to_vec(), 0), None);
        }
    }
}
