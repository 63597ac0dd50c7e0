-- What administrators look for: the orders in a state, newest first, and those placed in a window of time.

CREATE INDEX orders_by_status ON orders (status, id DESC);
CREATE INDEX orders_by_created_at ON orders (created_at DESC);
