//! SQL and nothing else. Functions that belong together take a connection, so that their caller owns the transaction.

pub mod figures;
pub mod moves;
pub mod orders;
