//! A function that asks the database, as traces and metrics know it.

use std::future::Future;
use std::sync::OnceLock;
use std::time::Instant;

use crate::metrics::{self, TracedHistogram};
use crate::span::{Ended, Kind, Span};
use crate::trace;

/// A function that asks the database. The attribute [`crate::query`] makes one for each: who reads the function need not see it.
#[derive(Debug)]
pub struct Query {
    module: &'static str,
    function: &'static str,
    known: OnceLock<Known>,
}

/// What is found out when it is called for the first time.
#[derive(Debug)]
struct Known {
    name: String,
    times: TracedHistogram,
}

impl Query {
    /// The function of this name in the module of this path.
    pub const fn new(module: &'static str, function: &'static str) -> Self {
        Self { module, function, known: OnceLock::new() }
    }

    /// Does its work, in a span of its own and measured.
    pub fn run<O: Ended, F: Future<Output = O>>(&'static self, work: F) -> impl Future<Output = O> {
        let known = self.known.get_or_init(|| {
            let name = name(self.module, self.function);
            Known { times: metrics::query(&name), name }
        });
        let span = Span::begin(Kind::Client, &known.name).described(|open| {
            open.set("db.system.name", "postgresql");
            open.set("db.operation.name", known.name.as_str());
        });
        let began = Instant::now();
        span.run_and(work, move |span, outcome: &O| {
            span.describe(|open| open.note(outcome));
            known.times.observe(began.elapsed(), trace::current());
        })
    }
}

/// What is after `store` in the path, or else its end: `carts.touch`.
fn name(module: &str, function: &str) -> String {
    let within = module.split_once("::store::").map(|(_, within)| within);
    let within = within.or_else(|| module.rsplit("::").next()).unwrap_or(module);
    format!("{}.{function}", within.replace("::", "."))
}

#[cfg(test)]
mod tests {
    use prometheus::Registry;

    use super::*;
    use crate::metrics::DbMetrics;

    #[test]
    fn a_query_is_called_as_its_function_is() {
        assert_eq!(name("shop_cart::store::carts", "touch"), "carts.touch");
        assert_eq!(name("shop_catalog::store::listings::walks", "newest"), "listings.walks.newest");
        assert_eq!(name("shop_outbox::outbox", "claim"), "outbox.claim");
    }

    #[tokio::test]
    async fn a_query_is_measured_whether_or_not_it_succeeds() {
        static QUERY: Query = Query::new("shop_test::store::things", "find");
        let registry = Registry::new();
        DbMetrics::register(&registry).expect("new");
        assert!(QUERY.run(async { Ok::<_, sqlx::Error>(1) }).await.is_ok());
        assert!(QUERY.run(async { Err::<(), _>(sqlx::Error::PoolTimedOut) }).await.is_err());
        let text = metrics::encode(&registry).expect("text");
        assert!(text.contains(r#"db_query_duration_seconds_count{query="things.find"} 2"#), "{text}");
    }
}
