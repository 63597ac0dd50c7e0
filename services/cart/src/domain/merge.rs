//! An anonymous cart goes into its customer's at login: quantities are summed, as far as the stock and the limits of a cart allow, and
//! what finds no place is told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shop_types::{ProductId, Quantity};
use utoipa::ToSchema;

use super::cart::{HeldItem, Item, MAX_LINES, Product};

/// Why pieces found no place in a cart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeftOutReason {
    /// The catalog has fewer than both carts wanted.
    OutOfStock,
    /// More pieces than a line can have.
    TooManyPieces,
    /// The cart holds as many products as it can.
    CartFull,
    /// The product is not sold any more.
    NotSold,
}

/// Pieces that were in an anonymous cart and found no place in the customer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftOut {
    /// Which product.
    pub product_id: ProductId,
    /// How many pieces were left out.
    pub quantity: i64,
    /// Why.
    pub reason: LeftOutReason,
}

/// How two carts become one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merge {
    /// The customer's lines that are new or have grown, as they are then.
    pub lines: Vec<HeldItem>,
    /// What came over.
    pub taken: Vec<Item>,
    /// What did not.
    pub left_out: Vec<LeftOut>,
}

impl Merge {
    /// Puts `guests` into a cart that holds `own`, with what the catalog says of the products. What the customer has already never
    /// shrinks, even if the catalog has less of it by now.
    pub fn of(own: &[HeldItem], guests: &[HeldItem], products: &[Product]) -> Self {
        let products: BTreeMap<_, _> = products.iter().map(|product| (product.id, product)).collect();
        let mut lines: BTreeMap<_, _> = own.iter().map(|held| (held.item.product_id, *held)).collect();
        let mut merge = Self::default();
        for guest in guests {
            let (id, wanted) = (guest.item.product_id, i64::from(guest.item.quantity));
            let there = lines.get(&id).map_or(0, |line| i64::from(line.item.quantity));
            let full = there == 0 && lines.len() >= usize::try_from(MAX_LINES).unwrap_or(usize::MAX);
            let (room, reason) = match products.get(&id) {
                None => (0, LeftOutReason::NotSold),
                Some(_) if full => (0, LeftOutReason::CartFull),
                Some(product) if product.stock < i64::from(Quantity::MAX) => {
                    (product.stock - there, LeftOutReason::OutOfStock)
                }
                Some(_) => (i64::from(Quantity::MAX) - there, LeftOutReason::TooManyPieces),
            };
            let taken = wanted.min(room).max(0);
            if wanted > taken {
                merge.left_out.push(LeftOut { product_id: id, quantity: wanted - taken, reason });
            }
            let (Some(sum), Some(came)) = (quantity(there + taken), quantity(taken)) else { continue };
            let line = lines.entry(id).or_insert(*guest);
            line.item.quantity = sum;
            merge.lines.push(*line);
            merge.taken.push(Item { product_id: id, quantity: came });
        }
        merge
    }
}

/// What was left out before and what is left out now, by product and reason.
pub fn left_out_together(before: &[LeftOut], now: &[LeftOut]) -> Vec<LeftOut> {
    let mut sums = BTreeMap::<_, i64>::new();
    for left in before.iter().chain(now) {
        let sum = sums.entry((left.product_id, left.reason)).or_default();
        *sum = sum.saturating_add(left.quantity);
    }
    let left_out = sums.into_iter().map(|((product_id, reason), quantity)| LeftOut { product_id, quantity, reason });
    left_out.collect()
}

fn quantity(pieces: i64) -> Option<Quantity> {
    i32::try_from(pieces).ok().and_then(|pieces| Quantity::new(pieces).ok())
}

#[cfg(test)]
mod tests {
    use shop_types::{LocalizedText, Money};

    use super::*;

    fn id(number: i64) -> ProductId {
        ProductId::new(number).expect("positive")
    }

    fn held(product: i64, pieces: i32) -> HeldItem {
        let quantity = Quantity::new(pieces).expect("in range");
        HeldItem { item: Item { product_id: id(product), quantity }, price_when_added: Some(Money::rub(product)) }
    }

    fn product(number: i64, stock: i64) -> Product {
        let name = LocalizedText { en: "Bread".to_owned(), ru: "Хлеб".to_owned() };
        Product { id: id(number), name, price: Money::rub(100), stock }
    }

    fn left(product: i64, quantity: i64, reason: LeftOutReason) -> LeftOut {
        LeftOut { product_id: id(product), quantity, reason }
    }

    #[test]
    fn quantities_are_summed_and_lines_keep_the_price_at_which_they_came() {
        let merge = Merge::of(&[held(1, 2)], &[held(1, 3), held(2, 4)], &[product(1, 50), product(2, 50)]);
        assert_eq!(merge.lines, [held(1, 5), held(2, 4)]);
        assert_eq!(merge.taken, [held(1, 3).item, held(2, 4).item]);
        assert_eq!(merge.left_out, []);
    }

    #[test]
    fn what_finds_no_place_is_told_with_its_reason_and_nothing_shrinks() {
        let own = [held(1, 8), held(2, 990), held(5, 3)];
        let guests = [held(1, 5), held(2, 20), held(3, 1), held(4, 2), held(5, 9)];
        let products = [product(1, 10), product(2, 5_000), product(4, 0), product(5, 1)];
        let merge = Merge::of(&own, &guests, &products);
        assert_eq!(merge.lines, [held(1, 10), held(2, 999)]);
        let expected = [
            left(1, 3, LeftOutReason::OutOfStock),
            left(2, 11, LeftOutReason::TooManyPieces),
            left(3, 1, LeftOutReason::NotSold),
            left(4, 2, LeftOutReason::OutOfStock),
            left(5, 9, LeftOutReason::OutOfStock),
        ];
        assert_eq!(merge.left_out, expected);
    }

    #[test]
    fn a_full_cart_takes_more_of_what_it_has_and_nothing_else() {
        let own: Vec<_> = (1..=99).map(|product| held(product, 1)).collect();
        let products: Vec<_> = (1..=101).map(|number| product(number, 50)).collect();
        let merge = Merge::of(&own, &[held(1, 1), held(100, 1), held(101, 1)], &products);
        assert_eq!(merge.lines, [held(1, 2), held(100, 1)]);
        assert_eq!(merge.left_out, [left(101, 1, LeftOutReason::CartFull)]);
    }

    #[test]
    fn pieces_are_neither_made_nor_lost_by_a_merge() {
        for stock in [0, 1, 5, 999, 5_000] {
            let guests = [held(1, 700), held(2, 3)];
            let merge = Merge::of(&[held(1, 400)], &guests, &[product(1, stock), product(2, stock)]);
            for guest in guests {
                let of = |product: ProductId| product == guest.item.product_id;
                let taken = merge.taken.iter().filter(|item| of(item.product_id)).map(|item| i64::from(item.quantity));
                let left = merge.left_out.iter().filter(|left| of(left.product_id)).map(|left| left.quantity);
                assert_eq!(taken.chain(left).sum::<i64>(), i64::from(guest.item.quantity), "stock {stock}");
            }
        }
    }

    #[test]
    fn what_two_merges_left_out_is_summed() {
        let before = [left(2, 1, LeftOutReason::NotSold), left(1, 1, LeftOutReason::CartFull)];
        let together = left_out_together(&before, &[left(2, 2, LeftOutReason::NotSold)]);
        assert_eq!(together, [left(1, 1, LeftOutReason::CartFull), left(2, 3, LeftOutReason::NotSold)]);
    }
}
