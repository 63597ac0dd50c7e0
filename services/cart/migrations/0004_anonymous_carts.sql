-- Carts of visitors who have not logged in, prices as they were when a line came in, and what an old request is remembered by.

ALTER TABLE carts
    -- The cart of a cookie: `user_id` is then made of the cookie's hash, and nobody's who is registered.
    ADD COLUMN anonymous   boolean NOT NULL DEFAULT false,
    -- The user whose cart took in the lines of this one. It is kept for a while, so that a late request with its cookie is told.
    ADD COLUMN merged_into uuid,
    -- What of merged carts found no place: [{"product_id", "quantity", "reason"}], shown until the customer has seen it.
    ADD COLUMN left_out    jsonb   NOT NULL DEFAULT '[]',
    ADD CONSTRAINT carts_only_anonymous_ones_are_merged CHECK (anonymous OR merged_into IS NULL);

-- What expires.
CREATE INDEX carts_by_age ON carts (anonymous, updated_at);

ALTER TABLE cart_lines
    -- The price of a piece when the customer last put some of it in; none for lines from before these columns.
    ADD COLUMN price_amount   bigint,
    ADD COLUMN price_currency text,
    ADD CONSTRAINT cart_lines_price_has_a_currency CHECK ((price_amount IS NULL) = (price_currency IS NULL));

-- Additions that named themselves by an Idempotency-Key, with their answers.
CREATE TABLE cart_additions (
    user_id         uuid        NOT NULL REFERENCES carts (user_id) ON DELETE CASCADE,
    idempotency_key text        NOT NULL,
    fingerprint     bytea       NOT NULL,
    -- {"version", "line"}
    answer          jsonb       NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, idempotency_key)
);
CREATE INDEX cart_additions_by_age ON cart_additions (created_at);

ALTER TABLE checkouts
    -- What the customer expects to pay: {"total", "prices", "when_added"}; none if nothing was said.
    ADD COLUMN expected jsonb;
