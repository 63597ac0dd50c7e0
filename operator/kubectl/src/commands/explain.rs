//! `explain`: what a reason means, and what to do.

use std::io::Write;

use super::{Answer, show};
use crate::{
    args::Form,
    error::Error,
    paint::{Paint, Tone},
    reasons::{self, Explained},
};

pub(super) fn explain(
    reason: Option<&str>,
    form: Form,
    paint: Paint,
    out: &mut (impl Write + ?Sized),
) -> Result<Answer, Error> {
    let meanings = reason.map_or_else(reasons::all, reasons::of);
    if let (Some(reason), true) = (reason, meanings.is_empty()) {
        return Err(Error::NoSuchReason { reason: reason.to_owned(), there: names() });
    }
    show(form, &meanings, || text(&meanings, paint), out)?;
    Ok(Answer::Well)
}

/// All reasons, each once.
fn names() -> Vec<String> {
    let mut names: Vec<String> = reasons::all().into_iter().map(|it| it.reason).collect();
    names.sort();
    names.dedup();
    names
}

fn text(meanings: &[Explained], paint: Paint) -> String {
    let parts: Vec<String> = meanings.iter().map(|meaning| one(meaning, paint)).collect();
    parts.join("\n")
}

fn one(meaning: &Explained, paint: Paint) -> String {
    let Explained { reason, conditions, meaning, advice } = meaning;
    let advice = if advice.is_empty() { "nothing" } else { advice };
    let conditions = conditions.join(", ");
    format!("{} ({conditions})\n  it means: {meaning}\n  to do:    {advice}\n", paint.paint(Tone::Heading, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(reason: Option<&str>, form: Form) -> Result<String, Error> {
        let mut out = Vec::new();
        explain(reason, form, Paint::PLAIN, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_reason_is_explained_as_in_the_book() {
        let expected = "PodsCrashing (Degraded, Ready)\n  it means: a process ends again and again\n  \
                        to do:    read its log: `kubectl logs --previous`\n";
        let text = said(Some("podscrashing"), Form::Text).unwrap();
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains("PodsCrashing (MonitoringReady)\n"), "{text}");
    }

    #[test]
    fn without_a_reason_all_are_explained() {
        let json: serde_json::Value = serde_json::from_str(&said(None, Form::Json).unwrap()).unwrap();
        assert!(json.as_array().unwrap().len() > 50);
        assert_eq!(json[0]["reason"], "InvalidSpec");
    }

    #[test]
    fn of_a_reason_that_there_is_not_all_others_are_named() {
        let error = said(Some("Sunshine"), Form::Text).unwrap_err().to_string();
        assert!(error.contains("\"Sunshine\"; there are AllReady, AllWell, Applied, "), "{error}");
    }
}
