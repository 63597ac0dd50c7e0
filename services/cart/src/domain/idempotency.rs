//! The name of a wish, and what was wished for under it.

use std::str::FromStr;

use sha2::{Digest as _, Sha256};
use shop_types::Money;

use super::cart::Item;
use super::checkout::CheckoutRequest;

/// What a request asks for, in few bytes: two requests under one key must not differ in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a checkout, however it was spelled. It never changes for a request that was possible before: the retry of a
    /// checkout may come after an upgrade.
    pub fn of_checkout(request: &CheckoutRequest) -> Self {
        let version = request.cart_version.map_or_else(|| "any".to_owned(), |version| version.to_string());
        let money = |money: Money| format!("{} {}", money.amount, money.currency.code());
        let mut prices = request.expected_prices.clone();
        prices.sort_unstable_by_key(|price| price.product_id);
        let mut text = vec![format!("checkout v1, cart version {version}")];
        text.extend(request.expected_total.map(|total| format!(", total {}", money(total))));
        text.extend(prices.iter().map(|it| format!(", product {} for {}", it.product_id, money(it.unit_price))));
        let text = text.concat();
        Self(Sha256::digest(text).into())
    }

    /// The fingerprint of pieces that are put into a cart.
    pub fn of_addition(item: Item) -> Self {
        Self(Sha256::digest(format!("add v1, {} of product {}", item.quantity, item.product_id)).into())
    }

    /// The bytes to keep.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The name that a client gives to one wish, so that asking twice is not wishing twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// The text cannot be an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key has from 1 to {} visible ASCII characters", IdempotencyKey::MAX_LENGTH)]
pub struct IdempotencyKeyError;

impl IdempotencyKey {
    /// The longest key.
    pub const MAX_LENGTH: usize = 255;

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = IdempotencyKeyError;

    /// Reads the header's value, in quotes (as the draft of the standard has it) or without.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let key = text.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(text);
        let fits = (1..=Self::MAX_LENGTH).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(key.to_owned())) } else { Err(IdempotencyKeyError) }
    }
}

#[cfg(test)]
mod tests {
    use shop_types::{ProductId, Quantity};

    use super::*;
    use crate::domain::expectation::ExpectedPrice;

    #[test]
    fn a_key_is_the_same_with_and_without_quotes() {
        assert_eq!("\"abc-1\"".parse::<IdempotencyKey>(), "abc-1".parse());
        for bad in ["", "\"\"", "a b", "ключ", &"x".repeat(256)] {
            assert_eq!(bad.parse::<IdempotencyKey>(), Err(IdempotencyKeyError), "{bad}");
        }
    }

    fn price(product: i64, amount: i64) -> ExpectedPrice {
        ExpectedPrice { product_id: ProductId::new(product).expect("positive"), unit_price: Money::rub(amount) }
    }

    #[test]
    fn requests_that_differ_in_anything_have_other_fingerprints() {
        let total = |amount| Some(Money::rub(amount));
        let of = |cart_version, expected_total, expected_prices: &[ExpectedPrice]| {
            let expected_prices = expected_prices.to_vec();
            Fingerprint::of_checkout(&CheckoutRequest { cart_version, expected_total, expected_prices })
        };
        let all = [
            of(None, None, &[]),
            of(Some(0), None, &[]),
            of(Some(7), None, &[]),
            of(Some(7), total(1), &[]),
            of(Some(7), total(2), &[]),
            of(Some(7), None, &[price(1, 2)]),
            of(Some(7), None, &[price(1, 3)]),
            of(Some(7), None, &[price(2, 2)]),
            of(Some(7), total(1), &[price(1, 2)]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(all[at + 1..].iter().all(|other| other != one), "the request at {at} has a twin");
        }
        let (one, other) = (price(1, 5), price(2, 6));
        assert_eq!(of(None, None, &[one, other]), of(None, None, &[other, one]), "the order of lines says nothing");
    }

    #[test]
    fn a_request_that_was_possible_before_prices_could_be_expected_has_the_fingerprint_that_it_had() {
        let request = CheckoutRequest { cart_version: Some(7), ..CheckoutRequest::default() };
        let before: [u8; 32] = Sha256::digest("checkout v1, cart version 7").into();
        assert_eq!(Fingerprint::of_checkout(&request).as_bytes(), &before);
        let before: [u8; 32] = Sha256::digest("checkout v1, cart version any").into();
        assert_eq!(Fingerprint::of_checkout(&CheckoutRequest::default()).as_bytes(), &before);
    }

    #[test]
    fn additions_of_other_products_or_quantities_have_other_fingerprints() {
        let of = |product, pieces| {
            let (product_id, quantity) = (ProductId::new(product), Quantity::new(pieces));
            let item = Item { product_id: product_id.expect("positive"), quantity: quantity.expect("in range") };
            Fingerprint::of_addition(item)
        };
        assert_eq!(of(1, 12), of(1, 12));
        assert_ne!(of(1, 12), of(2, 12));
        assert_ne!(of(1, 12), of(11, 2));
    }
}
