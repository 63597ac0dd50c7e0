-- Newest first, by when it happened: the ids come from several processes whose clocks differ, but the events of one order come one after
-- the other in time. The indexes by id stay for pods of the version before.
CREATE INDEX notifications_newest ON notifications (user_id, occurred_at DESC, id DESC);
CREATE INDEX notifications_newest_unread ON notifications (user_id, occurred_at DESC, id DESC) WHERE read_at IS NULL;

-- Administrators are counted under a lock that every logout waits for, so not by reading all users.
CREATE INDEX users_admins ON users (id) WHERE role = 'admin';
