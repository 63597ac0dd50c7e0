-- Dead letters and traces (shop-outbox): an event that is given up stays, is not tried any more, and can be replayed.

ALTER TABLE outbox
    -- The place in a trace (W3C traceparent) of the request that the event comes from.
    ADD COLUMN trace_parent text,
    -- Attempts that failed and count; those that only found the receiver away do not.
    ADD COLUMN failures integer NOT NULL DEFAULT 0,
    -- When it was given up. Its next_attempt_at is then infinity, so that relays of before this column leave it alone too.
    ADD COLUMN dead_at timestamptz,
    -- When an admin last had it tried again.
    ADD COLUMN replayed_at timestamptz;

-- What is shown to admins, and counted.
CREATE INDEX outbox_dead ON outbox (dead_at, event_id) WHERE dead_at IS NOT NULL;
-- The oldest that is still tried.
CREATE INDEX outbox_waiting ON outbox (coalesce(replayed_at, created_at)) WHERE dead_at IS NULL;
