//! Which errors say that Redis is away, and which only that one command went wrong.

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Answers by which Redis says, to whatever it is asked or to whatever it should change, that it can't: it is still reading its data
/// (`LOADING`), is a replica (`READONLY`) or one that has lost its master (`MASTERDOWN`), may not write since it can't save (`MISCONF`), is
/// held up by a script (`BUSY`), belongs to a cluster that is down, or does not know us any more (`NOAUTH`, which a new connection mends).
///
/// `OOM` is not among them, on purpose: a full Redis still answers reads and still deletes, so that hits and invalidations go on, and only
/// what would need more memory fails, each command for itself.
const AWAY: [&str; 7] = ["LOADING", "READONLY", "MASTERDOWN", "MISCONF", "BUSY", "CLUSTERDOWN", "NOAUTH"];

/// Whether the error means that the connection, or Redis behind it, is of no use at the moment. A script that fails, a key of another
/// type, a value that is none of ours, a command that is not allowed: those are answers, and Redis is there.
pub(super) fn is_away(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Io | ErrorKind::AuthenticationFailed => true,
        ErrorKind::Server(_) | ErrorKind::Extension => codes_say_so(error),
        // `Parse` among them: the client says it of a value that is not of the wished type and of bytes that are not Redis' protocol alike,
        // but closes the connection after the latter, so that the next command tells.
        _ => false,
    }
}

/// Of a pipeline, one such answer is enough.
fn codes_say_so(error: &RedisError) -> bool {
    let errors = error.clone().into_server_errors();
    errors.is_some_and(|errors| errors.iter().any(|(_, error)| AWAY.contains(&error.code())))
}

/// Whether the answer to a probe shows that Redis works: also if it will not do this very command for us.
pub(super) fn is_answer(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm)
}
