//! The demo assortment: believable goods from word lists, the same on every machine and in every run.

mod bread;
mod dairy;
mod drinks;
mod frozen;
mod fruit;
mod meat;
mod shelf;
mod sweets;
mod vegetables;

use shop_types::{LocalizedText, Money, ProductId};

use shelf::{Shelf, Variant};

/// The highest number of a demo product; those that administrators add are numbered from the next one.
pub const LARGEST: u32 = 1_000_000;

/// How many categories the demo products are dealt out to.
pub(super) const CATEGORIES: u64 = SHELVES.len() as u64;

/// The shelves in the order in which products are dealt out to them: product 1 is fruit, product 2 is a vegetable, product 9 is
/// fruit again.
const SHELVES: [Shelf; 8] = [
    fruit::SHELF,
    vegetables::SHELF,
    meat::SHELF,
    dairy::SHELF,
    bread::SHELF,
    drinks::SHELF,
    sweets::SHELF,
    frozen::SHELF,
];

/// A product of the demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoProduct {
    /// Its number.
    pub id: ProductId,
    /// The slug of its category.
    pub category: &'static str,
    /// What it is called.
    pub name: LocalizedText,
    /// What is said about it.
    pub description: LocalizedText,
    /// What it costs.
    pub price: Money,
    /// How many pieces there are at first.
    pub stock: i32,
}

/// The demo product with this number. It depends on nothing else, so that a seed of 30,000 products begins with the very products
/// of a seed of 20,000.
pub fn product(id: ProductId) -> DemoProduct {
    let number = id.get().unsigned_abs() - 1;
    let shelves = SHELVES.len() as u64;
    let shelf = &SHELVES[index(number % shelves)];
    let Variant { kind, maker, pack, series } = shelf.variant(number / shelves);

    let chance = scatter(number).to_le_bytes();
    let percent = i64::from(pack.percent) * (90 + i64::from(chance[0] % 21));
    // Prices end in ninety kopeks, as in a shop.
    let price = kind.price * percent / 10_000 / 100 * 100 + 90;
    let stock = 200 + i32::from(chance[1]) * 3;
    let quality = shelf.qualities[usize::from(chance[2]) % shelf.qualities.len()];
    let hint = shelf.hints[usize::from(chance[3]) % shelf.hints.len()];

    let (series_en, series_ru) = match series {
        0 => (String::new(), String::new()),
        more => (format!(", series {}", more + 1), format!(", серия {}", more + 1)),
    };
    DemoProduct {
        id,
        category: shelf.slug,
        name: LocalizedText {
            en: format!("{}, {}, {}{series_en}", kind.name.0, maker.0, pack.name.0),
            ru: format!("{}, «{}», {}{series_ru}", kind.name.1, maker.1, pack.name.1),
        },
        description: LocalizedText {
            en: format!("{} by {}, {}. {} {}", kind.name.0, maker.0, pack.name.0, quality.0, hint.0),
            ru: format!("{}, производитель «{}», {}. {} {}", kind.name.1, maker.1, pack.name.1, quality.1, hint.1),
        },
        price: Money::rub(price),
        stock,
    }
}

/// Spreads neighbouring numbers over the whole range (the finaliser of `SplitMix64`).
pub(super) const fn scatter(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// A place in one of the lists, all of which are far shorter than any `usize`.
#[expect(clippy::cast_possible_truncation, reason = "the remainder of a division by a list's length")]
const fn index(remainder: u64) -> usize {
    remainder as usize
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn assortment(products: i64) -> impl Iterator<Item = DemoProduct> {
        (1..=products).map(|id| product(ProductId::new(id).expect("positive")))
    }

    #[test]
    fn the_first_product_is_the_same_for_ever() {
        let first = assortment(1).next().expect("there is one");
        insta::assert_debug_snapshot!(first);
    }

    #[test]
    fn twenty_thousand_products_fill_eight_categories_evenly_and_no_two_share_a_name() {
        let (mut names, mut counts) = (BTreeSet::new(), BTreeMap::<_, u32>::new());
        for product in assortment(20_000) {
            assert!(product.price.amount > 0 && product.stock > 0, "{product:?}");
            *counts.entry(product.category).or_default() += 1;
            assert!(names.insert(product.name.en) && names.insert(product.name.ru), "{}", product.id);
        }
        assert_eq!(counts.len(), 8);
        assert!(counts.values().all(|count| *count == 2500), "{counts:?}");
    }

    #[test]
    fn names_stay_distinct_beyond_the_word_lists() {
        let names: BTreeSet<_> = assortment(60_000).map(|product| product.name.en).collect();
        assert_eq!(names.len(), 60_000);
    }
}
