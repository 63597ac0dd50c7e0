//! Users, as they are cached: their own row without the password's hash.

use shop_auth::{Revocation, Role};
use shop_cache::{Cache, Loaded, Source};
use shop_outbox::cached;
use shop_policy::CacheName;
use shop_types::UserId;
use sqlx::PgPool;

use crate::domain::{EndedBy, User};
use crate::error::ApiError;
use crate::store;
use crate::store::revocations::{Counter, Which};

/// Users from the database.
#[derive(Clone, Debug)]
pub(crate) struct UserRows(pub(crate) PgPool);

/// The cache of users. Whoever changes a user's row does it in here.
#[derive(Clone, Debug)]
pub(crate) struct Users {
    pool: PgPool,
    cache: Cache<UserRows>,
}

impl Source for UserRows {
    const NAME: CacheName = CacheName::UserProfile;
    const SCHEMA: u32 = 1;
    type Key = UserId;
    type Value = User;
    type Error = sqlx::Error;

    async fn load(&self, id: &UserId) -> Result<Option<Loaded<User>>, sqlx::Error> {
        Ok(store::users::by_id(&mut *self.0.acquire().await?, *id).await?.map(Loaded::from))
    }
}

impl Users {
    /// The users of this database, in this cache.
    pub(crate) const fn new(pool: PgPool, cache: Cache<UserRows>) -> Self {
        Self { pool, cache }
    }

    /// The cache to read from.
    pub(crate) const fn cache(&self) -> &Cache<UserRows> {
        &self.cache
    }

    /// Gives a user another name to be greeted with; the user as it is then.
    pub(crate) async fn rename(&self, id: UserId, full_name: &str) -> Result<User, ApiError> {
        let renamed = cached::change(&self.pool, &self.cache, vec![id], async |change| {
            let renamed = store::users::rename(change.transaction().await?, id, full_name).await?;
            let user = renamed.ok_or(ApiError::NoSuchUser)?;
            change.commit(vec![(id, user.clone())]).await?;
            Ok(user)
        });
        renamed.await
    }

    /// Gives a user another role, and ends the user's sessions, whose tokens say the old one; the user as it is then.
    pub(crate) async fn change_role(&self, id: UserId, role: Role) -> Result<(User, Vec<Revocation>), ApiError> {
        let changed = cached::change(&self.pool, &self.cache, vec![id], async |change| {
            let connection = change.transaction().await?;
            // Whoever changes roles holds the counter, so the administrators are counted by one at a time.
            let mut counter = Counter::lock(connection).await?;
            let user = store::users::by_id(counter.connection(), id).await?.ok_or(ApiError::NotFound("user"))?;
            if user.role == role {
                return Ok((user, Vec::new()));
            }
            let is_last = role != Role::Admin && store::users::count_admins(counter.connection()).await? <= 1;
            if is_last {
                return Err(ApiError::LastAdmin);
            }
            let changed = store::users::set_role(counter.connection(), id, role).await?;
            let user = changed.ok_or(ApiError::NotFound("user"))?;
            let revocations = counter.end(Which::AllOf(id), EndedBy::Role).await?;
            change.commit(vec![(id, user.clone())]).await?;
            Ok((user, revocations))
        });
        changed.await
    }
}
