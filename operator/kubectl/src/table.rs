//! Columns that stand below each other.

use crate::paint::{Paint, Tone};

/// A text in a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    tone: Tone,
    text: String,
}

impl Cell {
    pub(crate) fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone, text: text.into() }
    }

    /// Without colours its width is what is seen.
    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::new(Tone::Plain, text)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::new(Tone::Plain, text)
    }
}

/// Lines of cells, each line with as many as the first one.
#[derive(Debug)]
pub(crate) struct Table(Vec<Vec<Cell>>);

impl Table {
    /// A table with the names of its columns.
    pub(crate) fn new(headings: &[&str]) -> Self {
        Self(vec![headings.iter().map(|text| Cell::new(Tone::Heading, *text)).collect()])
    }

    pub(crate) fn line(&mut self, cells: Vec<Cell>) {
        self.0.push(cells);
    }

    /// The lines, without spaces at their ends.
    pub(crate) fn text(&self, paint: Paint) -> String {
        let columns = self.0.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| self.0.iter().filter_map(|line| line.get(column)).map(Cell::width).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
        self.0.iter().map(|line| drawn(line, &widths, paint)).collect()
    }
}

fn drawn(line: &[Cell], widths: &[usize], paint: Paint) -> String {
    let mut text = String::new();
    let mut gap = 0;
    for (cell, width) in line.iter().zip(widths) {
        if !cell.text.is_empty() {
            text.extend(std::iter::repeat_n(' ', gap));
            text.push_str(&paint.paint(cell.tone, &cell.text));
            gap = 0;
        }
        // Room is made only before what follows. A column of marks stands close to the next one, and an empty one takes none.
        gap += width - cell.width() + (*width).min(2);
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other_and_no_line_ends_with_spaces() {
        let mut table = Table::new(&["", "NAME", "READY", "REASON"]);
        table.line(vec![Cell::new(Tone::Wrong, "✗"), "a-long-name".into(), "0/1".into(), "".into()]);
        table.line(vec!["".into(), "b".into(), "".into(), "Running".into()]);
        let expected = "  NAME         READY  REASON\n✗ a-long-name  0/1\n  b                   Running\n";
        assert_eq!(table.text(Paint::PLAIN), expected);
    }
}
