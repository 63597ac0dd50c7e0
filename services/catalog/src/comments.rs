//! Comments: read from the cache, written and voted on in transactions that announce it.

use std::sync::Arc;
use std::time::Duration;

use shop_auth::{CurrentUser, Role};
use shop_cache::{Cache, CacheStatus, Served};
use shop_runtime::db::OnConstraint as _;
use shop_runtime::rate_limit::{Rate, RateLimiter};
use shop_runtime::redis::Redis;
use shop_types::{CommentId, Cursor, Page, PageLimit, ProductId, UserId};
use sqlx::{PgConnection, PgPool};

use crate::cached::top_comments::{BestComments, TopComments};
use crate::changes::Changes;
use crate::domain::comment::{Comment, CommentPlace, Edit, NewComment, Vote};
use crate::domain::listing::PositionError;
use crate::error::Error;
use crate::metrics::{CatalogMetrics, Opinion};
use crate::store;

/// A customer may write so many comments at once, then one in each interval.
const COMMENTS: Rate = Rate { burst: 5, interval: Duration::from_secs(30) };

/// The same for votes.
const VOTES: Rate = Rate { burst: 30, interval: Duration::from_secs(2) };

/// The constraint that a second comment of a customer on the same product breaks.
const ONE_A_CUSTOMER: &str = "comments_one_a_customer";

/// What customers say about products.
#[derive(Clone, Debug)]
pub struct Comments {
    db: PgPool,
    best: Cache<TopComments>,
    changes: Changes,
    comment_rate: RateLimiter,
    vote_rate: RateLimiter,
    metrics: CatalogMetrics,
}

impl Comments {
    /// The comments of this database, the best of them behind this cache.
    pub fn new(db: PgPool, best: Cache<TopComments>, changes: Changes, redis: Redis, metrics: CatalogMetrics) -> Self {
        let comment_rate = RateLimiter::new("comment", COMMENTS, redis.clone());
        let vote_rate = RateLimiter::new("comment-vote", VOTES, redis);
        Self { db, best, changes, comment_rate, vote_rate, metrics }
    }

    /// The best comments of a product, and what the cache did for them.
    pub async fn best(&self, product: ProductId) -> Result<(CacheStatus, Arc<BestComments>), Error> {
        let Served { value, status } = self.best.get(&product).await?;
        Ok((status, value.ok_or(Error::NoProduct(product))?))
    }

    /// Adds a comment, the customer's only one on this product.
    pub async fn add(&self, new: &NewComment) -> Result<Comment, Error> {
        self.comment_rate.check(&new.user.to_string()).await?;
        let mut change = self.changes.of_comments(new.product).await?;
        let outcome = insert(&mut change, new).await;
        let comment = change.end(outcome).await?;
        self.metrics.opinion(Opinion::Comment);
        Ok(comment)
    }

    /// A page of all comments on a product, newest first.
    pub async fn newest(
        &self,
        product: ProductId,
        cursor: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<Page<Comment>, Error> {
        let after = match cursor.map(Cursor::decode::<CommentPlace>).transpose().map_err(PositionError::from)? {
            Some(place) if place.product != product => return Err(PositionError::OtherList.into()),
            place => place.map(|place| (place.written, place.after)),
        };
        let rows = store::comments::newest(&self.db, product, after, limit.get_plus_one()).await?;
        // Only a page without comments can be one of a product that there is not, or not any more.
        if rows.is_empty() && !store::products::exists(&self.db, product).await? {
            return Err(Error::NoProduct(product));
        }
        let place = |comment: &Comment| CommentPlace { product, written: comment.created_at, after: comment.id };
        Ok(Page::from_rows(rows, limit, place)?)
    }

    /// Has the customer's comment say something else.
    pub async fn edit(&self, product: ProductId, id: CommentId, user: UserId, edit: &Edit) -> Result<Comment, Error> {
        self.comment_rate.check(&user.to_string()).await?;
        let mut change = self.changes.of_comments(product).await?;
        let outcome = say_instead(&mut change, product, id, user, edit).await;
        let comment = change.end(outcome).await?;
        self.metrics.opinion(Opinion::Edit);
        Ok(comment)
    }

    /// Removes a comment: one's own, or any if one is an administrator.
    pub async fn remove(&self, product: ProductId, id: CommentId, user: &CurrentUser) -> Result<(), Error> {
        let mut change = self.changes.of_comments(product).await?;
        let outcome = remove(&mut change, product, id, user).await;
        change.end(outcome).await?;
        self.metrics.opinion(Opinion::Removal);
        Ok(())
    }

    /// Makes this the customer's vote on another's comment.
    pub async fn vote(&self, product: ProductId, id: CommentId, voter: UserId, vote: Vote) -> Result<Comment, Error> {
        self.vote_rate.check(&voter.to_string()).await?;
        let mut change = self.changes.of_comments(product).await?;
        let outcome = count(&mut change, product, id, voter, vote).await;
        let comment = change.end(outcome).await?;
        self.metrics.opinion(Opinion::Vote);
        Ok(comment)
    }
}

async fn insert(connection: &mut PgConnection, new: &NewComment) -> Result<Comment, Error> {
    store::comments::insert(connection, CommentId::generate(), new)
        .await
        .on_constraint(ONE_A_CUSTOMER, || Error::AlreadyCommented(new.product))?
        .ok_or(Error::NoProduct(new.product))
}

async fn count(
    connection: &mut PgConnection,
    product: ProductId,
    id: CommentId,
    voter: UserId,
    vote: Vote,
) -> Result<Comment, Error> {
    let author = store::comments::lock(&mut *connection, product, id).await?.ok_or(Error::NoComment(id))?;
    if author == voter {
        return Err(Error::OwnComment(id));
    }
    Ok(store::comments::vote(connection, id, voter, vote).await?)
}

async fn say_instead(
    connection: &mut PgConnection,
    product: ProductId,
    id: CommentId,
    user: UserId,
    edit: &Edit,
) -> Result<Comment, Error> {
    let author = store::comments::lock(&mut *connection, product, id).await?.ok_or(Error::NoComment(id))?;
    if author != user {
        return Err(Error::OthersComment(id));
    }
    Ok(store::comments::edit(connection, id, edit).await?)
}

async fn remove(
    connection: &mut PgConnection,
    product: ProductId,
    id: CommentId,
    user: &CurrentUser,
) -> Result<(), Error> {
    let author = store::comments::lock(&mut *connection, product, id).await?.ok_or(Error::NoComment(id))?;
    if author != user.id && user.role != Role::Admin {
        return Err(Error::OthersComment(id));
    }
    Ok(store::comments::delete(connection, id).await?)
}
