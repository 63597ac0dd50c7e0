//! What an administrator sees of a running shop: its figures, its alerts and its traces, all through the one address of the shop.

pub mod jaeger;
mod pg_admin;
pub mod prometheus;
pub mod telegram;

use std::time::{Duration, Instant};

use reqwest::{StatusCode, header, redirect};
use serde::de::DeserializeOwned;

pub use self::pg_admin::PgAdmin;

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Pause between looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// Why something could not be seen.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// There was no answer.
    #[error("{path}: no answer; is the shop up? (`make status` tells)")]
    Unreachable {
        /// What was asked for.
        path: String,
        /// What the client saw.
        #[source]
        source: reqwest::Error,
    },
    /// The login was refused.
    #[error("the administrator can't log in: {status}: {body}")]
    NoLogin {
        /// The status.
        status: StatusCode,
        /// What was said.
        body: String,
    },
    /// It was answered with something else.
    #[error("{path}: {status}: {body}")]
    Refused {
        /// What was asked for.
        path: String,
        /// The status.
        status: StatusCode,
        /// What was said.
        body: String,
    },
    /// The answer is not what it should be.
    #[error("{path}: {problem}")]
    Unreadable {
        /// What was asked for.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Something did not come about in time.
    #[error("not within {waited:?}: {what}")]
    Late {
        /// What was waited for, and what was seen last.
        what: String,
        /// How long.
        waited: Duration,
    },
}

/// A browser in which an administrator is logged in.
#[derive(Clone, Debug)]
pub struct Admin {
    base: String,
    http: reqwest::Client,
    cookie: String,
}

impl Admin {
    /// Logs in at the shop's own page, as the administrator of the demo.
    pub async fn log_in(base: &str) -> Result<Self, WatchError> {
        let path = "/user-api/admin/login";
        let unreachable = |source| WatchError::Unreachable { path: path.to_owned(), source };
        let http = reqwest::Client::builder().timeout(PATIENCE).redirect(redirect::Policy::none());
        let http = http.build().map_err(unreachable)?;
        let base = base.trim_end_matches('/').to_owned();
        let form = [("username", "admin"), ("password", "admin123"), ("next", "/prometheus/")];
        let answer = http.post(format!("{base}{path}")).header(header::ORIGIN, &base).form(&form);
        let answer = answer.send().await.map_err(unreachable)?;
        let status = answer.status();
        let cookies = answer.headers().get_all(header::SET_COOKIE).iter();
        let cookie =
            cookies.filter_map(|it| it.to_str().ok()?.split(';').next()).find(|it| it.starts_with("shop_admin="));
        match cookie.map(str::to_owned) {
            Some(cookie) if status == StatusCode::SEE_OTHER => Ok(Self { base, http, cookie }),
            _ => Err(WatchError::NoLogin { status, body: answer.text().await.unwrap_or_default() }),
        }
    }

    /// Asks for a page, which must be there.
    pub async fn page(&self, path: &str) -> Result<String, WatchError> {
        let unreachable = |source| WatchError::Unreachable { path: path.to_owned(), source };
        let request = self.http.get(format!("{}{path}", self.base)).header(header::COOKIE, &self.cookie);
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = answer.text().await.map_err(unreachable)?;
        if status.is_success() { Ok(body) } else { Err(WatchError::Refused { path: path.to_owned(), status, body }) }
    }

    /// Asks for JSON.
    pub async fn json<T: DeserializeOwned>(&self, path: &str) -> Result<T, WatchError> {
        let body = self.page(path).await?;
        serde_json::from_str(&body)
            .map_err(|error| WatchError::Unreadable { path: path.to_owned(), problem: format!("{error}: {body:.300}") })
    }
}

/// Looks until there is something to see.
pub async fn until<T>(
    what: &str,
    limit: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<T>, WatchError>,
) -> Result<T, WatchError> {
    let began = Instant::now();
    loop {
        if let Some(seen) = look().await? {
            return Ok(seen);
        }
        if began.elapsed() > limit {
            return Err(WatchError::Late { what: what.to_owned(), waited: limit });
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}
