//! How long ago, in few letters.

use jiff::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How long ago something was, as kubectl shows ages: the largest unit of which there are two.
pub(crate) fn since(then: Timestamp, now: Timestamp) -> String {
    let seconds = (now.as_second() - then.as_second()).max(0);
    match seconds {
        _ if seconds < 2 * MINUTE => format!("{seconds}s"),
        _ if seconds < 2 * HOUR => format!("{}m", seconds / MINUTE),
        _ if seconds < 2 * DAY => format!("{}h", seconds / HOUR),
        _ => format!("{}d", seconds / DAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_the_largest_unit_of_which_there_are_two() {
        let then = Timestamp::from_second(1_000_000).unwrap();
        let after = |seconds: i64| since(then, Timestamp::from_second(1_000_000 + seconds).unwrap());
        assert_eq!([after(0), after(119), after(120), after(7_199)], ["0s", "119s", "2m", "119m"]);
        assert_eq!([after(7_200), after(172_799), after(172_800)], ["2h", "47h", "2d"]);
        assert_eq!(after(-5), "0s", "clocks differ");
    }
}
