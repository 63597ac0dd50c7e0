//! Amounts of memory, storage and CPU in Kubernetes' notation.

use std::{borrow::Cow, fmt, str::FromStr};

use kube::core::Rule;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// An amount such as `250m`, `64Mi` or `2Gi`, kept as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Quantity(String);

/// The text was not an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an amount: write one such as 250m (CPU), 64Mi or 2Gi")]
pub struct InvalidQuantity(String);

const SUFFIXES: [(&str, u128); 12] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("Pi", 1 << 50),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("P", 1_000_000_000_000_000),
    ("m", 0),
    ("", 1),
];

impl Quantity {
    /// The amount in thousandths, so that `250m` and `0.25` are equal.
    pub fn millis(&self) -> u128 {
        parse_millis(&self.0).unwrap_or_default()
    }

    /// The amount in whole units (bytes for memory), rounded down.
    pub fn units(&self) -> u128 {
        self.millis() / 1000
    }

    /// The amount as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn parse_millis(text: &str) -> Option<u128> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (_, factor) = SUFFIXES.iter().find(|(known, _)| *known == suffix)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.len() > 9 {
        return None;
    }
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    let milli_factor = if *factor == 0 { 1 } else { factor * 1000 };
    digits.checked_mul(milli_factor).map(|scaled| scaled / scale)
}

impl FromStr for Quantity {
    type Err = InvalidQuantity;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match parse_millis(text) {
            Some(_) => Ok(Self(text.to_owned())),
            None => Err(InvalidQuantity(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Quantity {
    type Error = InvalidQuantity;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Quantity> for String {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for Quantity {
    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let rule = Rule::new("self.matches('^[0-9]{1,12}([.][0-9]{1,3})?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$')")
            .message("write an amount such as 250m (CPU), 64Mi or 2Gi, without spaces or a sign");
        json_schema!({ "type": "string", "maxLength": 20, "x-kubernetes-validations": [rule] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_compare_by_value_however_they_are_written() {
        for (left, right) in [("0.25", "250m"), ("1Gi", "1024Mi"), ("1000m", "1"), ("1.5Gi", "1536Mi"), ("2k", "2000")]
        {
            let (left, right): (Quantity, Quantity) = (left.parse().unwrap(), right.parse().unwrap());
            assert_eq!(left.millis(), right.millis(), "{left} {right}");
        }
        assert_eq!("64Mi".parse::<Quantity>().unwrap().units(), 67_108_864);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "Mi", "-1", "1 Gi", "1GB", "1e3"] {
            assert!(text.parse::<Quantity>().is_err(), "{text:?}");
        }
    }
}
