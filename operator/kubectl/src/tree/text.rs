//! The tree as people read it.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{Node, Tree};
use crate::{
    age::since,
    fetch::Missing,
    paint::{Paint, Tone},
    table::{Cell, Table},
};

/// What is not shown is named below the tree.
pub(crate) fn text(tree: &Tree, missing: &Missing, paint: Paint, now: Timestamp) -> String {
    let mut table = Table::new(&["NAME", "READY", "REASON", "AGE"]);
    table.line(line(&tree.root, "", now));
    branches(&tree.root, "", now, &mut table);
    let mut text = table.text(paint);
    if tree.left_out > 0 {
        let _ = writeln!(text, "\n{} without pods not shown: --all shows them", replica_sets(tree));
    }
    let Missing { not_listed, failed } = missing;
    if !not_listed.is_empty() {
        let note = paint.paint(Tone::Note, "not shown, as you may not list them here");
        let _ = writeln!(text, "\n{note}: {}", not_listed.join(", "));
    }
    if !failed.is_empty() {
        let note = paint.paint(Tone::Wrong, "not shown, or not all of them, as they could not be listed");
        let _ = writeln!(text, "\n{note}:");
        for failure in failed {
            let _ = writeln!(text, "  {}", failure.message);
        }
    }
    text
}

fn replica_sets(tree: &Tree) -> String {
    match tree.left_out {
        1 => "1 ReplicaSet".to_owned(),
        many => format!("{many} ReplicaSets"),
    }
}

fn branches(node: &Node, indent: &str, now: Timestamp, table: &mut Table) {
    let last = node.children.len();
    for (place, child) in node.children.iter().enumerate() {
        let is_last = place + 1 == last;
        let (branch, below) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        table.line(line(child, &format!("{indent}{branch}"), now));
        branches(child, &format!("{indent}{below}"), now, table);
    }
}

fn line(node: &Node, drawn: &str, now: Timestamp) -> Vec<Cell> {
    let tone = match node.health.well {
        Some(true) => Tone::Well,
        Some(false) => Tone::Wrong,
        None => Tone::Plain,
    };
    let cell = |text: &Option<String>| Cell::new(tone, text.clone().unwrap_or_default());
    vec![
        format!("{drawn}{}/{}", node.kind, node.name).into(),
        cell(&node.health.ready),
        cell(&node.health.reason),
        node.created.map(|created| since(created, now)).unwrap_or_default().into(),
    ]
}
