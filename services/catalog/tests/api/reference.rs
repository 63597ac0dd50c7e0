//! Bestsellers and recommendations against the plainest computation of the same that can be written down.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use shop_catalog::domain::recommendation::{BOUGHT_LATELY, HALF_LIFE, ORDERS_OF_PRODUCT, OWN_LINES, OWN_PRODUCTS, Why};
use shop_catalog::domain::sale::{BESTSELLERS_WINDOW, HISTORY};
use shop_catalog::store::sales::{self, Liked, Sold};
use shop_types::{ProductId, UserId};
use sqlx::PgPool;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::support::Catalog;

const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

/// Products 1 to 40 are sold but for 13 and 26; the ten after them are not known.
const PRODUCTS: u32 = 40;
const WITHDRAWN: [i64; 2] = [13, 26];

/// A line of an order.
#[derive(Clone, Copy, Debug)]
struct Line {
    order: Uuid,
    user: Uuid,
    product: i64,
    pieces: i32,
    at: OffsetDateTime,
}

/// Few customers and products, so that every bound is reached; ages in half days up to beyond the history, so that many are equal.
fn lines() -> impl Strategy<Value = Vec<Line>> {
    let order = (0_u128..6, 0_i64..400, prop::collection::btree_map(1_i64..=50, 1_i32..=3, 1..6));
    prop::collection::vec((order, any::<u128>()), 900..1_100).prop_map(|orders| {
        let mut lines = Vec::new();
        for ((user, half_days, products), order) in orders {
            let (order, user) = (Uuid::from_u128(order), Uuid::from_u128(user));
            // More of what is new.
            let at = NOW - Duration::hours(12) * i32::try_from(half_days * half_days / 400).expect("small");
            lines.extend(products.into_iter().map(|(product, pieces)| Line { order, user, product, pieces, at }));
        }
        lines
    })
}

async fn store(pool: &PgPool, lines: &[Line]) {
    sqlx::query(
        "INSERT INTO sales (order_id, user_id, product_id, quantity, sold_at)
         SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::int[], $5::timestamptz[])",
    )
    .bind(lines.iter().map(|line| line.order).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.user).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.product).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.pieces).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.at).collect::<Vec<_>>())
    .execute(pool)
    .await
    .expect("sales can be written");
}

fn is_sold(product: i64) -> bool {
    (1..=i64::from(PRODUCTS)).contains(&product) && !WITHDRAWN.contains(&product)
}

fn bestsellers(lines: &[Line]) -> Vec<(i64, i64)> {
    let mut sold = BTreeMap::<i64, i64>::new();
    for line in lines.iter().filter(|line| line.at > NOW - BESTSELLERS_WINDOW && is_sold(line.product)) {
        *sold.entry(line.product).or_default() += i64::from(line.pieces);
    }
    let mut sold: Vec<_> = sold.into_iter().collect();
    sold.sort_by_key(|(product, pieces)| (Reverse(*pieces), *product));
    sold
}

fn first<T>(items: Vec<T>, most: i64) -> Vec<T> {
    items.into_iter().take(usize::try_from(most).expect("small")).collect()
}

/// The newest lines of a customer.
fn own_lines(lines: &[Line], user: Uuid) -> Vec<Line> {
    let mut own: Vec<_> = lines.iter().filter(|line| line.user == user && line.at > NOW - HISTORY).copied().collect();
    own.sort_by_key(|line| (Reverse(line.at), line.order, line.product));
    first(own, OWN_LINES)
}

fn bought_lately(lines: &[Line], user: Uuid) -> BTreeSet<i64> {
    let lately = lines.iter().filter(|line| line.user == user && line.at > NOW - BOUGHT_LATELY);
    lately.map(|line| line.product).collect()
}

fn weight(at: OffsetDateTime) -> f64 {
    (-((NOW - at) / HALF_LIFE)).exp2()
}

/// The formula of the module `recommendation`, step by step.
fn bought_together(lines: &[Line], user: Uuid) -> Vec<(i64, f64)> {
    let mut last = BTreeMap::<i64, OffsetDateTime>::new();
    for line in own_lines(lines, user) {
        let at = last.entry(line.product).or_insert(line.at);
        *at = line.at.max(*at);
    }
    let mut own: Vec<_> = last.into_iter().collect();
    own.sort_by_key(|(product, at)| (Reverse(*at), *product));
    let own = first(own, OWN_PRODUCTS);
    let all: f64 = own.iter().map(|(_, at)| weight(*at)).sum();

    let mut scores = BTreeMap::<i64, f64>::new();
    for (product, at) in own {
        let mut with_it: Vec<_> = lines
            .iter()
            .filter(|line| line.product == product && line.user != user && line.at > NOW - HISTORY)
            .collect();
        with_it.sort_by_key(|line| (Reverse(line.at), line.order));
        let with_it = first(with_it, ORDERS_OF_PRODUCT);
        let orders: f64 = with_it.iter().map(|line| weight(line.at)).sum();
        for visited in with_it {
            let others: Vec<_> = lines
                .iter()
                .filter(|line| line.order == visited.order && line.product != product)
                .map(|line| line.product)
                .collect();
            let chance = weight(at) / all * weight(visited.at) / orders;
            #[expect(clippy::cast_precision_loss, reason = "an order has a few lines")]
            let each = chance / others.len() as f64;
            for other in others {
                *scores.entry(other).or_default() += each;
            }
        }
    }
    let lately = bought_lately(lines, user);
    let mut scores: Vec<_> = scores
        .into_iter()
        .filter(|(product, _)| is_sold(*product) && !lately.contains(product))
        .map(|(product, score)| (product, (score * 1e9).round() / 1e9))
        .collect();
    scores.sort_by(|(one, of_one), (two, of_two)| of_two.total_cmp(of_one).then(one.cmp(two)));
    scores
}

/// Product 1 is in the first of eight categories, product 9 again.
const fn category(product: i64) -> i64 {
    product % 8
}

fn sells_well(lines: &[Line], user: Uuid, besides: &[i64]) -> Vec<(i64, Why)> {
    let known = own_lines(lines, user).into_iter().filter(|line| line.product <= i64::from(PRODUCTS));
    let categories: BTreeSet<_> = known.map(|line| category(line.product)).collect();
    let lately = bought_lately(lines, user);
    let rest =
        bestsellers(lines).into_iter().filter(|(product, _)| !lately.contains(product) && !besides.contains(product));
    let (own, other): (Vec<_>, Vec<_>) = rest.partition(|(product, _)| categories.contains(&category(*product)));
    let own = own.into_iter().map(|(product, _)| (product, Why::SellsInCategory));
    own.chain(other.into_iter().map(|(product, _)| (product, Why::SellsWell))).collect()
}

fn pair(sold: Sold) -> (i64, i64) {
    (sold.product_id.get(), sold.sold)
}

async fn check(pool: &PgPool, lines: &[Line]) {
    let best = sales::bestsellers(pool, NOW, 100).await.expect("the query works");
    assert_eq!(best.into_iter().map(pair).collect::<Vec<_>>(), bestsellers(lines));

    // The seventh is a customer who never bought anything.
    for user in (0..7).map(Uuid::from_u128) {
        let expected = bought_together(lines, user);
        let got = sales::bought_together(pool, UserId::from(user), NOW, 100).await.expect("the query works");
        let of = |liked: &Liked| liked.product_id.get();
        assert_eq!(
            got.iter().map(of).collect::<Vec<_>>(),
            expected.iter().map(|(product, _)| *product).collect::<Vec<_>>()
        );
        for (liked, (product, score)) in got.iter().zip(&expected) {
            assert!((liked.score - score).abs() < 2e-9, "product {product} has {} and not {score}", liked.score);
        }

        let besides: Vec<_> = got.iter().map(of).take(3).collect();
        let filled = sales::sells_well(pool, UserId::from(user), NOW, &besides, 100).await.expect("the query works");
        let filled: Vec<_> = filled.iter().map(|liked| (of(liked), liked.why)).collect();
        assert_eq!(filled, sells_well(lines, user, &besides));
    }
}

#[tokio::test]
async fn the_queries_answer_what_the_plainest_computation_does() {
    let catalog = Catalog::with_products(PRODUCTS).await;
    for product in WITHDRAWN {
        catalog.delete(product).await;
    }
    let mut runner = TestRunner::deterministic();
    for _ in 0..4 {
        let lines = lines().new_tree(&mut runner).expect("orders can be made up").current();
        store(&catalog.pool, &lines).await;
        check(&catalog.pool, &lines).await;
        sqlx::query("TRUNCATE sales").execute(&catalog.pool).await.expect("the table is ours");
    }
    check(&catalog.pool, &[]).await;
}

#[tokio::test]
async fn a_list_ends_where_it_should_and_begins_with_the_best() {
    let catalog = Catalog::with_products(PRODUCTS).await;
    let lines = lines().new_tree(&mut TestRunner::deterministic()).expect("orders can be made up").current();
    store(&catalog.pool, &lines).await;
    let all = sales::bestsellers(&catalog.pool, NOW, 100).await.expect("the query works");
    let three = sales::bestsellers(&catalog.pool, NOW, 3).await.expect("the query works");
    assert_eq!(three, all[..3]);
    assert!(all.iter().all(|sold| sold.product_id <= ProductId::new(40).expect("positive")));
}
