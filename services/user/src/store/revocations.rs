//! Ended sessions in the database, numbered so that whoever asks for what is new misses none.

use shop_auth::{Revocation, RevocationPage};
use shop_runtime::query;
use shop_types::{SessionId, UserId};
use sqlx::PgConnection;

use crate::domain::EndedBy;

/// How many are told at a time.
const PAGE: usize = 500;

/// How much longer than its last access token a session is remembered: clocks differ.
const CLOCKS_DIFFER_SECONDS: f64 = 60.0;

/// The right to end sessions, until the end of the transaction. It is had by one at a time, and has to be taken before anything else is
/// locked, so that nobody waits in a circle.
pub(crate) struct Counter<'c> {
    connection: &'c mut PgConnection,
    last: i64,
}

/// Which sessions.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    /// This one.
    One(SessionId),
    /// All of a user.
    AllOf(UserId),
    /// All of a user but this one.
    OthersOf(UserId, Option<SessionId>),
}

impl<'c> Counter<'c> {
    /// Waits for the right, in a transaction that has begun.
    #[query]
    pub(crate) async fn lock(connection: &'c mut PgConnection) -> Result<Self, sqlx::Error> {
        let last =
            sqlx::query_scalar!("SELECT last FROM revocation_counter FOR UPDATE").fetch_one(&mut *connection).await?;
        Ok(Self { connection, last })
    }

    /// The transaction, for what belongs to the end of the sessions.
    pub(crate) const fn connection(&mut self) -> &mut PgConnection {
        self.connection
    }

    /// Ends sessions; those of them that had access tokens that may still be good.
    #[query]
    pub(crate) async fn end(self, which: Which, by: EndedBy) -> Result<Vec<Revocation>, sqlx::Error> {
        let (one, user, but) = match which {
            Which::One(session) => (Some(session), None, None),
            Which::AllOf(user) => (None, Some(user), None),
            Which::OthersOf(user, session) => (None, Some(user), session),
        };
        let rows = sqlx::query!(
            r#"WITH ended AS (
                   UPDATE sessions SET ended_at = now(), ended_by = $5
                    WHERE ended_at IS NULL AND (id = $1 OR user_id = $2) AND id IS DISTINCT FROM $3
                RETURNING id, access_until + make_interval(secs => $6) AS until
               )
               INSERT INTO revocations (seq, session_id, until)
               SELECT $4 + row_number() OVER (), id, until FROM ended WHERE until > now()
            RETURNING session_id AS "session: SessionId", until"#,
            one as Option<SessionId>,
            user as Option<UserId>,
            but as Option<SessionId>,
            self.last,
            by.as_str(),
            CLOCKS_DIFFER_SECONDS,
        )
        .fetch_all(&mut *self.connection)
        .await?;
        if !rows.is_empty() {
            let number = i64::try_from(rows.len()).unwrap_or(i64::MAX);
            sqlx::query!("UPDATE revocation_counter SET last = last + $1", number)
                .execute(&mut *self.connection)
                .await?;
        }
        Ok(rows.into_iter().map(|row| Revocation { session: row.session, until: row.until.unix_timestamp() }).collect())
    }
}

/// What came after a number.
#[query]
pub(crate) async fn since(connection: &mut PgConnection, since: i64) -> Result<RevocationPage, sqlx::Error> {
    // One statement, so that the counter and the rows are of one moment.
    let rows = sqlx::query!(
        r#"SELECT last, seq AS "seq?", session_id AS "session_id?: SessionId", until AS "until?"
             FROM revocation_counter LEFT JOIN revocations ON seq > $1 AND until > now()
            ORDER BY seq LIMIT $2"#,
        since,
        i64::try_from(PAGE).unwrap_or(i64::MAX),
    )
    .fetch_all(connection)
    .await?;
    let last = rows.first().map_or(0, |row| row.last);
    let told = rows.last().and_then(|row| row.seq);
    let more = rows.len() == PAGE && told != Some(last);
    let revocations = rows
        .into_iter()
        .filter_map(|row| Some(Revocation { session: row.session_id?, until: row.until?.unix_timestamp() }));
    Ok(RevocationPage { revocations: revocations.collect(), seq: if more { told.unwrap_or(last) } else { last }, more })
}

/// Forgets those that nobody needs any more.
#[query]
pub(crate) async fn forget(connection: &mut PgConnection) -> Result<u64, sqlx::Error> {
    Ok(sqlx::query!("DELETE FROM revocations WHERE until < now()").execute(connection).await?.rows_affected())
}
