//! What happens when everything comes at once. Every test ends by counting: no piece may be lost or invented.

use futures::future::join_all;
use serde_json::json;
use shop_testkit::eventually;
use shop_types::OrderId;

use crate::support::Catalog;

fn orders(count: usize) -> Vec<OrderId> {
    (0..count).map(|_| OrderId::generate()).collect()
}

/// Three replicas over one database.
async fn three_replicas() -> [Catalog; 3] {
    let first = Catalog::with_products(8).await;
    let (second, third) = (Catalog::start(first.replica().await).await, Catalog::start(first.replica().await).await);
    [first, second, third]
}

async fn deadlocks(catalog: &Catalog) -> i64 {
    sqlx::query_scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        .fetch_one(catalog.db.pool())
        .await
        .expect("the server counts")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_unit_of_stock_and_two_hundred_concurrent_buyers_at_three_replicas_make_one_reservation() {
    let replicas = three_replicas().await;
    replicas[0].set(1, &json!({"stock": 1})).await;

    let buyers = orders(200).into_iter().enumerate();
    let answers = join_all(buyers.map(|(index, order)| replicas[index % 3].reserve(order, &[(1, 1)]))).await;

    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        refused.assert_problem(409, "out-of-stock");
        assert_eq!(refused.body["lines"], json!([{"product_id": 1, "requested": 1, "available": 0}]));
    }
    for replica in &replicas {
        eventually("the replica shows that there is none", async || replica.stock(1).await == 0).await;
    }
    assert_eq!(deadlocks(&replicas[0]).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn at_three_replicas_products_in_opposite_orders_never_deadlock_whoever_takes_or_gives_back() {
    let replicas = three_replicas().await;
    let stock = [replicas[0].stock(1).await, replicas[0].stock(5).await, replicas[0].stock(8).await];

    let carts = orders(120).into_iter().enumerate().map(|(index, order)| {
        let (replica, other) = (&replicas[index % 3], &replicas[(index + 1) % 3]);
        let cart = match index % 3 {
            0 => [(1, 1), (5, 1), (8, 1)],
            1 => [(8, 1), (5, 1), (1, 1)],
            _ => [(5, 1), (8, 1), (1, 1)],
        };
        async move {
            let reserved = replica.reserve(order, &cart).await;
            let ended = if index % 2 == 0 { other.release(order).await } else { other.commit(order).await };
            (reserved.status, ended.status)
        }
    });

    assert!(join_all(carts).await.into_iter().all(|statuses| statuses == (200, 204)));
    assert_eq!(deadlocks(&replicas[0]).await, 0);
    let left: Vec<i64> = sqlx::query_scalar("SELECT stock::bigint FROM products WHERE id IN (1, 5, 8) ORDER BY id")
        .fetch_all(replicas[0].db.pool())
        .await
        .expect("the table is ours");
    assert_eq!(left, stock.map(|stock| stock - 60));
}

#[tokio::test]
async fn an_administrator_who_counted_before_something_was_sold_is_told_so() {
    let catalog = Catalog::with_products(8).await;
    let seen = catalog.get("/api/products/1").await;
    let etag = seen.header("etag").expect("a product has one").to_owned();
    let stock = catalog.stock(1).await;
    assert_eq!(catalog.reserve(OrderId::generate(), &[(1, 1)]).await.status, 200);

    let set = catalog
        .request("PATCH", "/api/products/1")
        .header("Authorization", catalog.bearer(shop_auth::Role::Admin))
        .header("If-Match", etag)
        .json(&json!({"stock": stock + 10}));
    assert_eq!(catalog.send(set).await.status, 412, "or the piece that was sold would be back");

    catalog.set(1, &json!({"stock_change": 10})).await;
    assert_eq!(catalog.stock(1).await, stock + 9);
    // Neither does another field bring it back.
    catalog.set(1, &json!({"price": {"amount": 7, "currency": "RUB"}})).await;
    assert_eq!(catalog.stock(1).await, stock + 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn retries_of_one_order_at_the_same_time_take_the_stock_once_and_answer_alike() {
    let catalog = Catalog::with_products(8).await;
    let (stock, order) = (catalog.stock(1).await, OrderId::generate());

    let answers = join_all((0..20).map(|_| catalog.reserve(order, &[(2, 1), (1, 3)]))).await;

    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (200, &answers[0].body));
    }
    assert_eq!(catalog.stock(1).await, stock - 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn retries_of_an_order_that_is_too_large_all_fail_and_take_nothing() {
    let catalog = Catalog::with_products(8).await;
    catalog.set(1, &json!({"stock": 2})).await;
    let order = OrderId::generate();

    for answer in join_all((0..20).map(|_| catalog.reserve(order, &[(1, 3)]))).await {
        answer.assert_problem(409, "out-of-stock");
    }
    assert_eq!(catalog.stock(1).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn carts_that_name_the_same_products_in_opposite_orders_do_not_deadlock() {
    let catalog = Catalog::with_products(8).await;
    let (one, eight) = (catalog.stock(1).await, catalog.stock(8).await);

    let carts = orders(40).into_iter().enumerate().map(|(index, order)| {
        let cart = if index % 2 == 0 { [(1, 1), (8, 1)] } else { [(8, 1), (1, 1)] };
        let catalog = &catalog;
        async move { catalog.reserve(order, &cart).await.status }
    });

    assert!(join_all(carts).await.into_iter().all(|status| status == 200));
    assert_eq!((catalog.stock(1).await, catalog.stock(8).await), (one - 40, eight - 40));
    let deadlocks: i64 =
        sqlx::query_scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            .fetch_one(&catalog.pool)
            .await
            .expect("the server counts");
    assert_eq!(deadlocks, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reserve_and_its_release_at_the_same_time_leave_the_stock_whole() {
    let catalog = Catalog::with_products(8).await;
    let stock = catalog.stock(1).await;

    let orders = orders(40);
    let races =
        orders.iter().map(|order| async { tokio::join!(catalog.reserve(*order, &[(1, 1)]), catalog.release(*order)) });

    for (reserved, released) in join_all(races).await {
        assert_eq!(released.status, 204, "{released:?}");
        if reserved.status != 200 {
            reserved.assert_problem(409, "reservation-released");
        }
    }
    assert_eq!(catalog.stock(1).await, stock, "whoever came first, the release has the last word");
    for order in orders {
        catalog.reserve(order, &[(1, 1)]).await.assert_problem(409, "reservation-released");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn releases_of_one_order_at_the_same_time_give_back_once() {
    let catalog = Catalog::with_products(8).await;
    let (stock, order) = (catalog.stock(1).await, OrderId::generate());
    catalog.reserve(order, &[(1, 7)]).await;

    for answer in join_all((0..20).map(|_| catalog.release(order))).await {
        assert_eq!(answer.status, 204);
    }
    assert_eq!(catalog.stock(1).await, stock);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_and_a_release_at_the_same_time_end_released() {
    let catalog = Catalog::with_products(8).await;
    let stock = catalog.stock(1).await;
    let orders = orders(20);
    for order in &orders {
        catalog.reserve(*order, &[(1, 1)]).await;
    }

    let races = orders.iter().map(|order| async { tokio::join!(catalog.commit(*order), catalog.release(*order)) });
    for (committed, released) in join_all(races).await {
        assert_eq!(released.status, 204);
        assert!(matches!(committed.status, 204 | 409), "{committed:?}");
    }
    assert_eq!(catalog.stock(1).await, stock);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_and_the_deadline_at_the_same_time_agree_on_who_was_first() {
    let catalog = Catalog::whose_reservations_are_overdue_at_once(8).await;
    let stock = catalog.stock(1).await;
    let orders = orders(60);
    for order in &orders {
        catalog.reserve(*order, &[(1, 1)]).await;
    }

    let commits = join_all(orders.iter().map(|order| catalog.commit(*order)));
    let (committed, expired, expired_elsewhere) =
        tokio::join!(commits, catalog.expire_in_batches_of(7), catalog.expire_in_batches_of(5));

    let sold = committed.iter().filter(|answer| answer.status == 204).count();
    for refused in committed.iter().filter(|answer| answer.status != 204) {
        refused.assert_problem(409, "reservation-released");
    }
    // A replica skips what a commit has locked, and that commit has won.
    assert_eq!(sold + expired + expired_elsewhere + catalog.expire().await, 60);
    assert_eq!(catalog.stock(1).await, stock - i64::try_from(sold).expect("small"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replicas_that_look_for_overdue_reservations_together_end_each_once() {
    let catalog = Catalog::whose_reservations_are_overdue_at_once(8).await;
    let (one, two) = (catalog.stock(1).await, catalog.stock(2).await);
    for order in orders(60) {
        catalog.reserve(order, &[(1, 1), (2, 2)]).await;
    }

    let ended = join_all((0..4).map(|_| catalog.expire_in_batches_of(7))).await;

    assert_eq!(ended.into_iter().sum::<usize>(), 60);
    assert_eq!((catalog.stock(1).await, catalog.stock(2).await), (one, two));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_release_and_the_deadline_at_the_same_time_give_back_once() {
    let catalog = Catalog::whose_reservations_are_overdue_at_once(8).await;
    let stock = catalog.stock(1).await;
    let orders = orders(40);
    for order in &orders {
        catalog.reserve(*order, &[(1, 3)]).await;
    }

    let everyone = join_all(orders.iter().map(|order| catalog.release(*order)));
    let (released, ..) = tokio::join!(everyone, catalog.expire_in_batches_of(5), catalog.expire_in_batches_of(7));

    assert!(released.iter().all(|answer| answer.status == 204));
    assert_eq!(catalog.stock(1).await, stock);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stock_that_arrives_while_it_is_sold_is_neither_lost_nor_doubled() {
    let catalog = Catalog::with_products(8).await;
    catalog.set(1, &json!({"stock": 500})).await;

    let sales = join_all(orders(30).into_iter().map(|order| catalog.reserve(order, &[(1, 1)])));
    let delivery = json!({"stock_change": 5});
    let arrivals = join_all((0..10).map(|_| catalog.set(1, &delivery)));
    tokio::join!(sales, arrivals);

    assert_eq!(catalog.stock(1).await, 500 - 30 + 50);
}

/// Orders that reserve, repeat, commit, cancel and expire as they like, all at once, over few products with little stock.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_orders_do_what_they_hold_and_what_is_left_add_up() {
    let catalog = Catalog::whose_reservations_are_overdue_at_once(8).await;
    for product in 1..=3 {
        catalog.set(product, &json!({"stock": 25})).await;
    }

    let histories = (0_i64..).zip(orders(80)).map(|(index, order)| {
        let catalog = &catalog;
        async move {
            let cart = [(1 + index % 3, 1), (1 + index / 3 % 3, 2)];
            tokio::join!(catalog.reserve(order, &cart), catalog.reserve(order, &cart));
            match index % 4 {
                0 => drop(tokio::join!(catalog.commit(order), catalog.release(order))),
                1 => drop(catalog.commit(order).await),
                2 => drop(tokio::join!(catalog.release(order), catalog.release(order))),
                _ => {}
            }
        }
    });
    tokio::join!(join_all(histories), catalog.expire_in_batches_of(3), catalog.expire_in_batches_of(4));

    for product in 1..=3 {
        let held: i64 = sqlx::query_scalar(
            "SELECT coalesce(sum(quantity), 0) FROM reservation_lines JOIN reservations USING (order_id)
             WHERE product_id = $1 AND state <> 'released'",
        )
        .bind(product)
        .fetch_one(&catalog.pool)
        .await
        .expect("the database answers");
        assert_eq!(held + catalog.stock(product).await, 25, "product {product}");
    }
}
