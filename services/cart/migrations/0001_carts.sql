-- Carts, and checkouts on their way from a cart to an order.

CREATE TABLE carts (
    user_id    uuid        PRIMARY KEY,
    -- Grows with every change. Whoever changes a cart changes this row first, so changes of one cart wait for each other here
    -- and nowhere else.
    version    bigint      NOT NULL DEFAULT 1 CHECK (version >= 1),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE cart_lines (
    user_id      uuid    NOT NULL REFERENCES carts (user_id) ON DELETE CASCADE,
    product_id   bigint  NOT NULL CHECK (product_id >= 1),
    quantity     integer NOT NULL CHECK (quantity BETWEEN 1 AND 999),
    -- The version of the cart that the line came with: a line that was removed and put in again after a checkout began is
    -- another line, which that checkout must leave alone.
    since        bigint  NOT NULL,
    PRIMARY KEY (user_id, product_id)
);

CREATE TABLE checkouts (
    -- Chosen here, so that every step can be repeated under the same name.
    order_id        uuid        PRIMARY KEY,
    user_id         uuid        NOT NULL,
    idempotency_key text        NOT NULL,
    -- What was asked for under that key; the key with another request is refused.
    fingerprint     bytea       NOT NULL,
    cart_version    bigint      NOT NULL,
    -- The cart's lines at that version: [{"product_id", "quantity"}].
    lines           jsonb       NOT NULL,
    state           text        NOT NULL DEFAULT 'RESERVING'
                    CHECK (state IN ('RESERVING', 'COMMITTING', 'ORDERING', 'RELEASING', 'DONE', 'REFUSED')),
    -- The lines as they were reserved, with names and prices.
    priced          jsonb,
    answer_status   smallint,
    answer_body     bytea,
    -- Steps tried in this state without an outcome.
    attempts        integer     NOT NULL DEFAULT 0,
    last_error      text,
    -- Until then the checkout belongs to whoever works on it, or rests; afterwards any sweeper may take it.
    resume_at       timestamptz NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, idempotency_key),
    CHECK (priced IS NOT NULL OR state NOT IN ('COMMITTING', 'ORDERING', 'DONE')),
    CHECK ((answer_status IS NULL) = (answer_body IS NULL)),
    CHECK ((answer_body IS NOT NULL) = (state IN ('RELEASING', 'DONE', 'REFUSED')))
);

-- One checkout of a cart at a time: two under different keys would order the same lines twice.
CREATE UNIQUE INDEX checkouts_one_at_a_time ON checkouts (user_id) WHERE state NOT IN ('DONE', 'REFUSED');
-- What the sweeper looks for.
CREATE INDEX checkouts_to_resume ON checkouts (resume_at) WHERE state NOT IN ('DONE', 'REFUSED');
-- What expires.
CREATE INDEX checkouts_finished ON checkouts (updated_at) WHERE state IN ('DONE', 'REFUSED');
