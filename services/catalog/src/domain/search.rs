//! What somebody is looking for: a text, taken apart into words, and words that were meant instead of misspelt ones.

use std::collections::BTreeMap;

use super::listing::ListingError;

/// A text to search for: something is in it, and it is short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchText(String);

impl SearchText {
    /// The longest text, in characters.
    pub const LONGEST: usize = 100;

    /// Reads what somebody typed; none if that is nothing.
    pub fn read(typed: &str) -> Result<Option<Self>, ListingError> {
        let text = typed.trim();
        let length = text.chars().count();
        if length > Self::LONGEST {
            return Err(ListingError::LongText(length));
        }
        if text.contains(char::is_control) {
            return Err(ListingError::ControlCharacter);
        }
        Ok((!text.is_empty()).then(|| Self(text.to_owned())))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A word of a search, as the database understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// In lower case, without signs.
    pub word: String,
    /// What it has in common with its other forms; none of a word like "with", which is nothing to search for.
    pub stem: Option<String>,
    /// Whether some name has it, a form of it, or a word that begins so.
    pub known: bool,
}

/// A word that may have been meant instead of a misspelt one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The misspelt word.
    pub typed: String,
    /// The word that some name has.
    pub meant: String,
    /// Its stem.
    pub stem: Option<String>,
}

/// What to find, in PostgreSQL's language of text search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Everything that is to be found.
    pub all: String,
    /// What of it is found for the better reason: the word itself or a form of it, not one that only begins so; or the likeliest of the words
    /// that may have been meant.
    pub best: String,
    /// Whether words were taken for other words.
    pub corrected: bool,
}

/// How many words are taken for a misspelt one.
const CORRECTIONS: usize = 5;

/// The words to search for. Those that are nothing to search for are left out, unless there are no others.
pub fn wanted(words: Vec<Word>) -> Vec<Word> {
    let some = words.iter().any(|word| word.stem.is_some());
    words.into_iter().filter(|word| word.stem.is_some() || !some).collect()
}

/// The query of the words and of what was meant by those that nobody knows; none if nothing at all can be found.
pub fn query(words: &[Word], suggestions: Vec<Suggestion>) -> Option<Query> {
    let mut meant = meant(words, suggestions);
    let (mut all, mut best) = (Vec::new(), Vec::new());
    let corrected = words.iter().any(|word| !word.known);
    for Word { word, stem, known } in words {
        if *known {
            let stem = stem.as_deref().map(|stem| format!("|{}", quoted(stem))).unwrap_or_default();
            all.push(format!("({}:*{stem})", quoted(word)));
            best.push(format!("({}{stem})", quoted(word)));
        } else {
            let Corrections { likeliest, others } = meant.remove(word)?;
            best.push(format!("({})", likeliest.join("|")));
            all.push(format!("({})", [likeliest, others].concat().join("|")));
        }
    }
    (!all.is_empty()).then(|| Query { all: all.join("&"), best: best.join("&"), corrected })
}

/// What one word may have meant, as parts of a query.
struct Corrections {
    likeliest: Vec<String>,
    others: Vec<String>,
}

/// Those of the suggestions that are near enough, by the words that were typed. A word may be right but for its ending, which the stemmers
/// do not know in all its forms, so its stem is compared too.
fn meant(words: &[Word], suggestions: Vec<Suggestion>) -> BTreeMap<String, Corrections> {
    let stem = |typed: &str| words.iter().find(|word| word.word == typed).and_then(|word| word.stem.as_deref());
    let mut near: BTreeMap<String, Vec<(usize, Suggestion)>> = BTreeMap::new();
    for suggestion in suggestions {
        let Suggestion { typed, meant, .. } = &suggestion;
        let distance = distance(typed, meant).min(stem(typed).map_or(usize::MAX, |stem| distance(stem, meant)));
        if distance <= tolerance(&suggestion.typed) {
            near.entry(suggestion.typed.clone()).or_default().push((distance, suggestion));
        }
    }
    let corrections = |mut near: Vec<(usize, Suggestion)>| {
        // Stable, so among those that are equally near the database's similarity decides.
        near.sort_by_key(|(distance, _)| *distance);
        near.truncate(CORRECTIONS);
        let least = near.first().map(|(distance, _)| *distance);
        let term = |(_, Suggestion { meant, stem, .. }): (usize, Suggestion)| {
            let stem = stem.map(|stem| format!("|{}", quoted(&stem))).unwrap_or_default();
            format!("{}{stem}", quoted(&meant))
        };
        let (likeliest, others): (Vec<_>, Vec<_>) =
            near.into_iter().partition(|(distance, _)| Some(*distance) == least);
        Corrections {
            likeliest: likeliest.into_iter().map(term).collect(),
            others: others.into_iter().map(term).collect(),
        }
    };
    near.into_iter().map(|(typed, near)| (typed, corrections(near))).collect()
}

/// How many slips a word may have: one in a short word, two in most, three in a long one.
fn tolerance(word: &str) -> usize {
    match word.chars().count() {
        0..=2 => 0,
        3..=4 => 1,
        5..=11 => 2,
        _ => 3,
    }
}

/// How many letters must be added, left out, replaced or swapped with their neighbour to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut this = vec![row + 1];
        for (column, opposite) in other.iter().enumerate() {
            let replaced = last[column] + usize::from(letter != opposite);
            let mut slips = replaced.min(last[column + 1] + 1).min(this[column] + 1);
            let swapped = row > 0 && column > 0 && *letter == other[column - 1] && one[row - 1] == *opposite;
            if swapped {
                slips = slips.min(before_last[column - 1] + 1);
            }
            this.push(slips);
        }
        before_last = std::mem::replace(&mut last, this);
    }
    last.last().copied().unwrap_or_default()
}

/// A word as a part of a query, whatever is in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(word: &str, stem: Option<&str>, known: bool) -> Word {
        Word { word: word.to_owned(), stem: stem.map(str::to_owned), known }
    }

    fn suggestion(typed: &str, meant: &str) -> Suggestion {
        Suggestion { typed: typed.to_owned(), meant: meant.to_owned(), stem: None }
    }

    #[test]
    fn slips_are_counted_as_people_make_them() {
        for (one, other, slips) in [
            ("milk", "milk", 0),
            ("mlik", "milk", 1),
            ("bananna", "banana", 1),
            ("малоко", "молоко", 1),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("ca", "abc", 3),
        ] {
            assert_eq!(distance(one, other), slips, "{one} {other}");
        }
    }

    #[test]
    fn all_words_must_be_found_themselves_in_another_form_or_as_a_begin() {
        let query = query(&[word("bananas", Some("banana"), true), word("choc", Some("choc"), true)], Vec::new());
        let expected = Query {
            all: "('bananas':*|'banana')&('choc':*|'choc')".to_owned(),
            best: "('bananas'|'banana')&('choc'|'choc')".to_owned(),
            corrected: false,
        };
        assert_eq!(query, Some(expected));
    }

    #[test]
    fn a_word_that_is_nothing_to_search_for_counts_only_alone() {
        let (with, milk) = (word("with", None, true), word("milk", Some("milk"), true));
        assert_eq!(wanted(vec![with.clone(), milk.clone()]), [milk]);
        assert_eq!(wanted(vec![with.clone()]), [with]);
    }

    #[test]
    fn a_misspelt_word_means_the_nearest_and_those_that_are_near_enough() {
        let words = [word("bananna", Some("bananna"), false)];
        let suggestions = ["bananas", "banana", "bandana", "cabin"].map(|meant| suggestion("bananna", meant)).to_vec();
        let query = query(&words, suggestions).expect("there are some");
        assert_eq!(
            (&*query.best, &*query.all, query.corrected),
            ("('banana')", "('banana'|'bananas'|'bandana')", true)
        );
    }

    #[test]
    fn a_word_that_nobody_knows_and_nothing_is_like_finds_nothing_whatever_else_is_known() {
        let words = [word("milk", Some("milk"), true), word("xyzzy", Some("xyzzi"), false)];
        assert_eq!(query(&words, vec![suggestion("xyzzy", "mozzarella")]), None);
        assert_eq!(query(&[], Vec::new()), None);
    }

    #[test]
    fn nothing_that_is_typed_is_taken_for_an_operator() {
        let query = query(&[word(r"a'&!b\c", None, true)], Vec::new()).expect("there is a word");
        assert_eq!(query.best, r"('a''&!b\\c')");
    }
}
