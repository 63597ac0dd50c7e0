//! The selectors of a query, found by its brackets: enough for what is made here, and independent of how it was made.

/// A selector of series in a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector<'a> {
    pub(crate) metric: &'a str,
    matchers: &'a str,
    /// What is between the square brackets after it.
    pub(crate) window: Option<&'a str>,
    /// The function that it stands in alone.
    pub(crate) function: &'a str,
}

impl<'a> Selector<'a> {
    /// The operator and value of the matcher of this label.
    pub(crate) fn matcher(&self, label: &str) -> Option<&'a str> {
        pieces(self.matchers).into_iter().find_map(|matcher| {
            let rest = matcher.strip_prefix(label)?;
            rest.starts_with(['=', '!']).then_some(rest)
        })
    }
}

/// All selectors of a query.
pub(crate) fn selectors(query: &str) -> Vec<Selector<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(open) = query[from..].find('{').map(|at| from + at) {
        let close = open + end_of_matchers(&query[open..]);
        let name_starts = query[..open].rfind(|letter| !is_name(letter)).map_or(0, |at| at + 1);
        let before = query[..name_starts].strip_suffix('(').unwrap_or_default();
        let function_starts = before.rfind(|letter| !is_name(letter)).map_or(0, |at| at + 1);
        let after = &query[close + 1..];
        found.push(Selector {
            metric: &query[name_starts..open],
            matchers: &query[open + 1..close],
            window: after.strip_prefix('[').and_then(|rest| rest.split(']').next()),
            function: &before[function_starts..],
        });
        from = close;
    }
    found
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || letter == ':'
}

/// Where the closing bracket is, which is none inside of quotes.
fn end_of_matchers(text: &str) -> usize {
    let mut quoted = false;
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '}' if !quoted => return at,
            _ => {}
        }
    }
    panic!("no end in {text}");
}

/// The matchers, at whose values' ends only there are commas between quotes.
fn pieces(matchers: &str) -> Vec<&str> {
    let mut pieces: Vec<&str> = Vec::new();
    let (mut from, mut quoted) = (0, false);
    for (at, letter) in matchers.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                pieces.push(&matchers[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(&matchers[from..]);
    pieces
}

#[test]
fn selectors_are_found_with_their_function_and_window() {
    let query = r#"sum by (le) (rate(a_bucket{job="cart",route=~"/a{1}|b,c"}[5m])) / (slo:b{job!="x"} > 0)"#;
    let found = selectors(query);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].metric, found[0].function, found[0].window), ("a_bucket", "rate", Some("5m")));
    assert_eq!(found[0].matcher("route"), Some(r#"=~"/a{1}|b,c""#));
    assert_eq!((found[1].metric, found[1].function, found[1].window), ("slo:b", "", None));
    assert_eq!(found[1].matcher("job"), Some(r#"!="x""#));
}
