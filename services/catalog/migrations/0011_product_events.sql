-- Stock, price and withdrawal of products, as everyone hears of them.

-- What has changed, noted in the transaction of the change: one row for each change, no index, no conflict between writers. Whoever tells
-- of the changes takes all rows of a product at once and tells the value of that moment, so that a crowd before one product makes a few
-- events a second and not one for each sale.
CREATE TABLE product_changes (
    product_id bigint NOT NULL,
    aspect text NOT NULL CHECK (aspect IN ('stock', 'price', 'withdrawn'))
) WITH (
    -- Filled and emptied all the time: what is dead is to be cleared away by number, not by share.
    autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0,
    autovacuum_analyze_threshold = 10000
);

-- Of a product, only the last event of each kind is kept: it says all that the former ones did.
ALTER TABLE shop_events ADD COLUMN product_id bigint;
CREATE UNIQUE INDEX shop_events_of_product ON shop_events (product_id, kind) WHERE product_id IS NOT NULL;

-- Whoever has seen these numbers, or later ones, has missed nothing that is not kept.
ALTER TABLE shop_event_counter
    ADD COLUMN forgotten bigint NOT NULL DEFAULT 0,
    ADD COLUMN own_forgotten bigint NOT NULL DEFAULT 0;
UPDATE shop_event_counter SET forgotten = coalesce((SELECT min(seq) - 1 FROM shop_events), last);
