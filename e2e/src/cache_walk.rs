//! The caching patterns, seen from outside, call by call: what System A's script showed, and what happens when it gets difficult.

mod ahead;
mod aside;
mod events;
mod outage;
mod stampede;
mod through;

use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cluster::Cluster;
use crate::shop::{Answer, Narrator, ShopError, Visitor};

/// Who walks: an administrator, and a customer of today.
pub struct Walk<N> {
    /// Where the shop is.
    pub url: String,
    /// The administrator, whose calls are told.
    pub admin: Visitor<N>,
    /// The customer's token.
    customer: String,
    /// The cluster that the shop is on.
    pub cluster: Cluster,
}

/// Shows every pattern; stops at the first that does not do what it says.
pub async fn walk<N: Narrator>(walk: &mut Walk<N>) -> Result<(), ShopError> {
    aside::show(walk).await?;
    through::show(walk).await?;
    ahead::show(walk).await?;
    events::show(walk).await?;
    stampede::show(walk).await?;
    outage::show(walk).await
}

impl<N: Narrator> Walk<N> {
    /// Logs the administrator in, and registers a customer.
    pub async fn begin(url: &str, mut visitor: Visitor<N>, cluster: Cluster) -> Result<Self, ShopError> {
        visitor.narrator.step("An administrator and a new customer log in");
        let name = format!("guest-{}", &Uuid::new_v4().simple().to_string()[..12]);
        let password = Uuid::new_v4().to_string();
        let account = json!({"username": name, "password": password, "full_name": "A Guest"});
        visitor.post("/user-api/users/register", &account, StatusCode::CREATED).await?;
        let customer = token(&mut visitor, &name, &password).await?;
        let admin = token(&mut visitor, "admin", "admin123").await?;
        visitor.token(&admin);
        Ok(Self { url: url.trim_end_matches('/').to_owned(), admin: visitor, customer, cluster })
    }

    /// The customer, whom nobody hears.
    fn customer(&self) -> Result<Visitor<crate::shop::Silent>, ShopError> {
        let mut visitor = Visitor::new(&self.url, crate::shop::Silent).map_err(|source| ShopError::Unreachable {
            method: reqwest::Method::GET,
            path: self.url.clone(),
            source,
        })?;
        visitor.token(&self.customer);
        Ok(visitor)
    }

    /// Drops a whole cache.
    async fn invalidate(&mut self, cache: &str) -> Result<Answer, ShopError> {
        self.admin.post("/api/cache/invalidate", &json!({"cache_type": cache}), StatusCode::OK).await
    }
}

async fn token<N: Narrator>(visitor: &mut Visitor<N>, name: &str, password: &str) -> Result<String, ShopError> {
    let answer = visitor.post_form("/user-api/token", &[("username", name), ("password", password)]).await?;
    Ok(answer.text_at("/access_token")?.to_owned())
}

/// The answer came from a cache.
fn hit(answer: &Answer) -> Result<(), ShopError> {
    expect(answer.is_hit(), answer, "a hit")
}

/// The answer was loaded.
fn miss(answer: &Answer) -> Result<(), ShopError> {
    expect(answer.cache_status.as_deref().is_some_and(|status| status.contains("fwd=miss")), answer, "a miss")
}

fn expect(holds: bool, answer: &Answer, expected: &'static str) -> Result<(), ShopError> {
    if holds {
        return Ok(());
    }
    Err(ShopError::Cache { path: answer.path.clone(), expected, status: answer.cache_status.clone() })
}

/// The first thing at a pointer that is a number.
fn number(body: &Value, pointer: &str) -> Option<i64> {
    body.pointer(pointer).and_then(Value::as_i64)
}
