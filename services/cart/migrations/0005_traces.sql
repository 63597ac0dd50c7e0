-- The place in a trace (W3C traceparent, and tracestate behind it) of the request that has begun the checkout: who goes on with it after a crash goes on
-- with its trace too. Checkouts of before, and those that pods of the former version begin, have none.
ALTER TABLE checkouts ADD COLUMN trace_parent text;
