//! What was measured, and how many numbers become one.

use std::time::Duration;

use crate::{counters::Writes, proc::Memory};

/// What was measured with one number of Stores.
#[derive(Debug)]
pub(crate) struct AtSize {
    pub(crate) stores: usize,
    /// How long it took until all of them were Ready.
    pub(crate) made: Duration,
    /// From the start of the process until it did nothing more.
    pub(crate) cold_start: Duration,
    /// What it wrote meanwhile.
    pub(crate) cold_start_writes: Writes,
    /// After that start.
    pub(crate) memory: Memory,
    /// After all else at this size.
    pub(crate) memory_after: Memory,
    /// From a change of a spec until it was observed, sorted.
    pub(crate) changes: Vec<Duration>,
    /// CPU seconds for a thousand reconciles in which nothing had changed.
    pub(crate) idle_reconciles: f64,
    /// CPU seconds for a thousand changes of a spec.
    pub(crate) changes_cpu: f64,
    /// Reconciles for each of these changes.
    pub(crate) reconciles_per_change: f64,
}

/// What one changed field made the operator write.
#[derive(Debug)]
pub(crate) struct OneField {
    pub(crate) field: &'static str,
    /// Children that were another version afterwards.
    pub(crate) children: usize,
    /// All children of the Store.
    pub(crate) of: usize,
    /// Without events.
    pub(crate) writes: Writes,
    pub(crate) events: u64,
}

/// How long the repair of a deleted child took.
#[derive(Debug)]
pub(crate) struct Repair {
    pub(crate) kind: String,
    /// Sorted.
    pub(crate) times: Vec<Duration>,
}

/// How long a change waited that was made when the leader was stopped.
#[derive(Debug)]
pub(crate) struct Handover {
    pub(crate) signal: &'static str,
    /// Sorted.
    pub(crate) times: Vec<Duration>,
}

/// Everything.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) sizes: Vec<AtSize>,
    pub(crate) quiet: (Duration, Writes),
    pub(crate) fields: Vec<OneField>,
    pub(crate) repairs: Vec<Repair>,
    pub(crate) handovers: Vec<Handover>,
    pub(crate) load_before: String,
    pub(crate) load_after: String,
}

/// The value that so many hundredths of sorted values do not exceed.
pub(crate) fn percentile(sorted: &[Duration], hundredths: usize) -> Duration {
    let rank = (sorted.len() * hundredths).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// Slope and beginning of the line that has the least squares of distances to the points.
pub(crate) fn line(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    if points.len() < 2 || spread == 0.0 {
        return None;
    }
    let slope = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / spread;
    Some((slope, mean_y - slope * mean_x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 50), Duration::from_millis(100));
        assert_eq!(percentile(&times, 99), Duration::from_millis(198));
        assert_eq!(percentile(&times[..1], 99), Duration::from_millis(1));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }

    #[test]
    fn a_line_is_found_again() {
        let (slope, begin) = line(&[(1.0, 12.0), (10.0, 30.0), (100.0, 210.0)]).expect("a line");
        assert!((slope - 2.0).abs() < 1e-9 && (begin - 10.0).abs() < 1e-9);
        assert_eq!(line(&[(1.0, 2.0)]), None);
    }
}
