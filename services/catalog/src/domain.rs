//! What the catalog means by a product, a page, a basket: rules without I/O, so that they are tested without anything running.

pub mod assortment;
pub mod bestseller;
pub mod card;
pub mod category;
pub mod comment;
pub mod demo_comments;
pub mod demo_sales;
pub mod event;
pub mod flash_sale;
pub mod fnv;
pub mod listing;
pub mod product;
pub mod product_event;
pub mod recommendation;
pub mod reservation;
pub mod sale;
pub mod search;
pub mod text;
