//! The tables.

use std::{fmt::Write as _, time::Duration};

use crate::{
    figures::{AtSize, Figures, line, percentile},
    repair::median,
};

/// The architecture's figures to reach.
mod reach {
    pub(super) const IDLE_MEGABYTES: f64 = 15.0;
    pub(super) const KILOBYTES_FOR_A_STORE: f64 = 20.0;
    pub(super) const OBSERVED_MILLISECONDS: f64 = 250.0;
    pub(super) const ONE_FIELD_WRITES: u64 = 8;
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn verdict(reached: bool) -> &'static str {
    if reached { "reached" } else { "missed" }
}

/// Markdown.
pub(crate) fn text(figures: &Figures) -> String {
    let parts = [summary(figures), sizes(&figures.sizes), fields(figures), times(figures), how(figures)];
    parts.join("\n")
}

fn summary(figures: &Figures) -> String {
    let mut text = String::from("| what | measured | to reach |\n| --- | --- | --- |\n");
    let mut row = |what: &str, measured: String, reach: String| {
        let _ = writeln!(text, "| {what} | {measured} | {reach} |");
    };
    if let Some(least) = figures.sizes.first() {
        let megabytes = least.memory.resident / 1e6;
        let measured = format!(
            "{megabytes:.1} MB resident, {:.1} MB of it without the program file",
            least.memory.anonymous / 1e6
        );
        let what = format!("memory at rest, {} Stores", least.stores);
        row(
            &what,
            measured,
            format!("≤ {:.0} MB: {}", reach::IDLE_MEGABYTES, verdict(megabytes <= reach::IDLE_MEGABYTES)),
        );
    }
    let slope = |of: fn(&AtSize) -> f64| {
        let points: Vec<_> = figures.sizes.iter().map(|it| (it.stores as f64, of(it) / 1e3)).collect();
        line(&points).map(|(slope, _)| slope)
    };
    if let (Some(slope), Some(after)) = (slope(|it| it.memory.resident), slope(|it| it.memory_after.resident)) {
        let measured = format!("{slope:.1} kB after a start, {after:.1} kB after all else");
        let reached = verdict(slope <= reach::KILOBYTES_FOR_A_STORE);
        row("memory for one Store more", measured, format!("≤ {:.0} kB: {reached}", reach::KILOBYTES_FOR_A_STORE));
    }
    if let Some(most) = figures.sizes.last() {
        let p99 = milliseconds(percentile(&most.changes, 99));
        let measured = format!("{p99:.0} ms");
        let what = format!("spec change to observedGeneration, p99, {} Stores", most.stores);
        let reached = verdict(p99 <= reach::OBSERVED_MILLISECONDS);
        row(&what, measured, format!("≤ {:.0} ms: {reached}", reach::OBSERVED_MILLISECONDS));
        let writes = most.cold_start_writes.total();
        let what = format!("writes after a start with {} Stores in place", most.stores);
        row(&what, writes.to_string(), format!("0: {}", verdict(writes == 0)));
    }
    if let Some(field) = figures.fields.iter().max_by_key(|field| field.children) {
        let writes = field.writes.total();
        let what = format!("writes for one changed field that touches {} of {} children", field.children, field.of);
        let reach = reach::ONE_FIELD_WRITES.max(field.children as u64 + 1);
        row(
            &what,
            writes.to_string(),
            format!("{reach}, those that differ and the status: {}", verdict(writes <= reach)),
        );
    }
    let (quiet, writes) = &figures.quiet;
    let minutes = quiet.as_secs() / 60;
    let told = if writes.total() == 0 { String::new() } else { format!(" ({writes})") };
    let what = format!("writes in {minutes} quiet minutes");
    row(&what, format!("{}{told}", writes.total()), format!("0: {}", verdict(writes.total() == 0)));
    text
}

fn sizes(sizes: &[AtSize]) -> String {
    let mut text = String::from("|  |");
    for size in sizes {
        let _ =
            write!(text, " {} |", if size.stores == 1 { "1 Store".into() } else { format!("{} Stores", size.stores) });
    }
    text.push_str("\n| --- |");
    text.push_str(&" ---: |".repeat(sizes.len()));
    text.push('\n');
    let mut row = |what: &str, cell: &dyn Fn(&AtSize) -> String| {
        let cells: Vec<String> = sizes.iter().map(cell).collect();
        let _ = writeln!(text, "| {what} | {} |", cells.join(" | "));
    };
    row("all made and Ready, s", &|it| format!("{:.1}", it.made.as_secs_f64()));
    row("start with all in place until quiet, s", &|it| format!("{:.2}", it.cold_start.as_secs_f64()));
    row("writes during it", &|it| it.cold_start_writes.total().to_string());
    row("memory after it, resident, MB", &|it| format!("{:.1}", it.memory.resident / 1e6));
    row("without the program file, MB", &|it| format!("{:.1}", it.memory.anonymous / 1e6));
    row("memory after all else, resident, MB", &|it| format!("{:.1}", it.memory_after.resident / 1e6));
    for hundredths in [50, 95, 99] {
        let what = format!("spec change to observedGeneration, p{hundredths}, ms");
        row(&what, &|it| format!("{:.0}", milliseconds(percentile(&it.changes, hundredths))));
    }
    row("CPU of 1,000 reconciles with nothing to do, s", &|it| format!("{:.2}", it.idle_reconciles));
    row("CPU of 1,000 changes of a spec, s", &|it| format!("{:.2}", it.changes_cpu));
    row("reconciles for a change of a spec", &|it| format!("{:.1}", it.reconciles_per_change));
    text
}

fn fields(figures: &Figures) -> String {
    let mut text = String::from(
        "| one changed field | children changed | writes | events | which |\n| --- | ---: | ---: | ---: | --- |\n",
    );
    for field in &figures.fields {
        let (changed, of, writes) = (field.children, field.of, field.writes.total());
        let _ = writeln!(
            text,
            "| `{}` | {changed} of {of} | {writes} | {} | {} |",
            field.field, field.events, field.writes
        );
    }
    text
}

fn times(figures: &Figures) -> String {
    let mut text = String::from("| time, ms | median | worst | of |\n| --- | ---: | ---: | ---: |\n");
    let repairs = figures.repairs.iter().map(|it| (format!("repair of a deleted {}", it.kind), &it.times));
    let handovers = figures
        .handovers
        .iter()
        .map(|it| (format!("a change made at a {} of the leader is observed", it.signal), &it.times));
    for (what, times) in repairs.chain(handovers) {
        let (median, worst) = (median(times).unwrap_or_default(), times.last().copied().unwrap_or_default());
        let _ =
            writeln!(text, "| {what} | {:.0} | {:.0} | {} |", milliseconds(median), milliseconds(worst), times.len());
    }
    text
}

fn how(figures: &Figures) -> String {
    let changes = figures.sizes.last().map_or(0, |it| it.changes.len());
    let build = if cfg!(debug_assertions) { "a development" } else { "a release" };
    format!(
        "{changes} changes at each size, one after the other; {build} build; load average of the machine {} before and {} after.\n",
        figures.load_before, figures.load_after
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        counters::Writes,
        figures::{Handover, OneField, Repair},
        proc::Memory,
    };

    fn at(stores: usize) -> AtSize {
        let memory = Memory { resident: 10e6 + stores as f64 * 18e3, anonymous: 9e6 };
        AtSize {
            stores,
            made: Duration::from_secs(3),
            cold_start: Duration::from_millis(1500),
            cold_start_writes: Writes::default(),
            memory,
            memory_after: memory,
            changes: vec![Duration::from_millis(20), Duration::from_millis(300)],
            idle_reconciles: 1.0,
            changes_cpu: 2.0,
            reconciles_per_change: 3.0,
        }
    }

    #[test]
    fn figures_stand_beside_those_to_reach() {
        let figures = Figures {
            sizes: vec![at(1), at(100)],
            quiet: (Duration::from_secs(600), Writes::default()),
            fields: vec![OneField { field: "images.tag", children: 7, of: 30, writes: Writes::default(), events: 1 }],
            repairs: vec![Repair { kind: "Job".into(), times: vec![Duration::from_millis(12)] }],
            handovers: vec![Handover { signal: "SIGKILL", times: vec![Duration::from_secs(16)] }],
            load_before: "1".into(),
            load_after: "2".into(),
        };
        let text = text(&figures);
        for row in [
            "| memory for one Store more | 18.0 kB after a start, 18.0 kB after all else | ≤ 20 kB: reached |",
            "| spec change to observedGeneration, p99, 100 Stores | 300 ms | ≤ 250 ms: missed |",
            "| writes in 10 quiet minutes | 0 | 0: reached |",
            "| spec change to observedGeneration, p50, ms | 20 | 20 |",
            "| repair of a deleted Job | 12 | 12 | 1 |",
        ] {
            assert!(text.contains(row), "{row}\n{text}");
        }
    }
}
