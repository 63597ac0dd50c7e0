//! What customers say about products.

use futures::future::join_all;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};
use shop_auth::Role;
use shop_catalog::seed;
use shop_types::UserId;

use crate::support::{Answer, Catalog};

impl Catalog {
    /// As a customer.
    async fn as_user(&self, user: UserId, method: &str, path: &str, body: &Value) -> Answer {
        let token = format!("Bearer {}", self.keys.token(user, Role::User));
        self.send(self.request(method, path).header(AUTHORIZATION, token).json(body)).await
    }

    async fn comment(&self, user: UserId, product: i64, text: &str) -> String {
        let path = format!("/api/products/{product}/comments");
        let answer = self.as_user(user, "POST", &path, &json!({"text": text, "rating": 4})).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body["id"].as_str().expect("it has an id").to_owned()
    }

    async fn vote(&self, user: UserId, product: i64, comment: &str, value: i64) -> Answer {
        let path = format!("/api/products/{product}/comments/{comment}/vote");
        self.as_user(user, "PUT", &path, &json!({"value": value})).await
    }

    async fn texts(&self, product: i64) -> Vec<String> {
        let answer = self.get(&format!("/api/products/{product}/comments")).await;
        let items = answer.body["items"].as_array().expect("a list of comments").clone();
        items.iter().filter_map(|item| Some(item["text"].as_str()?.to_owned())).collect()
    }
}

/// The lower bound of Wilson's interval, as the textbook has it.
fn wilson(up: f64, down: f64) -> f64 {
    let (n, z) = (up + down, 1.96);
    if up == 0.0 {
        return -down;
    }
    let share = up / n;
    (share + z * z / (2.0 * n) - z * ((share * (1.0 - share) + z * z / (4.0 * n)) / n).sqrt()) / (1.0 + z * z / n)
}

#[tokio::test]
async fn a_comment_is_there_for_whoever_asks_next_under_the_name_of_who_wrote_it() {
    let catalog = Catalog::with_products(8).await;
    assert_eq!(catalog.texts(1).await, Vec::<String>::new());

    let user = UserId::generate();
    let added =
        catalog.as_user(user, "POST", "/api/products/1/comments", &json!({"text": "Crisp.", "rating": 5})).await;

    assert_eq!(added.status, 201, "{added:?}");
    assert_eq!((&added.body["author"], &added.body["rating"]), (&json!("Test User"), &json!(5)));
    let read = catalog.get("/api/products/1/comments").await;
    assert_eq!(read.body, json!({"items": [added.body]}));
    assert!(read.header("cache-status").is_some_and(|status| status.starts_with("topComments; fwd=miss")), "{read:?}");
    let again = catalog.get("/api/products/1/comments").await;
    assert!(again.header("cache-status").is_some_and(|status| status.starts_with("topComments; hit")), "{again:?}");
}

#[tokio::test]
async fn a_customer_comments_once_on_what_is_sold() {
    let catalog = Catalog::with_products(8).await;
    let (user, body) = (UserId::generate(), json!({"text": "Crisp.", "rating": 5}));
    catalog.comment(user, 1, "First.").await;
    catalog.as_user(user, "POST", "/api/products/1/comments", &body).await.assert_problem(409, "already-commented");
    catalog.comment(user, 2, "Another product.").await;
    catalog.as_user(user, "POST", "/api/products/9/comments", &body).await.assert_problem(404, "product-not-found");
    catalog.get("/api/products/9/comments").await.assert_problem(404, "product-not-found");
    assert_eq!(catalog.texts(1).await, ["First."]);
    catalog.delete(1).await;
    catalog.get("/api/products/1/comments").await.assert_problem(404, "product-not-found");
}

#[tokio::test]
async fn a_comment_that_makes_no_sense_is_refused_with_the_field_named() {
    let catalog = Catalog::with_products(8).await;
    for (field, body) in [
        ("text", json!({"text": " ", "rating": 5})),
        ("text", json!({"text": "x".repeat(1001), "rating": 5})),
        ("text", json!({"text": "a\u{0}b", "rating": 5})),
        ("text", json!({"text": "\u{200b}\u{feff}", "rating": 5})),
        ("text", json!({"text": "a\u{202e}b", "rating": 5})),
        ("text", json!({"text": ["x"], "rating": 5})),
        ("rating", json!({"text": "x", "rating": 4.5})),
        ("text", json!({"text": "a\u{1b}[2Jb", "rating": 5})),
        ("rating", json!({"text": "x", "rating": 0})),
        ("rating", json!({"text": "x", "rating": 6})),
        ("rating", json!({"text": "x"})),
        ("author", json!({"text": "x", "rating": 5, "author": "The Queen"})),
    ] {
        let refused = catalog.as_user(UserId::generate(), "POST", "/api/products/1/comments", &body).await;
        refused.assert_problem(422, "invalid-input");
        assert!(refused.body["detail"].as_str().is_some_and(|detail| detail.contains(field)), "{body}: {refused:?}");
    }
    assert_eq!(catalog.texts(1).await, Vec::<String>::new());
    catalog.comment(UserId::generate(), 1, &"ё".repeat(1000)).await;
}

#[tokio::test]
async fn a_vote_counts_once_can_be_changed_and_taken_back_and_is_not_for_the_own_comment() {
    let catalog = Catalog::with_products(8).await;
    let (author, voter) = (UserId::generate(), UserId::generate());
    let comment = catalog.comment(author, 1, "Crisp.").await;
    for (value, votes) in [(1, (1, 0)), (1, (1, 0)), (-1, (0, 1)), (-1, (0, 1)), (0, (0, 0)), (0, (0, 0)), (1, (1, 0))]
    {
        let answer = catalog.vote(voter, 1, &comment, value).await;
        assert_eq!(
            (answer.status, &answer.body["up_votes"], &answer.body["down_votes"]),
            (200, &json!(votes.0), &json!(votes.1))
        );
        let read = catalog.get("/api/products/1/comments").await;
        assert_eq!(read.body["items"], json!([answer.body]), "the next reader sees it");
    }
    catalog.vote(author, 1, &comment, 1).await.assert_problem(403, "own-comment");
    catalog.vote(voter, 2, &comment, 1).await.assert_problem(404, "comment-not-found");
    catalog.vote(voter, 1, &UserId::generate().to_string(), 1).await.assert_problem(404, "comment-not-found");
    catalog.vote(voter, 1, "7", 1).await.assert_problem(404, "not-found");
    catalog.vote(voter, 1, &comment, 2).await.assert_problem(422, "invalid-input");
}

#[tokio::test]
async fn a_comment_is_kept_with_its_lines_and_without_what_is_around_them() {
    let catalog = Catalog::with_products(8).await;
    catalog.comment(UserId::generate(), 1, " Crisp.\r\n\r\nSweet 🍎.\r").await;
    assert_eq!(catalog.texts(1).await, ["Crisp.\n\nSweet 🍎."]);
}

#[tokio::test]
async fn a_customer_changes_the_own_comment_and_votes_for_another_text_begin_anew() {
    let catalog = Catalog::with_products(8).await;
    let (author, voter) = (UserId::generate(), UserId::generate());
    let comment = catalog.comment(author, 1, "Crisp.").await;
    catalog.vote(voter, 1, &comment, 1).await;
    let path = format!("/api/products/1/comments/{comment}");
    let edit = async |user, path: &str, text: &str| {
        catalog.as_user(user, "PUT", path, &json!({"text": text, "rating": 2})).await
    };
    let same = edit(author, &path, "Crisp.").await;
    assert_eq!((same.status, &same.body["up_votes"], &same.body["rating"]), (200, &json!(1), &json!(2)), "{same:?}");
    let other = edit(author, &path, " Mealy.\r\n").await;
    assert_eq!((&other.body["text"], &other.body["up_votes"]), (&json!("Mealy."), &json!(0)), "{other:?}");
    assert!(other.body["edited_at"].is_string() && other.body["id"] == *comment);
    assert_eq!(catalog.texts(1).await, ["Mealy."], "the next reader sees it");
    assert_eq!(catalog.vote(voter, 1, &comment, 1).await.body["up_votes"], 1, "and can be voted for again");

    edit(voter, &path, "Lovely.").await.assert_problem(403, "others-comment");
    edit(author, &format!("/api/products/2/comments/{comment}"), "x").await.assert_problem(404, "comment-not-found");
    edit(author, &path, "\u{200b}").await.assert_problem(422, "invalid-input");
    let admin = catalog.admin("PUT", &path, &json!({"text": "Buy!", "rating": 5})).await;
    admin.assert_problem(403, "others-comment");
    assert_eq!(catalog.texts(1).await, ["Mealy."]);
}

#[tokio::test]
async fn a_comment_is_taken_away_by_who_wrote_it_or_an_administrator_and_another_can_be_written() {
    let catalog = Catalog::with_products(8).await;
    let (author, other) = (UserId::generate(), UserId::generate());
    let comment = catalog.comment(author, 1, "Crisp.").await;
    catalog.vote(other, 1, &comment, 1).await;
    let path = format!("/api/products/1/comments/{comment}");
    catalog.as_user(other, "DELETE", &path, &json!({})).await.assert_problem(403, "others-comment");
    assert_eq!(catalog.as_user(author, "DELETE", &path, &json!({})).await.status, 204);
    assert_eq!(catalog.texts(1).await, Vec::<String>::new(), "the next reader does not see it");
    catalog.as_user(author, "DELETE", &path, &json!({})).await.assert_problem(404, "comment-not-found");
    let again = catalog.comment(author, 1, "Crisp again.").await;
    let removed = catalog.admin("DELETE", &format!("/api/products/1/comments/{again}"), &Value::Null).await;
    assert_eq!(removed.status, 204, "{removed:?}");
    assert_eq!(catalog.texts(1).await, Vec::<String>::new());
}

#[tokio::test]
async fn all_comments_are_there_page_by_page_newest_first_and_each_once() {
    let catalog = Catalog::with_products(8).await;
    sqlx::query(
        "INSERT INTO comments (id, product_id, user_id, author, text, rating, created_at)
         SELECT gen_random_uuid(), 1, gen_random_uuid(), 'A', n::text, 3, now() - (n / 3) * interval '1 minute'
         FROM generate_series(0, 24) AS n",
    )
    .execute(&catalog.pool)
    .await
    .expect("the table is ours");
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = catalog.get(&format!("/api/products/1/comments/all?limit=4{cursor}")).await;
        assert_eq!(page.status, 200, "{page:?}");
        for item in page.body["items"].as_array().expect("items") {
            seen.push(item["text"].as_str().and_then(|text| text.parse::<i64>().ok()).expect("a number"));
        }
        let Some(next) = page.body["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
        let elsewhere = catalog.get(&format!("/api/products/2/comments/all?limit=4{cursor}")).await;
        elsewhere.assert_problem(400, "bad-request");
    }
    assert!(seen.windows(2).all(|next| next[0] / 3 <= next[1] / 3), "{seen:?}");
    seen.sort_unstable();
    assert_eq!(seen, (0..25).collect::<Vec<_>>());
    assert_eq!(catalog.get("/api/products/2/comments/all").await.body, json!({"items": [], "next_cursor": null}));
    catalog.get("/api/products/99/comments/all").await.assert_problem(404, "product-not-found");
    for bad in ["limit=0", "limit=x", "cursor=e30", "cursor=%00", "sort=best", "limit=1&limit=2"] {
        catalog.get(&format!("/api/products/1/comments/all?{bad}")).await.assert_problem(400, "bad-request");
    }
}

#[tokio::test]
async fn who_writes_too_fast_has_to_wait() {
    let catalog = Catalog::with_products(8).await;
    let user = UserId::generate();
    for product in 1..=5 {
        catalog.comment(user, product, "Spam.").await;
    }
    let refused =
        catalog.as_user(user, "POST", "/api/products/6/comments", &json!({"text": "Spam.", "rating": 1})).await;
    refused.assert_problem(429, "too-many-comments");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    catalog.comment(UserId::generate(), 6, "Others may.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn votes_that_come_at_the_same_time_are_all_counted() {
    let catalog = Catalog::with_products(8).await;
    let comment = catalog.comment(UserId::generate(), 1, "Crisp.").await;
    let voters: Vec<_> = (0..20).map(|_| UserId::generate()).collect();
    // Each votes twice at the same time, some of them this way and that.
    let answers = voters.iter().enumerate().flat_map(|(index, voter)| {
        let second = if index % 2 == 0 { 1 } else { -1 };
        [catalog.vote(*voter, 1, &comment, 1), catalog.vote(*voter, 1, &comment, second)]
    });
    for answer in join_all(answers).await {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let (up, down): (i64, i64) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE value = 1), count(*) FILTER (WHERE value = -1) FROM comment_votes",
    )
    .fetch_one(&catalog.pool)
    .await
    .expect("the table is ours");
    assert_eq!(up + down, 20);
    let read = catalog.get("/api/products/1/comments").await;
    assert_eq!((&read.body["items"][0]["up_votes"], &read.body["items"][0]["down_votes"]), (&json!(up), &json!(down)));
}

#[tokio::test]
async fn the_best_comments_come_in_the_order_that_a_naive_computation_gives_and_from_the_index() {
    let catalog = Catalog::with_products(8).await;
    sqlx::query(
        "INSERT INTO comments (id, product_id, user_id, author, text, rating, up_votes, down_votes, created_at)
         SELECT gen_random_uuid(), 1 + n % 4, gen_random_uuid(), 'A', n::text, 3, n * 7919 % 40, n * 104729 % 13, now() - n * interval '1 minute'
         FROM generate_series(1, 2000) AS n",
    )
    .execute(&catalog.pool)
    .await
    .expect("the table is ours");
    let rows: Vec<(String, i32, i32, f64)> =
        sqlx::query_as("SELECT text, up_votes, down_votes, score FROM comments WHERE product_id = 1")
            .fetch_all(&catalog.pool)
            .await
            .expect("the table is ours");
    let mut expected: Vec<_> = rows
        .into_iter()
        .map(|(text, up, down, score)| {
            let exact = wilson(up.into(), down.into());
            assert!((exact - score).abs() < 1e-9, "{up} up, {down} down: {score} instead of {exact}");
            (score, text.parse::<i32>().expect("a number"))
        })
        .collect();
    // The smaller the number the newer the comment.
    expected.sort_by(|(a, newer_a), (b, newer_b)| b.total_cmp(a).then(newer_a.cmp(newer_b)));
    let expected: Vec<_> = expected.into_iter().take(10).map(|(_, text)| text.to_string()).collect();
    assert_eq!(catalog.texts(1).await, expected);

    sqlx::query("ANALYZE comments").execute(&catalog.pool).await.expect("the table is ours");
    let plan: Vec<String> = sqlx::query_scalar(
        "EXPLAIN SELECT * FROM comments WHERE product_id = 1 ORDER BY score DESC, created_at DESC, id DESC LIMIT 10",
    )
    .fetch_all(&catalog.pool)
    .await
    .expect("it can be explained");
    let plan = plan.join("\n");
    assert!(plan.contains("Index Scan using comments_best") && !plan.contains("Sort"), "{plan}");
}

#[tokio::test]
async fn the_demo_has_comments_with_votes_that_are_added_once() {
    let catalog = Catalog::with_products(400).await;
    let commented = seed::comments(&catalog.pool, 400).await.expect("the seed works");
    assert!((200..=300).contains(&commented), "{commented}");
    assert_eq!(seed::comments(&catalog.pool, 400).await.expect("the seed works"), 0);
    let wrong: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM comments c
         WHERE (up_votes, down_votes) <> (SELECT count(*) FILTER (WHERE value = 1), count(*) FILTER (WHERE value = -1)
                                          FROM comment_votes v WHERE v.comment_id = c.id)",
    )
    .fetch_one(&catalog.pool)
    .await
    .expect("the table is ours");
    assert_eq!(wrong, 0, "what was counted is what was voted");
}
