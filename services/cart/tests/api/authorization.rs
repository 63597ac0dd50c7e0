//! Who may do what.

use serde_json::json;

use crate::support::{PATIENT, Shop};

#[tokio::test]
async fn nobody_gets_at_a_cart_without_the_right_credentials() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 1)]).await;
    let internal = format!("/internal/carts/{}", customer.id);
    let sibling = shop.keys.service_authorization();
    let own = [
        ("POST", "/cart-api/cart/merge"),
        ("DELETE", "/cart-api/cart/left-out"),
        ("GET", "/cart-api/cart"),
        ("DELETE", "/cart-api/cart"),
        ("POST", "/cart-api/cart/items"),
        ("PUT", "/cart-api/cart/items/1"),
        ("DELETE", "/cart-api/cart/items/1"),
        ("POST", "/cart-api/cart/checkout"),
        ("GET", "/api/cart"),
        ("POST", "/api/cart/add"),
    ];
    for (method, path) in own {
        for wrong in ["", "Bearer x", &*sibling] {
            cart.send(cart.request(method, path, wrong)).await.assert_problem(401, "unauthenticated");
        }
    }
    cart.get(&internal, &customer).await.assert_problem(401, "unauthenticated");
    let asked = cart.send(cart.request("GET", &internal, &sibling)).await;
    assert_eq!(asked.json()["lines"][0]["product_id"], json!(1));
    assert_eq!(cart.items(&customer).await, [(1, 1)]);
    assert_eq!(cart.items(&shop.customer()).await, [], "a token leads to its own cart only");
}
