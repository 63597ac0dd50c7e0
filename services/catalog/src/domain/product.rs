//! A product and how it may change.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shop_types::{FlashSaleId, LocalizedText, Money, ProductId};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// A product as everyone may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Product {
    /// Its number.
    pub id: ProductId,
    /// What it is called.
    pub name: LocalizedText,
    /// What is said about it.
    pub description: LocalizedText,
    /// The slug of its category.
    #[schema(example = "fruit")]
    pub category: String,
    /// What one piece costs now, while a flash sale runs that is its price.
    pub price: Money,
    /// The flash sale that makes the price what it is; null when none does.
    pub sale: Option<RunningSale>,
    /// How many pieces can still be bought.
    #[schema(example = 100)]
    pub stock: i32,
    /// Grows with every change, also of the stock.
    #[schema(example = 1)]
    pub version: i64,
}

/// What of a product matters to who sells it: a quote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Quoted {
    /// Its number.
    pub id: ProductId,
    /// What it is called.
    pub name: LocalizedText,
    /// What one piece costs now.
    pub price: Money,
    /// How many pieces can still be bought.
    #[schema(example = 100)]
    pub stock: i32,
}

/// The flash sale that a product's price comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunningSale {
    /// Which sale.
    pub id: FlashSaleId,
    /// What one piece costs otherwise.
    pub regular_price: Money,
    /// When the price rises again.
    #[serde(with = "time::serde::rfc3339")]
    pub ends_at: OffsetDateTime,
}

/// A product, and how long it stays as it is if nobody changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The product.
    pub product: Product,
    /// The time until a flash sale starts or ends; none if none is planned or running.
    pub holds_for: Option<Duration>,
}

/// A product before it has a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewProduct {
    /// What it is called.
    pub name: LocalizedText,
    /// What is said about it.
    pub description: LocalizedText,
    /// The slug of its category.
    pub category: String,
    /// What one piece costs.
    pub price: Money,
    /// How many pieces there are.
    pub stock: i32,
}

/// What is to become different; what is none stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProductChange {
    /// A new name.
    pub name: Option<LocalizedText>,
    /// A new description.
    pub description: Option<LocalizedText>,
    /// The slug of another category.
    pub category: Option<String>,
    /// Another price.
    pub price: Option<Money>,
    /// What becomes of the stock.
    pub stock: Option<StockChange>,
}

impl From<NewProduct> for ProductChange {
    /// Everything becomes as it is here.
    fn from(new: NewProduct) -> Self {
        let NewProduct { name, description, category, price, stock } = new;
        Self {
            name: Some(name),
            description: Some(description),
            category: Some(category),
            price: Some(price),
            stock: Some(StockChange::Set(stock)),
        }
    }
}

impl ProductChange {
    /// Whether nothing else becomes different.
    pub const fn is_of_stock_only(&self) -> bool {
        let Self { name, description, category, price, stock: _ } = self;
        name.is_none() && description.is_none() && category.is_none() && price.is_none()
    }
}

/// How an administrator changes what can be bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockChange {
    /// Exactly so many from now on. Whatever was sold since the administrator looked is forgotten, unless the change is tied to a
    /// version.
    Set(i32),
    /// So many more, or fewer if negative; right whatever was sold meanwhile.
    Add(i32),
}

/// The change would leave a stock that can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stock of {available} cannot be changed by {by}: it would leave 0 to 2,147,483,647")]
pub struct StockRangeError {
    /// What there is.
    pub available: i32,
    /// By how much it should have changed.
    pub by: i32,
}

impl Product {
    /// The name of the state that it is in, for whoever wants to know whether it has changed: its version, and its price while a sale runs,
    /// since that begins and ends by the clock.
    pub fn state(&self) -> String {
        match self.sale {
            None => self.version.to_string(),
            Some(_) => format!("{}-{}", self.version, self.price.amount),
        }
    }

    /// The product at its regular price after the change, but for its version, which the database counts.
    pub fn changed(mut self, change: ProductChange) -> Result<Self, StockRangeError> {
        let ProductChange { name, description, category, price, stock } = change;
        self.stock = match stock {
            None => self.stock,
            Some(StockChange::Set(pieces)) => pieces,
            Some(StockChange::Add(by)) => self
                .stock
                .checked_add(by)
                .filter(|left| *left >= 0)
                .ok_or(StockRangeError { available: self.stock, by })?,
        };
        self.name = name.unwrap_or(self.name);
        self.description = description.unwrap_or(self.description);
        self.category = category.unwrap_or(self.category);
        self.price = price.unwrap_or(self.price);
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> LocalizedText {
        LocalizedText { en: text.to_owned(), ru: text.to_owned() }
    }

    fn apples() -> Product {
        Product {
            id: ProductId::new(1).expect("positive"),
            name: text("Apples"),
            description: text("Red."),
            category: "fruit".to_owned(),
            price: Money::rub(100),
            sale: None,
            stock: 10,
            version: 3,
        }
    }

    #[test]
    fn what_a_change_does_not_name_stays() {
        let change = ProductChange { price: Some(Money::rub(90)), ..ProductChange::default() };
        let changed = apples().changed(change).expect("is allowed");
        assert_eq!(changed, Product { price: Money::rub(90), ..apples() });
    }

    #[test]
    fn stock_can_be_added_and_taken_but_never_falls_below_zero_or_overflows() {
        let by = |by| ProductChange { stock: Some(StockChange::Add(by)), ..ProductChange::default() };
        assert_eq!(apples().changed(by(-10)).map(|product| product.stock), Ok(0));
        assert_eq!(apples().changed(by(5)).map(|product| product.stock), Ok(15));
        assert_eq!(apples().changed(by(-11)), Err(StockRangeError { available: 10, by: -11 }));
        assert_eq!(apples().changed(by(i32::MAX)), Err(StockRangeError { available: 10, by: i32::MAX }));
    }
}
