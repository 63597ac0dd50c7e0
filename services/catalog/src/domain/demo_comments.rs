//! What the demo's customers say about its first products: the same on every machine and in every run.

use shop_types::{CommentId, DemoCustomer, ProductId, UserId};
use uuid::Uuid;

use super::assortment::scatter;

/// So many products have comments, from the first on.
pub const PRODUCTS: u32 = 300;

/// The most comments that one of them has.
const MOST: u64 = 6;

/// The most votes that a comment has.
const MOST_VOTES: u64 = 14;

/// What comments' identifiers begin with: a UUID of version 8, so that it is never that of a comment that somebody writes (version 7).
const FIRST: u128 = 0xc033_0000_0000_8000_8000_0000_0000_0000;

/// What customers say who give so many stars, and how likely it is that others find it helpful, in percent.
const SAYINGS: [(i16, &str, u64); 12] = [
    (5, "Exactly as described, and fresh. We order it every week.", 90),
    (5, "Свежее и вкусное, привезли вовремя. Берём не первый раз.", 88),
    (5, "Great!", 35),
    (5, "Лучшее из того, что я здесь пробовал.", 70),
    (4, "Good quality for the price; the pack could be larger.", 80),
    (4, "Хорошее качество, но упаковка была немного помята.", 75),
    (4, "Keeps well in the fridge for several days.", 82),
    (3, "Average. Nothing wrong with it, nothing special either.", 55),
    (3, "Нормально, но раньше было лучше.", 50),
    (2, "Smaller than it looks in the picture.", 60),
    (2, "Дороговато для такого размера.", 45),
    (1, "Not for me.", 15),
];

const NAMES: [&str; 16] = [
    "Anna",
    "Boris",
    "Вера",
    "Галина",
    "Dmitry",
    "Elena",
    "Фёдор",
    "Ivan",
    "Ксения",
    "Leonid",
    "Мария",
    "Nikolai",
    "Ольга",
    "Pavel",
    "Светлана",
    "Yuri",
];

/// A comment of the demo, with who has voted on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoComment {
    /// Its identifier.
    pub id: CommentId,
    /// About which product.
    pub product: ProductId,
    /// By whom.
    pub user: UserId,
    /// What the customer is called.
    pub author: &'static str,
    /// What is said.
    pub text: &'static str,
    /// From 1 to 5.
    pub rating: i16,
    /// How many days ago it was written.
    pub days_ago: i32,
    /// Who found it helpful (1) or not (-1).
    pub votes: Vec<(UserId, i16)>,
}

/// The comments on a product.
pub fn comments(product: ProductId) -> Vec<DemoComment> {
    let number = product.get().unsigned_abs();
    let chance = scatter(number);
    (0..chance % (MOST + 1)).map(|index| comment(product, number, index)).collect()
}

fn comment(product: ProductId, number: u64, index: u64) -> DemoComment {
    let chance = scatter(number * MOST + index);
    let (rating, text, helpful) = SAYINGS[pick(chance, SAYINGS.len())];
    // Customers in a row, beginning anywhere: all are different, the author is the first.
    let customer = |place: u64| customer(scatter(number) + 50 * index + place);
    let votes = 1..=(chance >> 8) % (MOST_VOTES + 1);
    let vote = |place| (customer(place), if scatter(chance ^ place) % 100 < helpful { 1 } else { -1 });
    DemoComment {
        id: CommentId::from(Uuid::from_u128(FIRST | u128::from(number) << 8 | u128::from(index))),
        product,
        user: customer(0),
        author: NAMES[pick(chance >> 16, NAMES.len())],
        text,
        rating,
        days_ago: i32::try_from((chance >> 24) % 365).unwrap_or_default(),
        votes: votes.map(vote).collect(),
    }
}

fn customer(number: u64) -> UserId {
    let number = u16::try_from(number % u64::from(DemoCustomer::MAX) + 1).unwrap_or(1);
    // The remainder is always in range.
    DemoCustomer::new(number).map_or_else(|_| UserId::from(Uuid::nil()), DemoCustomer::user_id)
}

fn pick(chance: u64, length: usize) -> usize {
    usize::try_from(chance % length as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn all() -> impl Iterator<Item = DemoComment> {
        (1..=i64::from(PRODUCTS)).filter_map(|id| ProductId::new(id).ok()).flat_map(comments)
    }

    #[test]
    fn nobody_comments_on_a_product_twice_or_votes_on_a_comment_twice_or_on_the_own_one() {
        let mut seen = BTreeSet::new();
        for comment in all() {
            assert!(seen.insert((comment.product, comment.user)), "{comment:?}");
            let voters: BTreeSet<_> = comment.votes.iter().map(|(voter, _)| voter).collect();
            assert_eq!(voters.len(), comment.votes.len(), "{comment:?}");
            assert!(!voters.contains(&comment.user), "{comment:?}");
        }
    }

    #[test]
    fn there_are_good_and_bad_ones_and_each_has_an_identifier_of_its_own() {
        let ratings: BTreeSet<_> = all().map(|comment| comment.rating).collect();
        assert_eq!(ratings, (1..=5).collect());
        let ids: BTreeSet<_> = all().map(|comment| comment.id).collect();
        assert_eq!(ids.len(), all().count());
        assert!(ids.len() > 600, "{}", ids.len());
    }
}
