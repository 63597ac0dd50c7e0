//! What the customers of the demo bought: the same in every shop on the same day.
//!
//! Each day has its orders, and all about an order follows from its number. A seed that is run again adds what has come since, and
//! nothing twice.

use shop_types::{DemoCustomer, OrderId, ProductId, Quantity};
use time::OffsetDateTime;
use uuid::Uuid;

use super::assortment::{CATEGORIES, scatter};
use super::reservation::WantedLine;
use super::sale::BESTSELLERS_WINDOW;

/// The demo customers that buy have the numbers from 1 to this.
pub const BUYERS: u16 = 200;

/// How many orders a day has.
const ORDERS_A_DAY: i64 = 60;

/// The most products in an order.
const MOST_LINES: u64 = 5;

const DAY_SECONDS: i64 = 86_400;

/// What the identifiers of demo orders begin with: a UUID of version 8, so that it is never that of a real order (version 7).
const FIRST_ID: u128 = 0xde31_0000_0000_8000_8000_0000_0000_0000;

/// A prime above every number of demo products: multiplied by it, the places of a shelf are dealt out to its ranks, each once.
const SPREAD: u64 = 1_000_003;

/// An order of a demo customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoOrder {
    /// The order.
    pub id: OrderId,
    /// Who bought.
    pub customer: DemoCustomer,
    /// When.
    pub sold_at: OffsetDateTime,
    /// What, each product once.
    pub lines: Vec<WantedLine>,
}

/// What was bought of the first so many demo products until `now`, since the bestsellers' window began.
pub fn orders(products: u32, now: OffsetDateTime) -> Vec<DemoOrder> {
    let today = now.unix_timestamp().div_euclid(DAY_SECONDS);
    let numbers = (today - BESTSELLERS_WINDOW.whole_days()) * ORDERS_A_DAY..(today + 1) * ORDERS_A_DAY;
    let window = now - BESTSELLERS_WINDOW..=now;
    let Some(shop) = Shop::with(products) else { return Vec::new() };
    numbers.filter_map(|number| shop.order(number)).filter(|order| window.contains(&order.sold_at)).collect()
}

/// What there is to buy: shelves, and as many places on each.
struct Shop {
    shelves: u64,
    places: u64,
}

impl Shop {
    /// None if there is nothing to buy.
    fn with(products: u32) -> Option<Self> {
        let products = u64::from(products);
        let shelves = products.min(CATEGORIES);
        Some(Self { shelves, places: products.checked_div(shelves)? })
    }

    /// The order with this number.
    fn order(&self, number: i64) -> Option<DemoOrder> {
        let mut dice = Dice(number.cast_unsigned());
        let customer = dice.below(BUYERS.into());
        let second = i64::try_from(dice.below(DAY_SECONDS.unsigned_abs())).ok()?;
        let mut lines = Vec::<WantedLine>::new();
        let (mut row, mut rank) = self.choose(customer, &mut dice);
        for _ in 0..=dice.below(MOST_LINES) {
            let product_id = self.product(row, rank)?;
            let quantity = Quantity::new(1 + i32::try_from(dice.below(3)).ok()?).ok()?;
            if lines.iter().all(|line| line.product_id != product_id) {
                lines.push(WantedLine { product_id, quantity });
            }
            (row, rank) = match dice.below(2) {
                // What goes with it lies on the shelf beside it, at the same place.
                0 => ((row ^ 1) % self.shelves, rank),
                _ => self.choose(customer, &mut dice),
            };
        }
        Some(DemoOrder {
            id: Uuid::from_u128(FIRST_ID | u128::from(number.unsigned_abs())).into(),
            customer: DemoCustomer::new(u16::try_from(customer).ok()? + 1).ok()?,
            sold_at: OffsetDateTime::from_unix_timestamp(number.div_euclid(ORDERS_A_DAY) * DAY_SECONDS + second)
                .ok()?,
            lines,
        })
    }

    /// A shelf, mostly one of the two that the customer likes, and a rank on it. Each doubling of the rank is as likely as the one
    /// before, so a rank is about as likely as its reciprocal: Zipf's law, without a rounding error that another machine could differ in.
    fn choose(&self, customer: u64, dice: &mut Dice) -> (u64, u64) {
        let row = match dice.below(8) {
            0..=3 => customer,
            4..=5 => customer / self.shelves + customer + 1,
            _ => dice.below(self.shelves),
        };
        let first = 1 << dice.below(u64::from(self.places.ilog2()) + 1);
        let rank = (first + dice.below(first)).min(self.places) - 1;
        (row % self.shelves, rank)
    }

    /// The product of this rank on a shelf; those with the lowest numbers are not always the best.
    fn product(&self, row: u64, rank: u64) -> Option<ProductId> {
        let place = (rank + 1 + row) * SPREAD % self.places;
        ProductId::new(i64::try_from(1 + row + self.shelves * place).ok()?).ok()
    }
}

/// Numbers that look thrown, and always fall alike.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = scatter(self.0);
        self.0 % limit.max(1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use time::Duration;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

    fn sold(orders: &[DemoOrder]) -> Vec<(i64, i32)> {
        let mut pieces = BTreeMap::<i64, i32>::new();
        for line in orders.iter().flat_map(|order| &order.lines) {
            *pieces.entry(line.product_id.get()).or_default() += line.quantity.get();
        }
        let mut pieces: Vec<_> = pieces.into_iter().collect();
        pieces.sort_by_key(|(product, pieces)| (-pieces, *product));
        pieces
    }

    #[test]
    fn thirty_days_of_orders_are_there_and_none_is_of_tomorrow() {
        let orders = orders(20_000, NOW);
        assert!((1_750..=1_850).contains(&orders.len()), "{}", orders.len());
        assert!(orders.iter().all(|order| order.sold_at <= NOW && order.sold_at >= NOW - Duration::days(30)));
        let buyers: BTreeSet<_> = orders.iter().map(|order| order.customer.get()).collect();
        assert!(buyers.len() > 190 && buyers.last() <= Some(&BUYERS), "{buyers:?}");
        let ids: BTreeSet<_> = orders.iter().map(|order| order.id).collect();
        assert_eq!(ids.len(), orders.len());
    }

    #[test]
    fn an_order_is_the_same_whenever_it_is_made() {
        let early: BTreeMap<_, _> = orders(500, NOW).into_iter().map(|order| (order.id, order)).collect();
        let late = orders(500, NOW + Duration::days(10));
        let both: Vec<_> = late.iter().filter_map(|order| Some((order, early.get(&order.id)?))).collect();
        assert!(both.len() > 1_000, "{}", both.len());
        assert!(both.iter().all(|(late, early)| late == early));
    }

    #[test]
    fn few_products_sell_often_and_many_seldom() {
        let sold = sold(&orders(20_000, NOW));
        let total: i32 = sold.iter().map(|(_, pieces)| pieces).sum();
        let best: i32 = sold.iter().take(20).map(|(_, pieces)| pieces).sum();
        assert!(best * 10 > total && best * 2 < total, "{best} of {total}");
        assert!(sold.len() > 1_000, "{}", sold.len());
        let categories: BTreeSet<_> = sold.iter().take(20).map(|(product, _)| product % 8).collect();
        assert!(categories.len() > 4, "{categories:?}");
    }

    #[test]
    fn only_products_that_there_are_are_bought_however_few() {
        assert_eq!(orders(0, NOW), []);
        for products in [1, 2, 7, 8, 9, 1_000_000] {
            let sold = sold(&orders(products, NOW));
            assert!(sold.iter().all(|(product, _)| (1..=i64::from(products)).contains(product)), "{products}");
        }
    }
}
