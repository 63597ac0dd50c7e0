//! The table.

use std::fmt::Write as _;

use crate::proc::Spent;

/// What requests cost in one turn, in microseconds of CPU each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    server: f64,
    redis: f64,
    postgres: f64,
}

/// A case in the table.
pub(crate) struct Row<'a> {
    pub(crate) name: &'static str,
    pub(crate) samples: &'a [Sample],
    /// The case that it is compared with, turn by turn.
    pub(crate) against: Option<(&'static str, &'a [Sample])>,
    pub(crate) limit: Option<f64>,
}

impl Sample {
    pub(crate) fn new(spent: Spent, requests: u64) -> Self {
        let each = |nanos: u64| nanos as f64 / 1e3 / requests.max(1) as f64;
        Self { server: each(spent.server), redis: each(spent.redis), postgres: each(spent.postgres) }
    }

    fn all(self) -> f64 {
        self.server + self.redis + self.postgres
    }
}

/// Markdown.
pub(crate) fn table<'a>(rows: impl Iterator<Item = Row<'a>>) -> String {
    let mut text = String::from(
        "| CPU time of a request, µs (median of the rounds) | services | Redis | PostgreSQL | together | spread | compared | limit |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | --- | --- |\n",
    );
    for row in rows {
        let of = |part: fn(&Sample) -> f64| median(&mut row.samples.iter().map(part).collect::<Vec<_>>());
        let mut all: Vec<f64> = row.samples.iter().map(|sample| sample.all()).collect();
        let together = median(&mut all);
        let (least, most) = (all.first().copied().unwrap_or_default(), all.last().copied().unwrap_or_default());
        let compared = row.against.map_or_else(String::new, |(name, others)| {
            let mut ratios: Vec<f64> =
                row.samples.iter().zip(others).map(|(own, other)| own.all() / other.all()).collect();
            format!("{:.2} × {name}", median(&mut ratios))
        });
        let limit = row.limit.map_or_else(String::new, |limit| {
            let verdict = if together <= limit { "reached" } else { "missed" };
            format!("≤ {limit:.0}: {verdict}")
        });
        let _ = writeln!(
            text,
            "| {} | {:.1} | {:.1} | {:.1} | **{together:.1}** | {least:.1}–{most:.1} | {compared} | {limit} |",
            row.name,
            of(|sample| sample.server),
            of(|sample| sample.redis),
            of(|sample| sample.postgres),
        );
    }
    text
}

/// The median; the numbers are sorted then.
pub(crate) fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    match numbers.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => numbers[odd / 2],
        even => f64::midpoint(numbers[even / 2 - 1], numbers[even / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_few_is_in_their_middle() {
        assert!((median(&mut [3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(&mut [4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median(&mut []).abs() < 1e-9);
    }

    #[test]
    fn a_row_tells_the_parts_the_spread_the_ratio_and_whether_the_limit_is_reached() {
        let spent = |server| Spent { server, redis: 2_000_000, postgres: 0 };
        let own = [Sample::new(spent(18_000_000), 1_000), Sample::new(spent(28_000_000), 1_000)];
        let other = [Sample::new(spent(8_000_000), 1_000), Sample::new(spent(8_000_000), 1_000)];
        let row = Row { name: "mine", samples: &own, against: Some(("its", &other)), limit: Some(20.0) };
        let text = table(std::iter::once(row));
        assert!(
            text.ends_with("| mine | 23.0 | 2.0 | 0.0 | **25.0** | 20.0–30.0 | 2.50 × its | ≤ 20: missed |\n"),
            "{text}"
        );
    }
}
