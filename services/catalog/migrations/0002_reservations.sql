-- Stock that is promised to an order. The row of an order is the lock under which reserve, release, commit and expiry take turns.

CREATE TABLE reservations (
    order_id uuid PRIMARY KEY,
    -- held: promised until expires_at. committed: sold. released: given back, or never taken; nothing can be taken any more.
    state text NOT NULL CHECK (state IN ('held', 'committed', 'released')),
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT reservations_only_held_ones_expire CHECK ((state = 'held') = (expires_at IS NOT NULL))
);

CREATE INDEX reservations_due ON reservations (expires_at) WHERE state = 'held';

-- What was taken, at the price and under the name of that moment: a retry is answered from here, not from today's product.
CREATE TABLE reservation_lines (
    order_id uuid NOT NULL REFERENCES reservations ON DELETE CASCADE,
    product_id bigint NOT NULL REFERENCES products,
    quantity integer NOT NULL CHECK (quantity > 0),
    unit_price_amount bigint NOT NULL,
    unit_price_currency text NOT NULL,
    name_en text NOT NULL,
    name_ru text NOT NULL,
    PRIMARY KEY (order_id, product_id)
);
