//! What the catalog means by a product, a page, a basket: rules without I/O, so that they are tested without anything running.

pub mod assortment;
pub mod category;
pub mod listing;
pub mod product;
pub mod reservation;
