-- No version that is still rolled out reads notices by id: each notice was written into two indexes for nobody.
DROP INDEX notifications_of_user;
DROP INDEX notifications_unread;
