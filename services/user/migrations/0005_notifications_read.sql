-- When the user took note of a notice.
ALTER TABLE notifications ADD COLUMN read_at timestamptz;

-- What is unread, for the page and for its number.
CREATE INDEX notifications_unread ON notifications (user_id, id DESC) WHERE read_at IS NULL;
