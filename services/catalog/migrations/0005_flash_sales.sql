-- Lower prices for some hours, and the numbered events by which everyone hears of them.

CREATE TABLE flash_sales (
    id uuid PRIMARY KEY,
    product_id bigint NOT NULL REFERENCES products,
    price_amount bigint NOT NULL CHECK (price_amount > 0),
    price_currency text NOT NULL CHECK (price_currency ~ '^[A-Z]{3}$'),
    -- The price holds from then until then, to the instant: it is the clock that decides, not the task that tells of it.
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    -- Whether an administrator has stopped it, or called it off.
    cancelled_at timestamptz,
    -- What everyone was told: planned, running, over.
    told text NOT NULL CHECK (told IN ('planned', 'running', 'over')),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT flash_sales_end_after_they_start CHECK (ends_at > starts_at)
);

-- A product's sales never overlap (they are only added while the product is locked), so the first that has not ended is the one.
CREATE INDEX flash_sales_by_product ON flash_sales (product_id, ends_at) WHERE cancelled_at IS NULL;
CREATE INDEX flash_sales_open ON flash_sales (starts_at) WHERE told <> 'over';

-- Products at the price of this moment.
CREATE VIEW offers AS
SELECT p.id, p.category, p.name_en, p.name_ru, p.description_en, p.description_ru, p.stock, p.version, p.deleted_at,
       p.price_currency, p.price_amount AS regular_amount,
       CASE WHEN sale.lowers THEN sale.price_amount ELSE p.price_amount END AS price_amount,
       CASE WHEN sale.lowers THEN sale.id END AS sale_id,
       CASE WHEN sale.lowers THEN sale.ends_at END AS sale_ends_at,
       -- Until when this row is true if nobody changes anything.
       CASE WHEN sale.starts_at <= now() THEN sale.ends_at ELSE sale.starts_at END AS changes_at
FROM products p
LEFT JOIN LATERAL (
    SELECT s.id, s.price_amount, s.starts_at, s.ends_at,
           s.starts_at <= now() AND s.price_currency = p.price_currency AND s.price_amount < p.price_amount AS lowers
    FROM flash_sales s
    WHERE s.product_id = p.id AND s.cancelled_at IS NULL AND s.ends_at > now()
    ORDER BY s.ends_at LIMIT 1
) sale ON true;

CREATE TABLE shop_events (
    seq bigint PRIMARY KEY,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX shop_events_at ON shop_events (at);

-- The number of the last event. Whoever adds one holds this row until the end of its transaction, so numbers come in the order of the
-- commits and without gaps: who has seen 7 will never be shown a 6. A sequence could not promise that.
CREATE TABLE shop_event_counter (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    last bigint NOT NULL
);
INSERT INTO shop_event_counter (last) VALUES (0);
