//! The customers that a demo shop has sales of before anyone has bought anything.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::UserId;

/// A customer of the demo: a number that a person can type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DemoCustomer(u16);

/// The number is not one of a demo customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a demo customer is a whole number from 1 to {}", DemoCustomer::MAX)]
pub struct DemoCustomerError;

impl DemoCustomer {
    /// The highest number of a demo customer.
    pub const MAX: u16 = 1000;

    /// What the identifiers of demo customers begin with: a UUID of version 8, whose content is free, so that it is never that of a
    /// person who registers (version 7).
    const FIRST: u128 = 0xde30_0000_0000_8000_8000_0000_0000_0000;

    /// Checks that the number can be one of a demo customer.
    pub const fn new(number: u16) -> Result<Self, DemoCustomerError> {
        if number >= 1 && number <= Self::MAX { Ok(Self(number)) } else { Err(DemoCustomerError) }
    }

    /// The number itself.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The customer's identifier: the same in every shop.
    pub fn user_id(self) -> UserId {
        UserId::from(Uuid::from_u128(Self::FIRST | u128::from(self.0)))
    }
}

impl From<DemoCustomer> for UserId {
    fn from(customer: DemoCustomer) -> Self {
        customer.user_id()
    }
}

impl fmt::Display for DemoCustomer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for DemoCustomer {
    type Err = DemoCustomerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map_err(|_| DemoCustomerError).and_then(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_demo_customers_identifier_never_changes_and_is_of_a_version_that_nobody_else_has() {
        let id = |number| DemoCustomer::new(number).map(|customer| customer.user_id().to_string());
        assert_eq!(id(1).as_deref(), Ok("de300000-0000-8000-8000-000000000001"));
        assert_eq!(id(1000).as_deref(), Ok("de300000-0000-8000-8000-0000000003e8"));
        assert_eq!(DemoCustomer(7).user_id().as_uuid().get_version_num(), 8);
        assert_eq!(DemoCustomer(7).user_id().as_uuid().get_variant(), uuid::Variant::RFC4122);
        assert_eq!(UserId::generate().as_uuid().get_version_num(), 7);
        let all: BTreeSet<_> = (1..=DemoCustomer::MAX).map(|number| DemoCustomer(number).user_id()).collect();
        assert_eq!(all.len(), 1000);
    }

    #[test]
    fn only_the_numbers_from_1_to_1000_are_demo_customers() {
        assert_eq!("200".parse(), Ok(DemoCustomer(200)));
        for bad in ["0", "1001", "-1", "65536", "1.5", "", "x"] {
            assert_eq!(bad.parse::<DemoCustomer>(), Err(DemoCustomerError), "{bad}");
        }
    }
}
