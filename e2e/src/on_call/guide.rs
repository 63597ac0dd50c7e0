//! The book's page that makes each alert fire, read as a list of faults.

/// A fault, and the alerts that it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The alerts.
    pub alerts: Vec<String>,
    /// The commands that cause it.
    pub cause: String,
    /// The commands that end it.
    pub mend: String,
}

impl Section {
    /// The heading.
    pub fn title(&self) -> String {
        self.alerts.join(", ")
    }
}

/// The sections of the page. Each has two blocks of commands; one that has not is left out.
pub fn sections(page: &str) -> Vec<Section> {
    page.split("\n## ").skip(1).filter_map(section).collect()
}

fn section(text: &str) -> Option<Section> {
    let (heading, body) = text.split_once('\n')?;
    let mut blocks = body.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let (cause, mend) = (blocks.next()?, blocks.next()?);
    let alerts = heading.split(", ").map(|name| name.trim().to_owned()).collect();
    Some(Section { alerts, cause: cause.to_owned(), mend: mend.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_has_its_alerts_and_two_blocks() {
        let page = "# Page\n\n```sh\nnot this\n```\n\n## One, Two\n\nWords.\n\n```sh\nbreak\n```\n\n```sh\nmend\n```\n\n## Words only\n\nNone.\n";
        let alerts = vec!["One".to_owned(), "Two".to_owned()];
        assert_eq!(sections(page), [Section { alerts, cause: "break\n".into(), mend: "mend\n".into() }]);
    }
}
