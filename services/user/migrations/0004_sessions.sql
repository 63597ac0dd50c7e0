-- Logins, and everything that was refreshed from them.
CREATE TABLE sessions (
    id           uuid        PRIMARY KEY,
    user_id      uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- Successors of refresh tokens are made with it, so that a token that is presented twice gets the same one; nothing can be made from it
    -- without a token.
    secret       bytea       NOT NULL,
    -- The number of the newest refresh token; each has the next one.
    generation   integer     NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL DEFAULT now(),
    rotated_at   timestamptz NOT NULL DEFAULT now(),
    -- The end of a session that nobody refreshes, never after expires_at.
    idle_until   timestamptz NOT NULL,
    -- The end of it, whatever happens.
    expires_at   timestamptz NOT NULL,
    -- The end of the last access token.
    access_until timestamptz NOT NULL,
    ended_at     timestamptz,
    ended_by     text        CONSTRAINT sessions_ended_by_known
        CHECK (ended_by IN ('logout', 'logout-everywhere', 'password', 'role', 'reuse')),
    CONSTRAINT sessions_end_has_a_reason CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE INDEX sessions_of_user ON sessions (user_id) WHERE ended_at IS NULL;
CREATE INDEX sessions_idle_until ON sessions (idle_until);

-- Every refresh token that was given out, so that one that comes back is known. The tokens themselves are kept nowhere.
CREATE TABLE refresh_tokens (
    hash       bytea   PRIMARY KEY,
    session_id uuid    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    generation integer NOT NULL,
    CONSTRAINT refresh_tokens_once UNIQUE (session_id, generation)
);

-- Sessions that were ended while access tokens of theirs were good, for the other services. They ask for what came after the number
-- that they know. The numbers come from the row below, which is locked from before the first change of a transaction to its commit: so
-- none becomes visible after a higher one.
CREATE TABLE revocations (
    seq        bigint      PRIMARY KEY,
    session_id uuid        NOT NULL,
    until      timestamptz NOT NULL
);
CREATE INDEX revocations_until ON revocations (until);

CREATE TABLE revocation_counter (
    only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT revocation_counter_one_row CHECK (only_row),
    last     bigint  NOT NULL
);
INSERT INTO revocation_counter (last) VALUES (0);
