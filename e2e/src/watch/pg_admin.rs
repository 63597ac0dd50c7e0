//! pgAdmin behind the gateway, asked as its own page asks it.

use std::collections::BTreeMap;

use reqwest::{RequestBuilder, StatusCode, header};
use serde_json::Value;

use super::{Admin, WatchError};

/// Its only user.
const USER: &str = "admin@example.com";

/// The header in which it wants to see that a request comes from its own page.
const TOKEN: &str = "X-pgA-CSRFToken";

/// A browser in which somebody is logged in at pgAdmin, past the gateway's login.
#[derive(Debug)]
pub struct PgAdmin {
    admin: Admin,
    cookies: BTreeMap<String, String>,
    token: String,
}

impl PgAdmin {
    /// Fills in its form.
    pub async fn log_in(admin: &Admin, password: &str) -> Result<Self, WatchError> {
        let mut this = Self { admin: admin.clone(), cookies: BTreeMap::new(), token: String::new() };
        let path = "/pgadmin/login";
        let (_, page) = this.send(path, this.admin.http.get(this.address(path))).await?;
        this.token = text_after(&page, "csrfToken\": \"", '"').ok_or_else(|| unreadable(path, &page))?;
        let path = "/pgadmin/authenticate/login";
        let form = [("email", USER), ("password", password), ("csrf_token", &this.token), ("internal_button", "Login")];
        let (status, body) = this.send(path, this.admin.http.post(this.address(path)).form(&form)).await?;
        // Whoever is let in is sent to its page, and others back to the form.
        if status != StatusCode::FOUND {
            return Err(WatchError::NoLogin { status, body });
        }
        let path = "/pgadmin/browser/js/utils.js";
        let (_, script) = this.send(path, this.admin.http.get(this.address(path))).await?;
        this.token = text_after(&script, "['csrf_token'] = '", '\'').ok_or_else(|| unreadable(path, &script))?;
        Ok(this)
    }

    /// Connects with the server of this number in its list, without typing a password; what it tells then.
    pub async fn connect(mut self, server: u32) -> Result<Value, WatchError> {
        let path = format!("/pgadmin/browser/server/connect/1/{server}");
        let (status, body) = self.send(&path, self.admin.http.post(self.address(&path)).json(&Value::Null)).await?;
        if !status.is_success() {
            return Err(WatchError::Refused { path, status, body });
        }
        serde_json::from_str(&body).map_err(|_| unreadable(&path, &body))
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.admin.base)
    }

    /// Asks with all cookies, and keeps those that come back.
    async fn send(&mut self, path: &str, request: RequestBuilder) -> Result<(StatusCode, String), WatchError> {
        let unreachable = |source| WatchError::Unreachable { path: path.to_owned(), source };
        let cookies = self.cookies.iter().map(|(name, value)| format!("; {name}={value}"));
        let cookies: String = [self.admin.cookie.clone()].into_iter().chain(cookies).collect();
        let request = request.header(header::COOKIE, cookies).header(header::ORIGIN, &self.admin.base);
        let answer = request.header(TOKEN, &self.token).send().await.map_err(unreachable)?;
        let set =
            answer.headers().get_all(header::SET_COOKIE).iter().filter_map(|it| it.to_str().ok()?.split(';').next());
        self.cookies.extend(set.filter_map(|it| it.split_once('=')).map(|(name, value)| (name.into(), value.into())));
        Ok((answer.status(), answer.text().await.map_err(unreachable)?))
    }
}

fn text_after(page: &str, beginning: &str, end: char) -> Option<String> {
    let (_, rest) = page.split_once(beginning)?;
    Some(rest.split_once(end)?.0.to_owned())
}

fn unreadable(path: &str, page: &str) -> WatchError {
    WatchError::Unreadable { path: path.to_owned(), problem: format!("not what pgAdmin says: {page:.300}") }
}
