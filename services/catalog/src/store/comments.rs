//! Comments and the votes on them.

use shop_runtime::query;
use shop_types::{CommentId, ProductId, UserId};
use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::products::product_id;
use crate::domain::comment::{Comment, Edit, NewComment, Vote};
use crate::domain::demo_comments::DemoComment;

/// The best comments of a product: by score, then newest.
#[query]
pub async fn top(db: impl PgExecutor<'_>, product: ProductId, at_most: i64) -> sqlx::Result<Vec<Comment>> {
    sqlx::query_as!(
        Comment,
        r#"SELECT id AS "id: CommentId", author, text, rating, up_votes, down_votes, created_at, edited_at
           FROM comments WHERE product_id = $1 ORDER BY score DESC, created_at DESC, id DESC LIMIT $2"#,
        product.get(),
        at_most,
    )
    .fetch_all(db)
    .await
}

/// The comments on a product behind a place in their list, newest first.
#[query]
pub async fn newest(
    db: impl PgExecutor<'_>,
    product: ProductId,
    after: Option<(OffsetDateTime, CommentId)>,
    rows: i64,
) -> sqlx::Result<Vec<Comment>> {
    let (written, id) = after.unzip();
    sqlx::query_as!(
        Comment,
        r#"SELECT id AS "id: CommentId", author, text, rating, up_votes, down_votes, created_at, edited_at
           FROM comments
           WHERE product_id = $1
               AND (created_at, id) < (coalesce($2, 'infinity'::timestamptz), coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
           ORDER BY created_at DESC, id DESC LIMIT $4"#,
        product.get(),
        written,
        id.map(CommentId::as_uuid),
        rows,
    )
    .fetch_all(db)
    .await
}

/// Says something else in a locked comment. Votes were for what was said: with another text they begin anew.
#[query]
pub async fn edit(db: impl PgExecutor<'_>, comment: CommentId, edit: &Edit) -> sqlx::Result<Comment> {
    sqlx::query_as!(
        Comment,
        r#"WITH former AS (SELECT text <> $2 AS is_other FROM comments WHERE id = $1),
                gone AS (DELETE FROM comment_votes WHERE comment_id = $1 AND (SELECT is_other FROM former))
           UPDATE comments SET
               text = $2, rating = $3, edited_at = now(),
               up_votes = CASE WHEN text <> $2 THEN 0 ELSE up_votes END,
               down_votes = CASE WHEN text <> $2 THEN 0 ELSE down_votes END
           WHERE id = $1
           RETURNING id AS "id: CommentId", author, text, rating, up_votes, down_votes, created_at, edited_at"#,
        comment.as_uuid(),
        edit.text,
        edit.rating,
    )
    .fetch_one(db)
    .await
}

/// Removes a locked comment, with its votes.
#[query]
pub async fn delete(db: impl PgExecutor<'_>, comment: CommentId) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM comments WHERE id = $1", comment.as_uuid()).execute(db).await?;
    Ok(())
}

/// Adds a comment to a product; none if it is not sold.
#[query]
pub async fn insert(db: impl PgExecutor<'_>, id: CommentId, new: &NewComment) -> sqlx::Result<Option<Comment>> {
    sqlx::query_as!(
        Comment,
        r#"INSERT INTO comments (id, product_id, user_id, author, text, rating)
           SELECT $1, id, $3, $4, $5, $6 FROM products WHERE id = $2 AND deleted_at IS NULL
           RETURNING id AS "id: CommentId", author, text, rating, up_votes, down_votes, created_at, edited_at"#,
        id.as_uuid(),
        new.product.get(),
        new.user.as_uuid(),
        new.author,
        new.text,
        new.rating,
    )
    .fetch_optional(db)
    .await
}

/// Who wrote the comment, on which nobody else votes until the transaction ends; none if the product has no such comment or is not
/// sold.
#[query]
pub async fn lock(db: impl PgExecutor<'_>, product: ProductId, comment: CommentId) -> sqlx::Result<Option<UserId>> {
    sqlx::query_scalar!(
        r#"SELECT c.user_id AS "user_id: UserId" FROM comments c JOIN products p ON p.id = c.product_id
           WHERE c.id = $1 AND c.product_id = $2 AND p.deleted_at IS NULL FOR NO KEY UPDATE OF c"#,
        comment.as_uuid(),
        product.get(),
    )
    .fetch_optional(db)
    .await
}

/// Makes this the customer's vote on a locked comment, and counts it instead of the one before.
#[query]
pub async fn vote(db: impl PgExecutor<'_>, comment: CommentId, voter: UserId, vote: Vote) -> sqlx::Result<Comment> {
    sqlx::query_as!(
        Comment,
        r#"WITH former AS (SELECT value FROM comment_votes WHERE comment_id = $1 AND user_id = $2),
                gone AS (DELETE FROM comment_votes WHERE comment_id = $1 AND user_id = $2 AND $3::smallint = 0),
                given AS (
                    INSERT INTO comment_votes (comment_id, user_id, value) SELECT $1, $2, $3 WHERE $3 <> 0
                    ON CONFLICT (comment_id, user_id) DO UPDATE SET value = excluded.value
                )
           UPDATE comments SET
               up_votes = up_votes + ($3 = 1)::int - (SELECT count(*)::int FROM former WHERE value = 1),
               down_votes = down_votes + ($3 = -1)::int - (SELECT count(*)::int FROM former WHERE value = -1)
           WHERE id = $1
           RETURNING id AS "id: CommentId", author, text, rating, up_votes, down_votes, created_at, edited_at"#,
        comment.as_uuid(),
        voter.as_uuid(),
        i16::from(vote),
    )
    .fetch_one(db)
    .await
}

/// Adds those of the demo comments that were never there, with their votes, and tells on which products there are new ones.
#[query]
pub async fn insert_demo(db: impl PgExecutor<'_>, comments: &[DemoComment]) -> sqlx::Result<Vec<ProductId>> {
    fn column<'a, T>(comments: &'a [DemoComment], of: impl Fn(&'a DemoComment) -> T) -> Vec<T> {
        comments.iter().map(of).collect()
    }
    let count = |comment: &DemoComment, value| comment.votes.iter().filter(|(_, vote)| *vote == value).count();
    let count = |comment: &DemoComment, value| i32::try_from(count(comment, value)).unwrap_or(i32::MAX);
    let votes = || comments.iter().flat_map(|comment| comment.votes.iter().map(|vote| (comment.id, *vote)));
    let added = sqlx::query_scalar!(
        r#"WITH added AS (
               INSERT INTO comments (id, product_id, user_id, author, text, rating, up_votes, down_votes, created_at)
               SELECT new.id, product_id, user_id, author, text, rating, up_votes, down_votes, now() - make_interval(days => days_ago)
               FROM UNNEST(
                   $1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::smallint[], $7::int[], $8::int[], $9::int[]
               ) AS new (id, product_id, user_id, author, text, rating, up_votes, down_votes, days_ago)
               WHERE EXISTS (SELECT FROM products p WHERE p.id = product_id AND p.deleted_at IS NULL)
               ON CONFLICT DO NOTHING
               RETURNING id, product_id
           ),
           voted AS (
               INSERT INTO comment_votes (comment_id, user_id, value)
               SELECT vote.comment_id, vote.user_id, vote.value
               FROM UNNEST($10::uuid[], $11::uuid[], $12::smallint[]) AS vote (comment_id, user_id, value)
               JOIN added ON added.id = vote.comment_id
           )
           SELECT DISTINCT product_id FROM added"#,
        &column(comments, |comment| comment.id.as_uuid()),
        &column(comments, |comment| comment.product.get()),
        &column(comments, |comment| comment.user.as_uuid()),
        &column(comments, |comment| comment.author) as &[&str],
        &column(comments, |comment| comment.text) as &[&str],
        &column(comments, |comment| comment.rating),
        &column(comments, |comment| count(comment, 1)),
        &column(comments, |comment| count(comment, -1)),
        &column(comments, |comment| comment.days_ago),
        &votes().map(|(comment, _)| comment.as_uuid()).collect::<Vec<_>>(),
        &votes().map(|(_, (voter, _))| voter.as_uuid()).collect::<Vec<_>>(),
        &votes().map(|(_, (_, value))| value).collect::<Vec<_>>(),
    )
    .fetch_all(db)
    .await?;
    added.into_iter().map(product_id).collect()
}
