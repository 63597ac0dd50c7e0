//! What people may write into the shop.

/// Why a text can't be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// There is nothing that anyone could see.
    #[error("has nothing in it that can be seen")]
    Blank,
    /// It is too long.
    #[error("has {length} characters, and {longest} at most are possible")]
    TooLong {
        /// How long it is.
        length: usize,
        /// How long it may be.
        longest: usize,
    },
    /// A sign that is none, or that changes what is around it.
    #[error("has a control character in it")]
    Control,
}

/// A text as it is kept: without blanks around it, and with lines that end in one way. That is all that is changed about it.
pub fn cleaned(text: &str) -> String {
    let text = text.trim();
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() }
}

/// Whether the text can be shown: somebody can see something of it, it is not too long, and it leaves the text around it alone.
pub fn check(text: &str, longest: usize) -> Result<(), TextError> {
    let cleaned = cleaned(text);
    let length = cleaned.chars().count();
    if length > longest {
        return Err(TextError::TooLong { length, longest });
    }
    if cleaned.contains(|sign: char| (sign.is_control() && sign != '\n') || turns_the_direction(sign)) {
        return Err(TextError::Control);
    }
    if cleaned.chars().all(|sign| sign.is_whitespace() || is_invisible(sign)) {
        return Err(TextError::Blank);
    }
    Ok(())
}

/// Signs that turn the direction of all the text that follows, that of the page too.
const fn turns_the_direction(sign: char) -> bool {
    matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Signs that leave no trace by themselves.
const fn is_invisible(sign: char) -> bool {
    matches!(
        sign,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_one_way_and_nothing_is_around_them() {
        assert_eq!(cleaned("  one\r\ntwo\rthree\n\n four \r\n"), "one\ntwo\nthree\n\n four");
    }

    #[test]
    fn a_text_is_counted_in_characters_and_may_have_lines_emoji_and_any_script() {
        for text in ["x", "one\r\ntwo", "🍌🍌", "ممتاز", "👩\u{200d}👩\u{200d}👧", "très\u{301} bon"] {
            assert_eq!(check(text, 10), Ok(()), "{text:?}");
        }
        assert_eq!(check(&"ё".repeat(10), 10), Ok(()));
        assert_eq!(check(&"ё".repeat(11), 10), Err(TextError::TooLong { length: 11, longest: 10 }));
    }

    #[test]
    fn what_cannot_be_seen_or_shown_is_refused() {
        for blank in ["", " ", "\n\n", "\u{200b}", "\u{feff} \u{2060}", "\u{3164}", "\u{a0}", "\u{200d}\u{fe0f}"] {
            assert_eq!(check(blank, 10), Err(TextError::Blank), "{blank:?}");
        }
        for control in ["a\0b", "a\u{1b}[2J", "a\tb", "a\u{202e}b", "\u{2067}a", "a\u{85}b"] {
            assert_eq!(check(control, 10), Err(TextError::Control), "{control:?}");
        }
    }
}
