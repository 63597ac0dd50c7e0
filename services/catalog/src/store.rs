//! The catalog's SQL, and nothing else: every function is one statement. Callers own the transactions.
//!
//! Whoever locks more than one row does it in one order, so that nothing ever waits in a circle: the reservation, then products by
//! id with their listings, then words by the alphabet, then categories by slug, then the number of the last event.

pub mod categories;
pub mod comments;
pub mod events;
pub mod flash_sales;
pub mod listings;
mod offers;
pub mod outbox;
pub mod own_events;
pub mod product_changes;
pub mod products;
pub mod reservations;
pub mod sales;
pub mod search;
