//! Colours, on a terminal only. They are never the only sign of anything.

use std::{
    env,
    io::{IsTerminal as _, stdout},
};

/// What a text is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Something is wrong.
    Wrong,
    /// Something that one should know.
    Note,
    /// All is well.
    Well,
    /// The name of a column.
    Heading,
    /// Nothing of these.
    #[default]
    Plain,
}

/// Whether there are colours.
#[derive(Clone, Copy, Debug)]
pub struct Paint(bool);

impl Paint {
    /// No colours.
    pub const PLAIN: Self = Self(false);

    /// Colours where the output is a terminal that has them, and nobody said that there are to be none (`NO_COLOR`).
    pub fn of_stdout() -> Self {
        let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let cannot = env::var_os("TERM").is_none_or(|value| value == "dumb");
        Self(stdout().is_terminal() && !unwanted && !cannot)
    }

    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Wrong => "31",
            Tone::Note => "33",
            Tone::Well => "32",
            Tone::Heading => "1",
            Tone::Plain => "",
        };
        if self.0 && !code.is_empty() && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_no_colours_but_on_a_terminal() {
        assert_eq!(Paint::PLAIN.paint(Tone::Wrong, "no"), "no");
        assert_eq!(Paint(true).paint(Tone::Wrong, "no"), "\u{1b}[31mno\u{1b}[0m");
        assert_eq!(Paint(true).paint(Tone::Plain, "no"), "no");
    }
}
