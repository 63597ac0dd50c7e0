//! What a customer may like: how it is computed, and the numbers in it.
//!
//! A recommendation's score is the probability that a walk ends at the product which begins at the customer, goes to a product *q*
//! that the customer bought, from there to another customer's order *o* with *q* in it, and from there to another product of *o*:
//!
//! ```text
//!              w(t_q)                w(t_o)             1
//! score(p) = Σ ─────── · Σ      ─────────────── · ─────────────      w(t) = 2^(-age(t) / HALF_LIFE)
//!            q Σ w(t)   o∋q,p   Σ w(t) of all o∋q  |o without q|
//! ```
//!
//! `t_q` is when the customer last bought *q*, `t_o` when the order was placed; `p` is never `q`.
//!
//! The walk over what was bought together is the resource allocation of Zhou, Ren, Medo and Zhang, *Bipartite network projection and
//! personal recommendation* (Physical Review E 76, 046115, 2007): since each step divides what it has among its ways, neither a product
//! that everybody buys nor an order with a hundred lines outweighs the rest. The weights are those of Ding and Li, *Time weight
//! collaborative filtering* (CIKM 2005): interest decays exponentially, with a half-life.
//!
//! All of it is one statement over what was sold, whose work is bounded, however much the customer or others bought: at most
//! [`OWN_LINES`] lines of the customer, of them [`OWN_PRODUCTS`] products, and [`ORDERS_OF_PRODUCT`] orders of each; the newest.
//!
//! What the customer bought in the last [`BOUGHT_LATELY`] is left out, as is what is not sold any more. If that leaves fewer than
//! [`SHOWN`], bestsellers follow, those of the categories first that the customer buys of; their score is 0.

use serde::{Deserialize, Serialize};
use time::Duration;
use utoipa::ToSchema;

/// After how long a purchase says half as much.
pub const HALF_LIFE: Duration = Duration::days(30);

/// What was bought within this time needs no recommendation.
pub const BOUGHT_LATELY: Duration = Duration::days(14);

/// How many products are recommended.
pub const SHOWN: i64 = 10;

/// How many lines of the customer's orders are looked at.
pub const OWN_LINES: i64 = 200;

/// How many of the products in them.
pub const OWN_PRODUCTS: i64 = 40;

/// How many of the orders with such a product.
pub const ORDERS_OF_PRODUCT: i64 = 50;

/// Why a product is recommended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Others bought it together with what the customer bought.
    BoughtTogether,
    /// It sells well in a category that the customer buys of.
    SellsInCategory,
    /// It sells well.
    SellsWell,
}
