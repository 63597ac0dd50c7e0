//! What an event tells, as far as an admin's browser may see it.

use serde_json::Value;

/// What stands where something was left out.
const LEFT_OUT: &str = "[left out]";

/// Names of members whose values nobody needs to see to decide whether an event is sent again.
const SECRET: [&str; 6] = ["password", "secret", "token", "authorization", "credential", "hash"];

/// The longest text that is shown.
const LONGEST: usize = 500;

/// The value without what must not be shown, at whatever depth. No event of the shop has any of it; this is for the one that some day does.
pub(crate) fn redacted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let shown = |(name, value): (String, Value)| {
                let value = if is_secret(&name) { Value::from(LEFT_OUT) } else { redacted(value) };
                (name, value)
            };
            Value::Object(members.into_iter().map(shown).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(redacted).collect()),
        Value::String(text) if text.chars().nth(LONGEST).is_some() => {
            Value::String(text.chars().take(LONGEST).chain("…".chars()).collect())
        }
        plain => plain,
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRET.iter().any(|secret| name.contains(secret))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_left_out_wherever_it_is_and_the_rest_is_shown() {
        let payload = json!({"user_id": 7, "accessToken": "a.b.c", "deep": [{"Password": {"new": "x"}, "note": "é".repeat(501)}]});
        let shown = redacted(payload);
        assert_eq!(shown["user_id"], 7);
        assert_eq!(shown["accessToken"], LEFT_OUT);
        assert_eq!(shown["deep"][0]["Password"], LEFT_OUT);
        assert_eq!(shown["deep"][0]["note"], format!("{}…", "é".repeat(500)));
    }
}
