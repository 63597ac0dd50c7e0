-- The place in a trace (W3C traceparent, and tracestate behind it) of the request that has made the order: the steps that the clock makes go on with it.
-- Orders of before, and those that pods of the former version make, have none.
ALTER TABLE orders ADD COLUMN trace_parent text;
