//! What is asked of series.

use std::fmt;
use std::ops;

/// A query, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expr {
    text: String,
    /// Whether it needs no brackets beside an operator.
    atom: bool,
}

/// A number that is the same at all times.
pub(crate) fn number(value: f64) -> Expr {
    Expr::atom(value.to_string())
}

/// The moment of the evaluation, in seconds.
pub(crate) fn now() -> Expr {
    Expr::atom("time()".into())
}

/// 1 where the query gives nothing.
pub(crate) fn absent(of: &Expr) -> Expr {
    Expr::atom(format!("absent({of})"))
}

impl fmt::Display for Expr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Expr {
    pub(super) fn atom(text: String) -> Self {
        Self { text, atom: true }
    }

    /// Always 1, without labels.
    pub(crate) fn always() -> Self {
        Self::atom("vector(1)".into())
    }

    fn operand(&self) -> String {
        if self.atom { self.text.clone() } else { format!("({})", self.text) }
    }

    fn binary(&self, operator: &str, other: &Self) -> Self {
        Self { text: format!("{} {operator} {}", self.operand(), other.operand()), atom: false }
    }

    fn aggregate(&self, function: &str, by: &[&str]) -> Self {
        let by = if by.is_empty() { String::new() } else { format!(" by ({})", by.join(", ")) };
        let space = if by.is_empty() { "" } else { " " };
        Self::atom(format!("{function}{by}{space}({})", self.text))
    }

    /// All together, for each value of these labels.
    pub(crate) fn sum(&self, by: &[&str]) -> Self {
        self.aggregate("sum", by)
    }

    /// The highest, for each value of these labels.
    pub(crate) fn max(&self, by: &[&str]) -> Self {
        self.aggregate("max", by)
    }

    /// The lowest, for each value of these labels.
    pub(crate) fn min(&self, by: &[&str]) -> Self {
        self.aggregate("min", by)
    }

    /// How many there are, for each value of these labels.
    pub(crate) fn count(&self, by: &[&str]) -> Self {
        self.aggregate("count", by)
    }

    /// The so many highest.
    pub(crate) fn top(&self, many: u32) -> Self {
        Self::atom(format!("topk({many}, {})", self.text))
    }

    /// The value that this share of a histogram's observations stays below, for each value of these labels.
    pub(crate) fn quantile(&self, share: f64, by: &[&str]) -> Self {
        let mut labels = vec!["le"];
        labels.extend(by);
        Self::atom(format!("histogram_quantile({share}, {})", self.sum(&labels)))
    }

    /// The share of `whole`; nothing where there is nothing of it, so that an idle shop is neither good nor bad.
    pub(crate) fn share_of(&self, whole: &Self) -> Self {
        self.binary("/", &whole.above(0.0))
    }

    /// The share of `whole`, of which this is a part that may be missing altogether: then it is 0.
    pub(crate) fn share_if_any_of(&self, whole: &Self) -> Self {
        self.or(&(whole.clone() * number(0.0))).share_of(whole)
    }

    /// Times the other, which is 1 and is there to lend the labels of `keep`; both are the same in `on`.
    pub(crate) fn with_labels_from(&self, other: &Self, on: &[&str], keep: &[&str]) -> Self {
        let text =
            format!("{} * on ({}) group_left ({}) {}", self.operand(), on.join(", "), keep.join(", "), other.operand());
        Self { text, atom: false }
    }

    /// This, and the other where this gives nothing.
    pub(crate) fn or(&self, other: &Self) -> Self {
        self.binary("or", other)
    }

    /// This, or if it gives nothing at all the other.
    pub(crate) fn or_if_none(&self, other: &Self) -> Self {
        self.binary("or on ()", other)
    }

    /// This where the other gives something of the same labels.
    pub(crate) fn and(&self, other: &Self) -> Self {
        self.binary("and", other)
    }

    /// This where the other gives nothing that is the same in these labels.
    pub(crate) fn unless_on(&self, labels: &[&str], other: &Self) -> Self {
        self.binary(&format!("unless on ({})", labels.join(", ")), other)
    }

    /// This where the other gives something that is the same in these labels.
    pub(crate) fn and_on(&self, labels: &[&str], other: &Self) -> Self {
        self.binary(&format!("and on ({})", labels.join(", ")), other)
    }

    /// Where it is above this.
    pub(crate) fn above(&self, limit: f64) -> Self {
        self.binary(">", &number(limit))
    }

    /// Where it is below this.
    pub(crate) fn below(&self, limit: f64) -> Self {
        self.binary("<", &number(limit))
    }

    /// Where it is this.
    pub(crate) fn equal(&self, value: f64) -> Self {
        self.binary("==", &number(value))
    }

    /// Where it is above the other, of the same labels.
    pub(crate) fn greater_than(&self, other: &Self) -> Self {
        self.binary(">", other)
    }

    /// 0 where it would be less.
    pub(crate) fn at_least_nothing(&self) -> Self {
        Self::atom(format!("clamp_min({}, 0)", self.text))
    }
}

impl ops::Add for Expr {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.binary("+", &other)
    }
}

impl ops::Sub for Expr {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.binary("-", &other)
    }
}

impl ops::Mul for Expr {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        self.binary("*", &other)
    }
}

impl ops::Div for Expr {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        self.binary("/", &other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::{Job, Scope, Window};
    use crate::subject::Subject;

    fn requests() -> Expr {
        let shop = Subject { namespace: "shop".into(), store: "demo".into() };
        Scope::of(&shop).job(Job::Cart).metric("requests_total").rate(Window::minutes(5))
    }

    #[test]
    fn a_query_says_whose_series_it_wants_and_over_which_time() {
        assert_eq!(
            requests().sum(&["route"]).to_string(),
            r#"sum by (route) (rate(requests_total{namespace="shop",store="demo",job="cart"}[5m]))"#
        );
        let chosen = Scope::chosen().chosen_jobs().metric("requests_total").rate(Window::Panel);
        assert_eq!(
            chosen.to_string(),
            r#"rate(requests_total{namespace="$namespace",store="$store",job=~"$job"}[$__rate_interval])"#
        );
    }

    #[test]
    fn operators_stand_between_brackets_where_they_need_them() {
        let (one, two) = (number(1.0), number(2.5));
        assert_eq!(((one.clone() + two.clone()) * two.clone()).to_string(), "(1 + 2.5) * 2.5");
        assert_eq!(one.share_of(&two).to_string(), "1 / (2.5 > 0)");
        assert_eq!(one.share_if_any_of(&two).to_string(), "(1 or (2.5 * 0)) / (2.5 > 0)");
        assert_eq!(two.above(1.0).and_on(&["job"], &one).to_string(), "(2.5 > 1) and on (job) 1");
    }

    #[test]
    fn what_a_shop_is_called_cannot_end_a_matcher() {
        let shop = Subject { namespace: "a\"b\\".into(), store: "demo".into() };
        let text = Scope::of(&shop).recorded().metric("x").now().to_string();
        assert_eq!(text, r#"x{namespace="a\"b\\",store="demo"}"#);
    }

    #[test]
    fn the_bound_of_a_bucket_is_found_however_it_is_written() {
        let buckets = |bound| Scope::chosen().recorded().metric("x_bucket").up_to(bound).now().to_string();
        assert!(buckets(0.5).ends_with(r#"le="0.5"}"#), "{}", buckets(0.5));
        assert!(buckets(1.0).ends_with(r#"le=~"1(\\.0)?"}"#), "{}", buckets(1.0));
    }
}
