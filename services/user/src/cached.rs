//! Users, as they are cached: their own row without the password's hash.

use shop_cache::{Cache, Loaded, Source};
use shop_outbox::cached;
use shop_policy::CacheName;
use shop_types::UserId;
use sqlx::PgPool;

use crate::domain::User;
use crate::error::ApiError;
use crate::store;

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
}
