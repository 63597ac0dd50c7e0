//! Durations as people write them in Kubernetes: `30s`, `1h30m`.

use std::{borrow::Cow, fmt, str::FromStr};

use kube::core::Rule;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A length of time, never negative, written as in Go: `500ms`, `30s`, `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Duration(std::time::Duration);

/// The text was not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration: write one such as 500ms, 30s, 10m or 1h30m")]
pub struct InvalidDuration(String);

impl Duration {
    /// A number of whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(std::time::Duration::from_secs(seconds))
    }

    /// A number of whole milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(std::time::Duration::from_millis(millis))
    }

    /// The same as the standard library's type.
    pub const fn as_std(self) -> std::time::Duration {
        self.0
    }

    /// True when no time at all.
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl From<std::time::Duration> for Duration {
    fn from(duration: std::time::Duration) -> Self {
        Self(duration)
    }
}

const UNITS: [(&str, u64); 4] = [("ms", 1), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];

/// One `<number><unit>` from the front of the text, in milliseconds, and what follows it.
fn leading_part(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let rest = &text[digits..];
    let (unit, millis) = UNITS.iter().find(|(unit, _)| rest.starts_with(unit))?;
    Some((number.checked_mul(*millis)?, &rest[unit.len()..]))
}

impl FromStr for Duration {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidDuration(text.to_owned());
        let mut rest = text;
        let mut total: u64 = 0;
        loop {
            let (millis, tail) = leading_part(rest).ok_or_else(invalid)?;
            total = total.checked_add(millis).ok_or_else(invalid)?;
            if tail.is_empty() {
                return Ok(Self(std::time::Duration::from_millis(total)));
            }
            rest = tail;
        }
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, millis) in [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
            if rest >= millis {
                write!(f, "{}{unit}", rest / millis)?;
                rest %= millis;
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Duration {
    type Error = InvalidDuration;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Duration> for String {
    fn from(duration: Duration) -> Self {
        duration.to_string()
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let rule = Rule::new("self.matches('^([0-9]{1,6}(ms|s|m|h))+$')")
            .message("write a duration such as 500ms, 30s, 10m or 1h30m; it cannot be negative");
        // CEL counts in 64 bits of nanoseconds; no more than two parts of six digits fit into this length, which is less.
        json_schema!({ "type": "string", "maxLength": 20, "x-kubernetes-validations": [rule] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_written_again_in_its_shortest_form() {
        for (text, millis, shortest) in [
            ("500ms", 500, "500ms"),
            ("30s", 30_000, "30s"),
            ("90s", 90_000, "1m30s"),
            ("1h30m", 5_400_000, "1h30m"),
            ("720h", 2_592_000_000, "720h"),
            ("0s", 0, "0s"),
        ] {
            let duration: Duration = text.parse().unwrap();
            assert_eq!(duration.as_std().as_millis(), millis, "{text}");
            assert_eq!(duration.to_string(), shortest);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "5", "-5s", "s", "5 s", "1h-3m", "1d", "99999999999999999999h"] {
            assert!(text.parse::<Duration>().is_err(), "{text:?}");
        }
    }
}
