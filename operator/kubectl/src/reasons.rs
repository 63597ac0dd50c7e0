//! What the reasons of conditions mean and what to do, from the page about the operator, which is the one text of it.

use serde::Serialize;

const PAGE: &str = include_str!("../../../docs/src/operator.md");

/// What a reason means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Explained {
    pub(crate) reason: String,
    /// The conditions that have it.
    pub(crate) conditions: Vec<String>,
    pub(crate) meaning: String,
    /// What to do; nothing where it is empty.
    pub(crate) advice: String,
}

/// The two tables of the page.
#[derive(Clone, Copy)]
enum Table {
    /// Those of what failed, which two conditions have.
    Failures,
    /// Those of each condition.
    ByCondition,
}

/// All reasons, in the page's order.
pub(crate) fn all() -> Vec<Explained> {
    read(PAGE)
}

/// What a reason means, however its letters are written: it may mean something in several conditions.
pub(crate) fn of(reason: &str) -> Vec<Explained> {
    all().into_iter().filter(|it| it.reason.eq_ignore_ascii_case(reason)).collect()
}

/// What to do about a condition with this reason.
pub(crate) fn advice(condition: &str, reason: &str) -> Option<String> {
    let meanings = of(reason);
    let own = meanings.iter().find(|it| it.conditions.iter().any(|name| name == condition));
    own.or(meanings.first()).map(|it| it.advice.clone()).filter(|advice| !advice.is_empty())
}

fn read(page: &str) -> Vec<Explained> {
    let (mut table, mut conditions, mut found) = (None, Vec::new(), Vec::new());
    for line in page.lines() {
        let Some(cells) = cells(line) else {
            table = None;
            continue;
        };
        match (cells.as_slice(), table) {
            (["reason", "what it means", "what to do"], _) => table = Some(Table::Failures),
            (["condition", "reason", "what it means", "what to do"], _) => table = Some(Table::ByCondition),
            ([rule, ..], _) if rule.starts_with("---") => {}
            ([reasons, meaning, advice], Some(Table::Failures)) => {
                conditions = vec!["Degraded".to_owned(), "Ready".to_owned()];
                found.extend(meanings(reasons, &conditions, meaning, advice));
            }
            ([of, reasons, meaning, advice], Some(Table::ByCondition)) => {
                if !of.is_empty() {
                    conditions = of.split(", ").map(ToOwned::to_owned).collect();
                }
                found.extend(meanings(reasons, &conditions, meaning, advice));
            }
            _ => {}
        }
    }
    found
}

/// The cells of a line of a table.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.strip_prefix('|')?.trim_end().strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

/// Several reasons may stand in one line.
fn meanings(reasons: &str, conditions: &[String], meaning: &str, advice: &str) -> Vec<Explained> {
    let names = reasons.split('`').skip(1).step_by(2);
    names
        .map(|reason| Explained {
            reason: reason.to_owned(),
            conditions: conditions.to_vec(),
            meaning: without_links(meaning),
            advice: without_links(advice),
        })
        .collect()
}

/// A text without its links, which lead nowhere in a terminal.
fn without_links(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('[') {
        plain.push_str(before);
        let link = after.split_once("](").and_then(|(name, target)| Some((name, target.split_once(')')?.1)));
        let (name, behind) = link.unwrap_or(("[", after));
        plain.push_str(name);
        rest = behind;
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_pages_tables_of_reasons_is_read() {
        let section = PAGE.split("## What is wrong, and what to do").nth(1).unwrap();
        let rows = section.lines().filter(|line| line.starts_with('|') && line.contains('`')).collect::<Vec<_>>();
        assert!(rows.len() > 50, "{}", rows.len());
        let all = all();
        for row in rows {
            let columns = cells(row).unwrap();
            let reasons = columns.iter().find(|cell| cell.starts_with('`')).unwrap();
            for reason in reasons.split('`').skip(1).step_by(2) {
                assert!(all.iter().any(|it| it.reason == reason && without_links(row).contains(&it.meaning)), "{row}");
            }
        }
    }

    #[test]
    fn a_reason_may_mean_something_in_several_conditions() {
        let conditions: Vec<_> = of("secretmissing").into_iter().map(|it| it.conditions).collect();
        assert_eq!(conditions, [vec!["Degraded", "Ready"], vec!["MonitoringReady"]]);
        assert_eq!(of("Sunshine"), []);
    }

    #[test]
    fn the_advice_is_that_for_the_condition_or_else_any() {
        let advice = |condition, reason| advice(condition, reason).unwrap_or_default();
        assert!(advice("Degraded", "SecretMissing").starts_with("make it, in the Store's namespace"));
        assert!(advice("MonitoringReady", "SecretMissing").starts_with("make it as the message says"));
        assert_eq!(advice("DatabaseReady", "RollingOut"), advice("Progressing", "RollingOut"));
        assert_eq!(advice("Ready", "Ready"), "");
    }

    #[test]
    fn links_are_told_by_their_names() {
        assert_eq!(
            without_links("wait, or see [Upgrades](#upgrades) and [this](a.md)."),
            "wait, or see Upgrades and this."
        );
        assert_eq!(without_links("spec.images[0], (none)"), "spec.images[0], (none)");
    }

    #[test]
    fn both_conditions_of_a_line_have_its_reasons() {
        let page = "| condition | reason | what it means | what to do |\n| --- | --- | --- | --- |\n\
                    | A, B | `X` | x | do x |\n| | `Y`, `Z` | y | |\n\n| `Q` | not | of this table | at all |\n";
        let read = read(page);
        let names: Vec<_> = read.iter().map(|it| (it.reason.as_str(), it.conditions.join("+"))).collect();
        assert_eq!(names, [("X", "A+B".into()), ("Y", "A+B".into()), ("Z", "A+B".into())]);
        assert_eq!((read[0].advice.as_str(), read[2].advice.as_str()), ("do x", ""));
    }
}
