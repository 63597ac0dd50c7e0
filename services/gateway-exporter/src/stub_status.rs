//! nginx' own figures of its connections.

use std::time::Duration;

/// nginx is in the same pod, and answers at once or not at all.
const PATIENCE: Duration = Duration::from_secs(1);

/// What nginx says of its connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StubStatus {
    /// Connections that are open.
    pub active: i64,
    /// Connections that were taken since nginx started.
    pub accepted: u64,
    /// Those of them that were served, and not dropped for want of room.
    pub handled: u64,
    /// Connections whose request's head is being read.
    pub reading: i64,
    /// Connections whose request is being served.
    pub writing: i64,
    /// Connections that wait for a request.
    pub waiting: i64,
}

/// Why it is not known.
#[derive(Debug, thiserror::Error)]
pub enum StubStatusError {
    /// nginx does not answer.
    #[error("nginx does not tell of its connections: {0}")]
    Away(#[from] reqwest::Error),
    /// It answers something else.
    #[error("nginx answers something else than its stub_status")]
    Unreadable,
}

/// Where it is read.
#[derive(Clone, Debug)]
pub struct Source {
    client: reqwest::Client,
    url: String,
}

impl Source {
    /// From this address.
    pub fn new(url: &str) -> Result<Self, reqwest::Error> {
        Ok(Self { client: reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?, url: url.to_owned() })
    }

    /// What nginx says now.
    pub async fn read(&self) -> Result<StubStatus, StubStatusError> {
        let answer = self.client.get(&self.url).send().await?.error_for_status()?;
        parse(&answer.text().await?).ok_or(StubStatusError::Unreadable)
    }
}

/// `Active connections: 1`, a line of names, a line with three numbers, and `Reading: 0 Writing: 1 Waiting: 0`.
fn parse(text: &str) -> Option<StubStatus> {
    let mut lines = text.lines().map(str::trim);
    let active = lines.next()?.strip_prefix("Active connections: ")?.parse().ok()?;
    if lines.next()? != "server accepts handled requests" {
        return None;
    }
    let mut totals = lines.next()?.split_ascii_whitespace();
    let (accepted, handled) = (totals.next()?.parse().ok()?, totals.next()?.parse().ok()?);
    let mut words = lines.next()?.split_ascii_whitespace();
    let mut state = |name: &str| (words.next()? == name).then(|| words.next()?.parse().ok())?;
    Some(StubStatus {
        active,
        accepted,
        handled,
        reading: state("Reading:")?,
        writing: state("Writing:")?,
        waiting: state("Waiting:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "Active connections: 291 \nserver accepts handled requests\n 16630948 16630940 31070465 \n\
                        Reading: 6 Writing: 179 Waiting: 106 \n";

    #[test]
    fn the_page_is_read_as_nginx_writes_it() {
        let expected = StubStatus {
            active: 291,
            accepted: 16_630_948,
            handled: 16_630_940,
            reading: 6,
            writing: 179,
            waiting: 106,
        };
        assert_eq!(parse(PAGE), Some(expected));
    }

    #[test]
    fn another_page_is_not_taken_for_it() {
        for text in ["", "ok\n", &PAGE.replace("Writing", "Wrote"), &PAGE.replace('6', "x"), &PAGE[..60]] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
