-- Orders, what is in them, and the way that each has come.

CREATE TABLE orders (
    id           uuid        PRIMARY KEY,
    user_id      uuid        NOT NULL,
    status       text        NOT NULL CHECK (status IN ('CREATED', 'PROCESSING', 'SHIPPING', 'DELIVERED', 'CANCELLED')),
    -- Counts the states that the order has been in; each move asks for the version that it saw, so no move happens twice.
    version      integer     NOT NULL DEFAULT 1 CHECK (version >= 1),
    total_amount bigint      NOT NULL CHECK (total_amount >= 0),
    currency     text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    -- When the clock moves the order on; null once nothing follows.
    due_at       timestamptz,
    CHECK ((due_at IS NULL) = (status IN ('DELIVERED', 'CANCELLED')))
);

-- The customer's own orders, newest first: identifiers are UUIDv7, so they sort by age.
CREATE INDEX orders_by_user ON orders (user_id, id DESC);
-- What the clock looks for; finished orders are not in it.
CREATE INDEX orders_due ON orders (due_at) WHERE due_at IS NOT NULL;
-- What automatic deletion looks for.
CREATE INDEX orders_finished ON orders (updated_at) WHERE due_at IS NULL;

CREATE TABLE order_lines (
    order_id          uuid    NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    position          integer NOT NULL CHECK (position >= 0),
    product_id        bigint  NOT NULL CHECK (product_id >= 1),
    quantity          integer NOT NULL CHECK (quantity BETWEEN 1 AND 999),
    unit_price_amount bigint  NOT NULL CHECK (unit_price_amount >= 0),
    name_en           text    NOT NULL,
    name_ru           text    NOT NULL,
    PRIMARY KEY (order_id, position),
    UNIQUE (order_id, product_id)
);

CREATE TABLE order_history (
    order_id    uuid        NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    version     integer     NOT NULL CHECK (version >= 1),
    from_status text,
    to_status   text        NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    -- A second move to the same version cannot even be written down.
    PRIMARY KEY (order_id, version),
    CHECK ((version = 1) = (from_status IS NULL))
);

-- Identifiers of deleted orders: a checkout that repeats its request late must not bring one back.
CREATE TABLE deleted_orders (
    id         uuid        PRIMARY KEY,
    deleted_at timestamptz NOT NULL DEFAULT now()
);
