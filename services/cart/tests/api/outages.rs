//! What the cart says while something that it needs is away.

use serde_json::json;
use shop_testkit::{ChaosProxy, eventually};

use crate::faults::{Fault, Step};
use crate::support::{HASTY, PATIENT, Shop};

#[tokio::test]
async fn without_the_catalog_a_cart_cannot_be_shown_and_then_it_can_again() {
    let shop = Shop::new().await;
    let cart = shop.replica_without_redis(HASTY).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2)]).await;
    shop.faults.set(Step::Quote, Fault::NotDone);
    let away = cart.get("/cart-api/cart", &customer).await;
    away.assert_problem(503, "dependency-unavailable");
    assert_eq!(away.json()["dependency"], json!("catalog"));
    assert!(away.retry_after.is_some());
    cart.add(&customer, 1, 1).await.assert_problem(503, "dependency-unavailable");
    shop.faults.clear();
    eventually("the cart is shown again", async || cart.get("/cart-api/cart", &customer).await.status == 200).await;
    assert_eq!(cart.items(&customer).await, [(1, 2)]);
}

#[tokio::test]
async fn without_its_database_the_cart_says_so_and_recovers_by_itself() {
    let shop = Shop::new().await;
    let proxy = ChaosProxy::to(shop.db.address()).await;
    let cart = shop.replica_over(shop.db.url_by(proxy.address()), None, PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2)]).await;

    proxy.break_networking();
    let away = cart.get("/cart-api/cart", &customer).await;
    away.assert_problem(503, "database-unavailable");
    assert!(away.retry_after.is_some());
    cart.checkout(&customer, "k").await.assert_problem(503, "database-unavailable");
    let health = cart.get("/cart-api/health", &customer).await;
    assert_eq!(health.json()["status"], "healthy", "the process is alive");

    proxy.restore_networking();
    eventually("the cart is shown again", async || cart.get("/cart-api/cart", &customer).await.status == 200).await;
    assert_eq!(cart.checkout(&customer, "k").await.status, 201);
    assert_eq!(shop.orders_of(&customer).await, 1);
}
