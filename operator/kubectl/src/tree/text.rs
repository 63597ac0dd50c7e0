//! The tree as people read it.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{Node, Tree};
use crate::{
    age::since,
    paint::{Paint, Tone},
    table::{Cell, Table},
};

/// What is not shown is named below the tree.
pub(crate) fn text(tree: &Tree, forbidden: &[String], paint: Paint, now: Timestamp) -> String {
    let mut table = Table::new(&["NAME", "READY", "REASON", "AGE"]);
    table.line(line(&tree.root, "", now));
    branches(&tree.root, "", now, &mut table);
    let mut text = table.text(paint);
    if tree.left_out > 0 {
        let _ =
            writeln!(text, "\n{} without pods, of former versions, not shown: --all shows them", replica_sets(tree));
    }
    if !forbidden.is_empty() {
        let note = paint.paint(Tone::Note, "not shown, as you may not list them here");
        let _ = writeln!(text, "\n{note}: {}", forbidden.join(", "));
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
