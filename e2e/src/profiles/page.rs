//! The page that leads to the flame graphs.

use std::fmt::Write as _;

use super::{Graph, Look};

/// In Markdown: what was done, how often, and what was seen.
pub fn index(graphs: &[Graph], look: Look, command: &str) -> String {
    let Look { seconds, frequency } = look;
    let mut page = format!(
        "# Flame graphs of the services under load\n\n\
         Made by `{command}`: {seconds} s each, {frequency} samples in each second of CPU time, while many customers do nothing but what is in\n\
         the second column. Open a file in a browser: a click on a box makes it as wide as the page, a search (Ctrl-F) marks names. How to\n\
         read them is in [the book](../src/profiles.md). The widths are of the program; how often it was done is of the machine, which had the\n\
         customers, the gateway, the database and everything else on it too.\n\n\
         | flame graph | what was asked for | of | done, in a second | not done | seen |\n\
         | --- | --- | --- | ---: | ---: | --- |\n"
    );
    for graph in graphs {
        let (file, tally) = (graph.file(), &graph.tally);
        let rate = tally.answers.checked_div(tally.lasted.as_secs()).unwrap_or_default();
        let row = format!(
            "| [{file}]({file}) | `{}` | {} | {rate} | {} | {} |",
            graph.operation.calls(),
            graph.service,
            tally.refused,
            summary(&graph.drawing)
        );
        // Writing to a String can't fail.
        writeln!(page, "{row}").ok();
    }
    page
}

/// What the drawing itself says was seen, without commas that look like columns.
fn summary(drawing: &str) -> &str {
    let Some(at) = drawing.find(" samples, ") else { return "" };
    let begin = drawing[..at].rfind(|character: char| !character.is_ascii_digit()).map_or(0, |before| before + 1);
    let end = drawing[at..].find('<').map_or(drawing.len(), |length| at + length);
    &drawing[begin..end]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::drive::Tally;
    use super::super::operation::Operation;
    use super::*;

    fn graph(service: &'static str) -> Graph {
        let tally = Tally { answers: 120, refused: 3, last_refusal: String::new(), lasted: Duration::from_secs(12) };
        let drawing = "<svg><text>12 samples, 99 in each second of CPU time: 0.12 s were used</text></svg>".to_owned();
        Graph { operation: Operation::CreateOrder, service, drawing, tally }
    }

    #[test]
    fn every_flame_graph_has_a_row_with_what_was_done_and_seen() {
        let page = index(&[graph("order"), graph("cart")], Look { seconds: 10, frequency: 99 }, "make profiles");
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| [")).collect();
        let row = |file: &str, service: &str| {
            let calls = Operation::CreateOrder.calls();
            let seen = "12 samples, 99 in each second of CPU time: 0.12 s were used";
            format!("| [{file}]({file}) | `{calls}` | {service} | 10 | 3 | {seen} |")
        };
        assert_eq!(rows, [row("create_order.svg", "order"), row("create_order-cart.svg", "cart")]);
    }
}
