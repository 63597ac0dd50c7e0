CREATE TABLE users (
    id            uuid        PRIMARY KEY,
    username      text        NOT NULL CONSTRAINT users_username_length CHECK (length(username) BETWEEN 3 AND 32),
    full_name     text        NOT NULL,
    role          text        NOT NULL CONSTRAINT users_role_known CHECK (role IN ('admin', 'user')),
    password_hash text        NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now()
);

-- Ann and ann are the same person, however she writes herself.
CREATE UNIQUE INDEX users_username_key ON users (lower(username));

-- What a user was told. There is no foreign key: a notice for somebody who is gone must not be delivered again and again.
CREATE TABLE notifications (
    id          uuid        PRIMARY KEY,
    user_id     uuid        NOT NULL,
    kind        text        NOT NULL,
    order_id    uuid        NOT NULL,
    status      text        NOT NULL,
    occurred_at timestamptz NOT NULL
);

-- Newest first; ids are UUIDv7, so their order is that of the events.
CREATE INDEX notifications_of_user ON notifications (user_id, id DESC);

-- Events that were received already (shop-outbox).
CREATE TABLE inbox (
    event_id    uuid        PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX inbox_received_at ON inbox (received_at);
