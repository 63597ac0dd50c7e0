-- What the caches could not be told of while Redis was away, on its way to them; the table is shop-outbox's.

CREATE TABLE outbox (
    event_id        uuid        PRIMARY KEY,
    topic           text        NOT NULL,
    payload         jsonb       NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    attempts        integer     NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    last_error      text
);
CREATE INDEX outbox_due ON outbox (next_attempt_at);
