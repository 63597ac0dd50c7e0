//! `Paused`.

use super::{Outcome, Picture, Verdict};

pub(super) fn paused(picture: &Picture) -> Verdict {
    match picture.outcome {
        Outcome::Paused => Verdict::yes(
            "PausedByAnnotation",
            "the operator leaves this Store alone until annotation shopkeeper.dev/paused is removed; deleting it works all the same",
        ),
        _ => Verdict::no("NotPaused", "the operator looks after this Store"),
    }
}
