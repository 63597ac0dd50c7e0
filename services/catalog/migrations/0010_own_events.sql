-- What only one customer hears of, numbered with everything else. A table of its own: a version of the service that does not know of it
-- tells everyone what is in shop_events.

CREATE TABLE own_events (
    seq bigint PRIMARY KEY,
    user_id uuid NOT NULL,
    order_id uuid NOT NULL,
    kind text NOT NULL,
    -- Grows with every change of the order; none if nobody said.
    order_version bigint,
    payload jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

-- What one customer has missed.
CREATE INDEX own_events_by_user ON own_events (user_id, seq);

-- The orders that were told to be sold. The row of an order is the lock under which its sale and its cancellation take turns, and what
-- keeps a sale that is told late from counting.
CREATE TABLE sold_orders (
    order_id uuid PRIMARY KEY,
    cancelled boolean NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now()
);
