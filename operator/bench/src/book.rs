//! The page of the book that holds the figures of the last run.

use std::path::Path;

use anyhow::Context as _;

const BEGIN: &str = "<!-- figures of the last run: make bench-operator -->\n";
const END: &str = "<!-- end of the figures -->";

/// Puts the figures between the page's two marks.
pub(crate) fn write(page: &Path, figures: &str) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(page).with_context(|| format!("can't read {}", page.display()))?;
    let text = between(&text, figures).with_context(|| format!("{} lacks its marks", page.display()))?;
    std::fs::write(page, text).with_context(|| format!("can't write {}", page.display()))
}

fn between(text: &str, figures: &str) -> Option<String> {
    let (head, rest) = text.split_once(BEGIN)?;
    let (_, tail) = rest.split_once(END)?;
    Some(format!("{head}{BEGIN}\n{}\n\n{END}{tail}", figures.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_figures_take_the_place_of_the_old_ones_and_nothing_else_changes() {
        let page = format!("before\n{BEGIN}old\n{END}\nafter\n");
        let page = between(&page, "new\n").expect("it has its marks");
        assert_eq!(page, format!("before\n{BEGIN}\nnew\n\n{END}\nafter\n"));
        assert_eq!(between("no marks", "new"), None);
    }
}
