//! Users in the database.

use shop_auth::Role;
use shop_runtime::query;
use shop_types::UserId;
use sqlx::PgConnection;

use crate::domain::{NewUser, PasswordHash, User};

/// The index that keeps names apart; its violation means that a name is taken.
pub(crate) const USERNAME_KEY: &str = "users_username_key";

/// A role that the database should not have let in.
pub(super) fn role(text: &str) -> Result<Role, sqlx::Error> {
    text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// Adds a user.
#[query]
pub(crate) async fn insert(connection: &mut PgConnection, new: &NewUser) -> Result<User, sqlx::Error> {
    let user = User {
        id: UserId::generate(),
        username: new.username.as_str().to_owned(),
        full_name: new.full_name.clone(),
        role: new.role,
    };
    sqlx::query!(
        "INSERT INTO users (id, username, full_name, role, password_hash) VALUES ($1, $2, $3, $4, $5)",
        user.id as UserId,
        user.username,
        user.full_name,
        user.role.as_str(),
        new.password_hash.0,
    )
    .execute(connection)
    .await?;
    Ok(user)
}

/// Adds a user unless the name is taken; whether it was added.
#[query]
pub(crate) async fn insert_if_absent(connection: &mut PgConnection, new: &NewUser) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query!(
        "INSERT INTO users (id, username, full_name, role, password_hash) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (lower(username)) DO NOTHING",
        UserId::generate() as UserId,
        new.username.as_str(),
        new.full_name,
        new.role.as_str(),
        new.password_hash.0,
    )
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Whether a name is taken.
#[query]
pub(crate) async fn exists(connection: &mut PgConnection, username: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM users WHERE lower(username) = lower($1)) AS "exists!""#, username)
        .fetch_one(connection)
        .await
}

/// A user.
#[query]
pub(crate) async fn by_id(connection: &mut PgConnection, id: UserId) -> Result<Option<User>, sqlx::Error> {
    let row = sqlx::query!("SELECT username, full_name, role FROM users WHERE id = $1", id as UserId)
        .fetch_optional(connection)
        .await?;
    row.map(|row| Ok(User { id, username: row.username, full_name: row.full_name, role: role(&row.role)? })).transpose()
}

/// Gives a user another name to be greeted with; the user as it is then, if there is such a user.
#[query]
pub(crate) async fn rename(
    connection: &mut PgConnection,
    id: UserId,
    full_name: &str,
) -> Result<Option<User>, sqlx::Error> {
    let row = sqlx::query!(
        "UPDATE users SET full_name = $2 WHERE id = $1 RETURNING username, full_name, role",
        id as UserId,
        full_name
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok(User { id, username: row.username, full_name: row.full_name, role: role(&row.role)? })).transpose()
}

/// The user of this name, in whatever case it is written, and what the password must match.
#[query]
pub(crate) async fn by_username(
    connection: &mut PgConnection,
    username: &str,
) -> Result<Option<(User, PasswordHash)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT id AS "id: UserId", username, full_name, role, password_hash
             FROM users WHERE lower(username) = lower($1)"#,
        username
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let user = User { id: row.id, username: row.username, full_name: row.full_name, role: role(&row.role)? };
        Ok((user, PasswordHash(row.password_hash)))
    })
    .transpose()
}

/// What a user's password must match.
#[query]
pub(crate) async fn password(connection: &mut PgConnection, id: UserId) -> Result<Option<PasswordHash>, sqlx::Error> {
    let hash = sqlx::query_scalar!("SELECT password_hash FROM users WHERE id = $1", id as UserId)
        .fetch_optional(connection)
        .await?;
    Ok(hash.map(PasswordHash))
}

/// Keeps another hash in the place of this one. False if it is not the one that is kept any more.
#[query]
pub(crate) async fn replace_password(
    connection: &mut PgConnection,
    id: UserId,
    old: &PasswordHash,
    new: &PasswordHash,
) -> Result<bool, sqlx::Error> {
    let replaced = sqlx::query!(
        "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2",
        id as UserId,
        old.0,
        new.0
    )
    .execute(connection)
    .await?;
    Ok(replaced.rows_affected() == 1)
}

/// Users after `after` whose names have this text in them, in the order in which they came.
#[query]
pub(crate) async fn list(
    connection: &mut PgConnection,
    searched: &str,
    wanted: Option<Role>,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<User>, sqlx::Error> {
    // A text that is looked for is not a pattern, so strpos and not LIKE.
    let rows = sqlx::query!(
        r#"SELECT id AS "id: UserId", username, full_name, role
             FROM users
            WHERE ($1 = '' OR strpos(lower(username), lower($1)) > 0 OR strpos(lower(full_name), lower($1)) > 0)
              AND ($2::text IS NULL OR role = $2)
              AND ($3::uuid IS NULL OR id > $3)
            ORDER BY id
            LIMIT $4"#,
        searched,
        wanted.map(Role::as_str),
        after as Option<UserId>,
        limit,
    )
    .fetch_all(connection)
    .await?;
    let users = rows
        .into_iter()
        .map(|row| Ok(User { id: row.id, username: row.username, full_name: row.full_name, role: role(&row.role)? }));
    users.collect()
}

/// How many administrators there are.
#[query]
pub(crate) async fn count_admins(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM users WHERE role = 'admin'"#).fetch_one(connection).await
}

/// Gives a user another role; the user as it is then, if there is such a user.
#[query]
pub(crate) async fn set_role(
    connection: &mut PgConnection,
    id: UserId,
    wanted: Role,
) -> Result<Option<User>, sqlx::Error> {
    let row = sqlx::query!(
        "UPDATE users SET role = $2 WHERE id = $1 RETURNING username, full_name",
        id as UserId,
        wanted.as_str()
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| User { id, username: row.username, full_name: row.full_name, role: wanted }))
}
