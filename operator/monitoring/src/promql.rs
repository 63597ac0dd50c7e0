//! Queries, put together from typed parts, so that none forgets whose series it asks for, or divides by nothing.

mod expr;
mod selector;

pub(crate) use expr::{Expr, absent, now, number};
pub(crate) use selector::{Job, SERVICES, Scope, Selector, Source, Window, prometheus_duration};
