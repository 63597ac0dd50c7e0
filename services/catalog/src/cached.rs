//! What the catalog keeps in caches: one file for each, with how it is loaded.

pub mod bestsellers;
pub mod cards;
pub mod flash_sales;
pub mod products;
pub mod recommendations;
pub mod top_comments;
