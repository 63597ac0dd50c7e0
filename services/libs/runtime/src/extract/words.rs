//! serde's messages in words that a client of the shop understands, and with the field that they are about.

use serde_path_to_error::{Path, Segment};

use crate::problem::FieldError;

/// What is wrong with the value at `path`, as far as serde's message tells.
pub(super) fn field_error(path: &Path, message: &str, style: fn(&[String]) -> String) -> FieldError {
    let mut field: Vec<String> = path.iter().filter_map(name).collect();
    let (code, detail, missing) = in_words(message);
    if let Some(missing) = missing
        && field.last().map(String::as_str) != Some(missing)
    {
        field.push(missing.to_owned());
    }
    FieldError::new(style(&field), code, detail)
}

fn name(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { variant } => Some(variant.clone()),
        Segment::Unknown => None,
    }
}

/// A place in a JSON document, as a JSON pointer (RFC 6901).
pub(super) fn pointer(segments: &[String]) -> String {
    segments
        .iter()
        .fold(String::new(), |pointer, segment| pointer + "/" + &segment.replace('~', "~0").replace('/', "~1"))
}

/// A parameter's name.
pub(super) fn parameter(segments: &[String]) -> String {
    segments.join(".")
}

/// garde's way of writing a place (`lines[0].quantity`) as a JSON pointer.
pub(super) fn pointer_of_rule(place: &str) -> String {
    let segments = place.split(['.', '[']).map(|segment| segment.trim_end_matches(']').to_owned());
    pointer(&segments.filter(|segment| !segment.is_empty()).collect::<Vec<_>>())
}

/// A code, a sentence, and the name of the field if the message has it and the path may not.
fn in_words(message: &str) -> (&'static str, String, Option<&str>) {
    if let Some(field) = quoted_after(message, "missing field ") {
        return ("missing", "it is missing".to_owned(), Some(field));
    }
    if let Some(field) = quoted_after(message, "duplicate field ") {
        return ("duplicate", "it is there twice".to_owned(), Some(field));
    }
    if let Some(field) = quoted_after(message, "unknown field ") {
        return ("unknown", choice("there is no such field", message), Some(field));
    }
    if message.starts_with("unknown variant ") {
        return ("unknown-value", choice("it is not one of the values that it can have", message), None);
    }
    let expected = message.rsplit_once(", expected ").map(|(_, expected)| expected);
    if message.starts_with("invalid type: ") {
        return ("type", must_be(expected), None);
    }
    if message.starts_with("invalid value: ") {
        return ("out-of-range", must_be(expected), None);
    }
    if message.starts_with("invalid length ") {
        return ("length", "it has not as many members as it must have".to_owned(), None);
    }
    if let Some((code, sentence)) = known(message) {
        return (code, sentence.to_owned(), None);
    }
    // What a type of the shop's own says.
    ("invalid", message.to_owned(), None)
}

/// What the standard library and libraries say that parse a value from text.
fn known(message: &str) -> Option<(&'static str, &'static str)> {
    let (code, sentence) = match message {
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            ("type", "must be a whole number")
        }
        "number too large to fit in target type" => ("out-of-range", "the number is too large"),
        "number too small to fit in target type" => ("out-of-range", "the number is too small"),
        "invalid float literal" | "cannot parse float from empty string" => ("type", "must be a number"),
        "provided string was not `true` or `false`" => ("type", "must be true or false"),
        _ if message.starts_with("UUID parsing failed") => ("type", "must be a UUID"),
        _ if message.contains("component") && message.contains("pars") => ("type", TIME),
        _ if message.starts_with("data did not match any variant") => {
            ("type", "it has none of the forms that it can have")
        }
        _ => return None,
    };
    Some((code, sentence))
}

const TIME: &str = "must be a time such as 2026-01-31T12:00:00Z";

fn must_be(expected: Option<&str>) -> String {
    match expected.unwrap_or_default() {
        "i8" => range(i8::MIN, i8::MAX),
        "i16" => range(i16::MIN, i16::MAX),
        "i32" => range(i32::MIN, i32::MAX),
        "u8" => range(u8::MIN, u8::MAX),
        "u16" => range(u16::MIN, u16::MAX),
        "u32" => range(u32::MIN, u32::MAX),
        "i64" | "i128" | "isize" => "must be a whole number, and not too large".to_owned(),
        "u64" | "u128" | "usize" => "must be a whole number from 0, and not too large".to_owned(),
        "f32" | "f64" => "must be a number".to_owned(),
        "a boolean" => "must be true or false".to_owned(),
        "a string" | "a borrowed string" | "str" | "string" => "must be a string".to_owned(),
        "a sequence" => "must be a list".to_owned(),
        "a map" => "must be an object".to_owned(),
        "null" | "unit" => "must be null".to_owned(),
        expected if expected.starts_with("struct ") => "must be an object".to_owned(),
        expected if expected.starts_with("a tuple ") || expected.starts_with("an array ") => {
            "must be a list".to_owned()
        }
        expected if expected.contains("UUID") => "must be a UUID".to_owned(),
        expected if expected.contains("DateTime") => TIME.to_owned(),
        "string or map" | "variant identifier" => "must be the name of one of the values that it can have".to_owned(),
        _ => "it is not of the type that it must have".to_owned(),
    }
}

fn range<T: std::fmt::Display>(least: T, most: T) -> String {
    format!("must be a whole number from {least} to {most}")
}

/// The sentence, and what there is to choose from if the message tells.
fn choice(sentence: &str, message: &str) -> String {
    let Some((_, expected)) = message.rsplit_once(", expected ") else {
        return sentence.to_owned();
    };
    let names: Vec<_> = expected.split('`').skip(1).step_by(2).collect();
    if names.is_empty() { sentence.to_owned() } else { format!("{sentence}; there is {}", names.join(", ")) }
}

fn quoted_after<'a>(message: &'a str, begin: &str) -> Option<&'a str> {
    let rest = message.strip_prefix(begin)?.strip_prefix('`')?;
    rest.split_once('`').map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_json_pointer() {
        assert_eq!(pointer_of_rule("lines[0].quantity"), "/lines/0/quantity");
        assert_eq!(pointer_of_rule(""), "");
        assert_eq!(pointer(&["a/b".into(), "c~d".into()]), "/a~1b/c~0d");
    }
}
