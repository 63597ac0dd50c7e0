//! The flame graph: functions as boxes, as wide as the time spent in them, each standing on the one that called it.

use std::collections::BTreeMap;
use std::io;

use inferno::flamegraph::color::{BasicPalette, MultiPalette};
use inferno::flamegraph::{self, Options, Palette};

use super::stacks::{Profile, Stack};

/// What is written above it.
#[derive(Clone, Debug)]
pub(super) struct Caption {
    /// What it is a profile of.
    pub(super) title: String,
    /// How much was seen.
    pub(super) subtitle: String,
}

/// Draws the profile: a document that needs nothing else.
pub(super) fn draw(profile: &Profile, caption: Caption) -> io::Result<Vec<u8>> {
    let mut options = Options::default();
    options.title = caption.title;
    options.subtitle = Some(caption.subtitle);
    // The same function has the same colour in every graph, so that two can be compared.
    options.hash = true;
    options.deterministic = true;
    let lines = lines(profile);
    options.colors =
        if lines.is_empty() { Palette::Basic(BasicPalette::Blue) } else { Palette::Multi(MultiPalette::Rust) };
    let lines = if lines.is_empty() { vec!["nothing was on a processor 1".to_owned()] } else { lines };
    let mut drawing = Vec::new();
    flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), &mut drawing)?;
    Ok(drawing)
}

/// A line for each way through the program, `thread;outermost;...;innermost samples`, in the order of the alphabet.
fn lines(profile: &Profile) -> Vec<String> {
    let mut ways = BTreeMap::<String, u64>::new();
    for stack in &profile.stacks {
        *ways.entry(way(profile, stack)).or_default() += stack.samples;
    }
    ways.into_iter().map(|(way, samples)| format!("{way} {samples}")).collect()
}

fn way(profile: &Profile, stack: &Stack) -> String {
    let cut = stack.cut.then(|| "[deeper than what is written down]".to_owned());
    let functions = stack.addresses.iter().rev().map(|address| profile.place(*address).name());
    let names = std::iter::once(stack.thread.clone()).chain(cut).chain(functions);
    // A semicolon, as in `[u8; 32]`, would end the name.
    names.map(|name| name.replace(';', ",")).collect::<Vec<_>>().join(";")
}

#[cfg(test)]
mod tests {
    use super::super::tests::profile;
    use super::*;

    #[test]
    fn ways_that_differ_only_in_where_a_function_was_are_one() {
        assert_eq!(
            lines(&profile()),
            [
                "worker;[deeper than what is written down];shop::outer;[vdso] 1",
                "worker;shop::outer;shop::inner<[u8, 4]> 5",
            ]
        );
    }

    #[test]
    fn a_process_that_did_nothing_has_a_graph_that_says_so() {
        let nothing = Profile { stacks: Vec::new(), ..profile() };
        let caption = Caption { title: "cart 1".to_owned(), subtitle: String::new() };
        let drawing = String::from_utf8(draw(&nothing, caption).unwrap()).unwrap();
        assert!(drawing.contains("nothing was on a processor"));
        assert!(drawing.contains("cart 1"));
    }

    #[test]
    fn a_drawing_asks_nobody_for_anything() {
        let caption = Caption { title: "cart <1> & more".to_owned(), subtitle: "6 samples".to_owned() };
        let drawing = String::from_utf8(draw(&profile(), caption).unwrap()).unwrap();
        assert!(drawing.contains("cart &lt;1&gt; &amp; more"));
        assert!(drawing.contains("<script"));
        for from_elsewhere in ["src=", "<link", "@import"] {
            assert!(!drawing.contains(from_elsewhere), "{from_elsewhere}");
        }
        assert_eq!(drawing.matches("url(").count(), drawing.matches("url(#").count(), "what it refers to is in it");
    }
}
