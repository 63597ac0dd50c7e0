//! Who shops: customers with tokens, and what they ask for.

use shop_auth::Role;
use shop_testkit::Keys;
use shop_types::UserId;

use crate::client::Call;

/// Customers who look around, each with an account, orders and a cart.
pub(crate) const REGULARS: usize = 16;

/// Customers who put things into carts, and customers who buy: so many that none comes near the limit of checkouts.
const CROWD: usize = 2_000;

/// Products that are looked at and bought: few enough to be in memory soon.
pub(crate) const HOT: u64 = 100;

/// A customer and the token that proves it.
pub(crate) struct Customer {
    pub(crate) id: UserId,
    pub(crate) token: String,
}

/// Everybody.
pub(crate) struct Customers {
    pub(crate) regulars: Vec<Customer>,
    collectors: Vec<Customer>,
    buyers: Vec<Customer>,
    predecessors: Vec<Customer>,
}

impl Customers {
    pub(crate) fn new(keys: &Keys) -> Self {
        let some = |count| {
            let customer = |_| {
                let id = UserId::generate();
                Customer { id, token: keys.token(id, Role::User) }
            };
            (0..count).map(customer).collect()
        };
        Self { regulars: some(REGULARS), collectors: some(CROWD), buyers: some(CROWD), predecessors: some(CROWD) }
    }

    pub(crate) fn regular(&self, number: u64) -> &Customer {
        pick(&self.regulars, number)
    }

    pub(crate) fn collector(&self, number: u64) -> &Customer {
        pick(&self.collectors, number)
    }

    pub(crate) fn buyer(&self, number: u64) -> &Customer {
        pick(&self.buyers, number)
    }

    /// Somebody who was there before.
    pub(crate) fn predecessor(&self, number: u64) -> &Customer {
        pick(&self.predecessors, number)
    }
}

fn pick(customers: &[Customer], number: u64) -> &Customer {
    let index = usize::try_from(number).unwrap_or_default() % customers.len();
    &customers[index]
}

/// Puts one piece of a product into the customer's cart.
pub(crate) fn add(customer: &Customer, product: u64) -> Call {
    Call::post("/cart-api/cart/items").by(customer).json(format!(r#"{{"product_id":{product},"quantity":1}}"#))
}

/// An order: two products into the cart, and the checkout.
pub(crate) fn order(customer: &Customer, number: u64) -> Vec<Call> {
    let first = number % (HOT / 2) + 1;
    let checkout = Call::post("/cart-api/cart/checkout").by(customer).key(format!("order-{number}"));
    vec![add(customer, first), add(customer, first + HOT / 2), checkout]
}
