//! Which traces are collected, of those that begin here. Of all others that was said where they began.

/// The share of traces that are collected, by their ids alone, so that everyone who decides by the same share decides alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ratio(u64);

/// Where the share is said, from 0 to 1.
const VARIABLE: &str = "OTEL_TRACES_SAMPLER_ARG";

/// Ids are compared by 63 bits, as OpenTelemetry's own sampler does.
const WHOLE: u64 = 1 << 63;

impl Ratio {
    /// As the environment says; all, if it says nothing that can be understood.
    pub(super) fn from_env() -> Self {
        let Ok(text) = std::env::var(VARIABLE) else { return Self(WHOLE) };
        Self::parse(&text).unwrap_or_else(|| {
            tracing::warn!(VARIABLE, text, "not a share from 0 to 1: all traces that begin here are collected");
            Self(WHOLE)
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let share: f64 = text.trim().parse().ok().filter(|share| (0.0..=1.0).contains(share))?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a share of 2^63, to the accuracy of a float"
        )]
        Some(Self((share * WHOLE as f64) as u64))
    }

    /// Whether this trace is collected.
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is what counts")]
    pub(super) const fn keeps(self, trace: u128) -> bool {
        (trace as u64) >> 1 < self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_traces_is_kept_always_the_same_ones() {
        let (half, all, none) = (Ratio::parse("0.5"), Ratio::parse("1"), Ratio::parse("0.0"));
        let [half, all, none] = [half, all, none].map(|ratio| ratio.expect("a share"));
        let kept = (0..10_000_u32).filter(|_| half.keeps(rand::random())).count();
        assert!((4_500..5_500).contains(&kept), "{kept}");
        for trace in [1, u128::MAX, u128::from(u64::MAX), rand::random()] {
            assert!(all.keeps(trace) && !none.keeps(trace), "{trace:x}");
        }
    }

    #[test]
    fn what_is_no_share_is_not_taken_for_one() {
        for text in ["", "all", "1.1", "-0.1", "NaN", "inf"] {
            assert_eq!(Ratio::parse(text), None, "{text}");
        }
    }
}
