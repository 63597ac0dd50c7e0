//! nginx's configuration language, as far as it is needed: directives, blocks, and quoting in one place.

use std::fmt::Write;

/// One directive, with a block or without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directive {
    words: Vec<String>,
    block: Option<Vec<Directive>>,
}

/// `name word word;`
pub(super) fn directive<const N: usize>(name: &str, words: [&str; N]) -> Directive {
    let words = std::iter::once(name).chain(words).map(quoted).collect();
    Directive { words, block: None }
}

/// `name word word { ... }`
pub(super) fn block<const N: usize>(
    name: &str,
    words: [&str; N],
    inside: impl IntoIterator<Item = Directive>,
) -> Directive {
    Directive { block: Some(inside.into_iter().collect()), ..directive(name, words) }
}

/// A word as it is, or in quotes when it would not be one word without.
fn quoted(word: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !matches!(c, ';' | '{' | '}' | '"' | '\'' | '\\' | '#');
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let mut text = String::from('"');
    for c in word.chars() {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

/// The text of a configuration.
pub(super) fn render(directives: &[Directive]) -> String {
    let mut text = String::new();
    for directive in directives {
        write_directive(&mut text, directive, 0);
    }
    text
}

fn write_directive(text: &mut String, directive: &Directive, depth: usize) {
    let indent = "    ".repeat(depth);
    let words = directive.words.join(" ");
    // Writing to a String cannot fail.
    let _ = match &directive.block {
        None => writeln!(text, "{indent}{words};"),
        Some(inside) => {
            let _ = writeln!(text, "{indent}{words} {{");
            for directive in inside {
                write_directive(text, directive, depth + 1);
            }
            writeln!(text, "{indent}}}")
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_and_blocks_are_written_as_nginx_reads_them() {
        let server = block(
            "server",
            [],
            [directive("listen", ["8080"]), block("location", ["=", "/"], [directive("return", ["200", "a b"])])],
        );
        assert_eq!(
            render(&[server]),
            "server {\n    listen 8080;\n    location = / {\n        return 200 \"a b\";\n    }\n}\n"
        );
    }

    #[test]
    fn nothing_gets_out_of_its_word() {
        for evil in ["a; return 200", "a\"; }", "a\\\" ; b", "a\n}"] {
            let text = render(&[directive("server_name", [evil])]);
            let inner = text.strip_prefix("server_name \"").unwrap().strip_suffix("\";\n").unwrap();
            let unescaped = inner.replace("\\\\", "").replace("\\\"", "");
            assert!(!unescaped.contains('"'), "{text}");
        }
    }
}
