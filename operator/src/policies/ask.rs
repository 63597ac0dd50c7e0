//! Asks a pod which policies it runs.

use http::StatusCode;
use shop_policy::Acknowledgement;
use shopkeeper_plan::PolicyVersion;

use crate::pod_port;

/// So much of a reason is kept.
const REASON: usize = 300;

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It runs what it should.
    Applied,
    /// It runs other policies, and does not say that it was given any that it can't use.
    Other,
    /// It could not use the policies that it was given last, for this reason.
    Rejected(String),
    /// It does not know the question: its image is older than the operator.
    Unsupported,
    /// It did not answer, for this reason.
    Silent(String),
}

impl Answer {
    /// Whether it says the same, apart from how exactly a pod was silent.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self == other || matches!((self, other), (Self::Silent(_), Self::Silent(_)))
    }

    /// The word for the outcome in metrics.
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Other => "other",
            Self::Rejected(_) => "rejected",
            Self::Unsupported => "unsupported",
            Self::Silent(_) => "silent",
        }
    }
}

/// Asks a pod whether it runs these policies.
pub(super) async fn ask(address: &str, port: u16, wanted: &PolicyVersion) -> Answer {
    match pod_port::get(address, port, "/cache/policy").await {
        Err(error) => Answer::Silent(shortened(&error.to_string())),
        Ok((StatusCode::OK, body)) => read(&body, wanted),
        Ok((StatusCode::NOT_FOUND, _)) => Answer::Unsupported,
        Ok((status, _)) => Answer::Silent(format!("it answers {status}")),
    }
}

fn read(body: &[u8], wanted: &PolicyVersion) -> Answer {
    match serde_json::from_slice::<Acknowledgement>(body) {
        Err(_) => Answer::Silent("it answers something else than an acknowledgement".into()),
        Ok(answer) if answer.generation == wanted.generation && answer.hash == wanted.hash => Answer::Applied,
        Ok(Acknowledgement { rejected: Some(rejection), .. }) => Answer::Rejected(shortened(&rejection.reason)),
        Ok(_) => Answer::Other,
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(REASON).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_wanted_generation_and_hash_count() {
        let wanted = PolicyVersion { generation: 7, hash: "abc".into() };
        let read = |text: &str| read(text.as_bytes(), &wanted);
        assert_eq!(read(r#"{"generation": 7, "hash": "abc"}"#), Answer::Applied);
        assert_eq!(read(r#"{"generation": 6, "hash": "abc"}"#), Answer::Other);
        assert_eq!(read(r#"{"generation": 7, "hash": "abd"}"#), Answer::Other);
        let rejected = r#"{"generation": 6, "hash": "abd", "rejected": {"reason": "no ttl"}}"#;
        assert_eq!(read(rejected), Answer::Rejected("no ttl".into()));
        assert!(matches!(read("rubbish"), Answer::Silent(_)));
    }
}
