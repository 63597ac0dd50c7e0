-- Whether a later state of an order was told already: asked with every event of an order, while the number of the next event is locked.
CREATE INDEX own_events_by_order ON own_events (order_id, order_version);
