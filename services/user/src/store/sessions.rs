//! Sessions in the database.

use std::time::Duration;

use shop_auth::Role;
use shop_runtime::query;
use shop_types::{SessionId, UserId};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::users::role;
use crate::domain::{Lifetimes, PasswordHash, Presented, SessionSecret, TokenHash, User};

/// What a login begins.
#[derive(Debug)]
pub(crate) struct NewSession {
    pub(crate) id: SessionId,
    pub(crate) secret: SessionSecret,
    /// That of the refresh token; none for a session that is not gone on with.
    pub(crate) hash: Option<TokenHash>,
}

/// Whether a session goes on, and what its user may do at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It does.
    Open(Role),
    /// It was ended, or is over by itself, or the user is gone.
    Over,
}

/// Begins a session of a user whose password is still the one that was checked, and tells who that is at this moment and when the session
/// ends unless it is refreshed. None if the password was changed meanwhile: whoever changes it ends all sessions that were begun
/// before, and waits for those that are being begun.
#[query]
pub(crate) async fn begin(
    connection: &mut PgConnection,
    user: UserId,
    checked: &PasswordHash,
    new: &NewSession,
    lifetimes: Lifetimes,
) -> Result<Option<(User, OffsetDateTime)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"WITH owner AS (
               SELECT id, username, full_name, role FROM users WHERE id = $1 AND password_hash = $2 FOR SHARE
           ), session AS (
               INSERT INTO sessions (id, user_id, secret, idle_until, expires_at, access_until)
               SELECT $3, id, $4,
                      now() + least(make_interval(secs => $6), make_interval(secs => $7)),
                      now() + make_interval(secs => $7),
                      now() + make_interval(secs => $8)
                 FROM owner
            RETURNING id, idle_until
           ), token AS (
               INSERT INTO refresh_tokens (hash, session_id, generation)
               SELECT $5, id, 0 FROM session WHERE $5::bytea IS NOT NULL
           )
           SELECT username, full_name, role, idle_until FROM owner CROSS JOIN session"#,
        user as UserId,
        checked.0,
        new.id as SessionId,
        &new.secret.0[..],
        new.hash.as_ref().map(|hash| &hash.0[..]),
        lifetimes.idle.as_secs_f64(),
        lifetimes.absolute.as_secs_f64(),
        lifetimes.access.as_secs_f64(),
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let user = User { id: user, username: row.username, full_name: row.full_name, role: role(&row.role)? };
        Ok((user, row.idle_until))
    })
    .transpose()
}

/// How it stands with a session of a user.
#[query]
pub(crate) async fn standing(
    connection: &mut PgConnection,
    session: SessionId,
    user: UserId,
) -> Result<Standing, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "SELECT owner.role
           FROM sessions session JOIN users owner ON owner.id = session.user_id
          WHERE session.id = $1 AND owner.id = $2 AND session.ended_at IS NULL AND session.idle_until > now()",
        session as SessionId,
        user as UserId,
    )
    .fetch_optional(connection)
    .await?;
    found.map_or(Ok(Standing::Over), |found| role(&found).map(Standing::Open))
}

/// The session of a refresh token, if it is one of ours.
#[query]
pub(crate) async fn present(connection: &mut PgConnection, hash: &TokenHash) -> Result<Option<Presented>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT session.id AS "id: SessionId", session.user_id AS "user_id: UserId", session.secret,
                  session.generation AS newest, token.generation, session.rotated_at, session.idle_until,
                  session.ended_at IS NOT NULL AS "ended!", owner.full_name, owner.role, now() AS "now!"
             FROM refresh_tokens token
             JOIN sessions session ON session.id = token.session_id
             JOIN users owner ON owner.id = session.user_id
            WHERE token.hash = $1"#,
        &hash.0[..],
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let secret =
            row.secret.try_into().map_err(|_| sqlx::Error::Decode("a session's secret has 64 bytes".into()))?;
        Ok(Presented {
            session: row.id,
            user: row.user_id,
            full_name: row.full_name,
            role: role(&row.role)?,
            secret: SessionSecret(secret),
            generation: row.generation,
            newest: row.newest,
            rotated_at: row.rotated_at,
            idle_until: row.idle_until,
            ended: row.ended,
            now: row.now,
        })
    })
    .transpose()
}

/// Uses up a session's newest refresh token for its successor; when the session ends unless it is refreshed again. None if
/// somebody else was first, or has ended the session.
#[query]
pub(crate) async fn rotate(
    connection: &mut PgConnection,
    presented: &Presented,
    successor: &TokenHash,
    lifetimes: Lifetimes,
) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"WITH rotated AS (
               UPDATE sessions
                  SET generation = generation + 1, rotated_at = now(),
                      idle_until = least(now() + make_interval(secs => $4), expires_at),
                      access_until = greatest(access_until, now() + make_interval(secs => $5))
                WHERE id = $1 AND generation = $2 AND ended_at IS NULL AND idle_until > now()
            RETURNING id, generation, idle_until
           ), token AS (
               INSERT INTO refresh_tokens (hash, session_id, generation) SELECT $3, id, generation FROM rotated
           )
           SELECT idle_until FROM rotated"#,
        presented.session as SessionId,
        presented.generation,
        &successor.0[..],
        lifetimes.idle.as_secs_f64(),
        lifetimes.access.as_secs_f64(),
    )
    .fetch_optional(connection)
    .await
}

/// Notes that another access token was given out for a token that was used up a moment ago. None if its successor was used up as well, or
/// the session was ended.
#[query]
pub(crate) async fn repeat(
    connection: &mut PgConnection,
    presented: &Presented,
    access: Duration,
) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    sqlx::query_scalar!(
        "UPDATE sessions SET access_until = greatest(access_until, now() + make_interval(secs => $3))
          WHERE id = $1 AND generation = $2 AND ended_at IS NULL AND idle_until > now()
      RETURNING idle_until",
        presented.session as SessionId,
        presented.newest,
        access.as_secs_f64(),
    )
    .fetch_optional(connection)
    .await
}

/// Forgets sessions that are over, a good number at a time; how many. What comes of their tokens is refused all the same.
#[query]
pub(crate) async fn forget(connection: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!(
        "DELETE FROM sessions WHERE id IN (
             SELECT id FROM sessions WHERE idle_until < now() - interval '1 day' LIMIT 1000 FOR UPDATE SKIP LOCKED)"
    )
    .execute(connection)
    .await?;
    Ok(deleted.rows_affected())
}
