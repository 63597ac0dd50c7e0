//! The demo users, as they were in the shop's older systems. Their passwords are public: never seed a shop that is not a demo.

use anyhow::Context as _;
use prometheus::Registry;
use secrecy::SecretString;
use shop_auth::Role;
use shop_runtime::db::{self, DbConfig};
use sqlx::PgConnection;

use crate::domain::{NewUser, Username};
use crate::metrics::UserMetrics;
use crate::passwords::Passwords;
use crate::{NAME, SCHEMA, store};

/// Name, password, full name, role.
const DEMO_USERS: [(&str, &str, &str, Role); 3] = [
    ("admin", "admin123", "Demo Administrator", Role::Admin),
    ("user1", "user123", "Demo User", Role::User),
    ("testuser", "test123", "Test User", Role::User),
];

/// Adds the demo users that are not there; may run any number of times, also at once.
pub async fn run(database_url: &SecretString) -> anyhow::Result<()> {
    let pool = db::connect(&DbConfig::new(database_url.clone(), NAME, SCHEMA))?;
    let mut connection = pool.acquire().await?;
    let added = add_demo_users(&mut connection).await?;
    drop(connection);
    pool.close().await;
    tracing::info!(added, present = DEMO_USERS.len(), "demo users");
    Ok(())
}

async fn add_demo_users(connection: &mut PgConnection) -> anyhow::Result<usize> {
    let passwords = Passwords::new(UserMetrics::register(&Registry::new())?.hashes)?;
    let mut added = 0;
    for (username, password, full_name, role) in DEMO_USERS {
        if store::users::exists(connection, username).await? {
            continue;
        }
        let new = NewUser {
            username: Username::new(username.to_owned()).context("a demo user has a valid name")?,
            full_name: full_name.to_owned(),
            role,
            password_hash: passwords.hash(password.into()).await?,
        };
        added += usize::from(store::users::insert_if_absent(connection, &new).await?);
    }
    Ok(added)
}
