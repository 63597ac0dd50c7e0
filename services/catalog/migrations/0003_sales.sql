-- What was sold to whom, as the order service tells it: bestsellers and recommendations are computed from it.

-- No reference to products: a sale may tell of a product that is not sold any more, and one that was never known does no harm.
CREATE TABLE sales (
    order_id   uuid        NOT NULL,
    user_id    uuid        NOT NULL,
    product_id bigint      NOT NULL CHECK (product_id > 0),
    quantity   integer     NOT NULL CHECK (quantity > 0),
    sold_at    timestamptz NOT NULL,
    -- What was bought together.
    PRIMARY KEY (order_id, product_id)
);

-- What a customer bought, newest first.
CREATE INDEX sales_by_user ON sales (user_id, sold_at DESC, order_id, product_id);
-- In which orders a product is, newest first.
CREATE INDEX sales_by_product ON sales (product_id, sold_at DESC, order_id) INCLUDE (user_id);
-- What was sold in a window of time; what is too old to matter is at its beginning.
CREATE INDEX sales_by_time ON sales (sold_at) INCLUDE (product_id, quantity);

-- Events that were received; the table is shop-outbox's.
CREATE TABLE inbox (
    event_id    uuid        PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX inbox_received_at ON inbox (received_at);
