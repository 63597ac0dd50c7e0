//! What a shop is asked for while it is watched.

use reqwest::StatusCode;
use serde_json::json;
use uuid::Uuid;

use crate::load::Customer;

/// One thing that customers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Operation {
    /// A page of products of a category.
    GetProducts,
    /// One piece more into the cart.
    AddToCart,
    /// One piece into the cart, and the checkout.
    CreateOrder,
    /// Who I am, with my cart and my latest orders.
    GetUserProfile,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::GetProducts, Self::AddToCart, Self::CreateOrder, Self::GetUserProfile];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GetProducts => "get_products",
            Self::AddToCart => "add_to_cart",
            Self::CreateOrder => "create_order",
            Self::GetUserProfile => "get_user_profile",
        }
    }

    /// The services that are watched, the one it is about first.
    pub const fn services(self) -> &'static [&'static str] {
        match self {
            Self::GetProducts => &["catalog"],
            Self::AddToCart => &["cart"],
            Self::CreateOrder => &["order", "cart"],
            Self::GetUserProfile => &["user"],
        }
    }

    /// The calls that it is.
    pub const fn calls(self) -> &'static str {
        match self {
            Self::GetProducts => "GET /api/products?category=…&limit=20&sort=price_asc",
            Self::AddToCart => "POST /cart-api/cart/items",
            Self::CreateOrder => "POST /cart-api/cart/items, POST /cart-api/cart/checkout",
            Self::GetUserProfile => "GET /user-api/users/me/profile",
        }
    }

    /// Does it once; what came last if it is no success.
    pub(super) async fn once(self, customer: &Customer, products: &[i64], number: usize) -> Result<(), String> {
        match self {
            Self::GetProducts => {
                let category = CATEGORIES[number % CATEGORIES.len()];
                success(customer.get(&format!("/api/products?category={category}&limit=20&sort=price_asc")).await)
            }
            Self::AddToCart => add(customer, products, number).await,
            Self::CreateOrder => {
                add(customer, products, number).await?;
                success(customer.check_out(&Uuid::new_v4().to_string()).await)
            }
            Self::GetUserProfile => success(customer.get("/user-api/users/me/profile").await),
        }
    }
}

/// Some of the demo's categories.
const CATEGORIES: [&str; 4] = ["fruit", "vegetables", "bread", "drinks"];

async fn add(customer: &Customer, products: &[i64], number: usize) -> Result<(), String> {
    let product = products.get(number % products.len().max(1)).copied().unwrap_or(1);
    let line = json!({"product_id": product, "quantity": 1});
    success(customer.post("/cart-api/cart/items", Some(&Uuid::new_v4().to_string()), Some(&line)).await)
}

fn success(came: Result<(StatusCode, serde_json::Value), String>) -> Result<(), String> {
    match came {
        Ok((status, _)) if status.is_success() => Ok(()),
        Ok((status, body)) => Err(format!("{status}: {body}")),
        Err(wrong) => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn an_operation_is_asked_for_by_its_name() {
        for operation in Operation::ALL {
            let value = operation.to_possible_value().expect("none is hidden");
            assert_eq!(value.get_name(), operation.name());
        }
    }
}
