//! The caches of the shop.

use serde::{Deserialize, Serialize};
use strum::{EnumIter, IntoEnumIterator as _};

/// A cache of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, EnumIter)]
#[serde(rename_all = "camelCase")]
pub enum CacheName {
    /// What sells best.
    Bestsellers,
    /// What a customer may like.
    Recommendations,
    /// Flash sales that run.
    FlashSales,
    /// The best comments of a product.
    TopComments,
    /// Products by id.
    Products,
    /// A customer's profile.
    UserProfile,
    /// Carts.
    Cart,
}

/// There is no cache of that name. The message lists those that there are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no cache {asked:?}; there are {}", CacheName::list())]
pub struct UnknownCache {
    /// The name that was asked for.
    pub asked: String,
}

impl CacheName {
    /// The name in a Store, in metrics and in keys: `flashSales`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bestsellers => "bestsellers",
            Self::Recommendations => "recommendations",
            Self::FlashSales => "flashSales",
            Self::TopComments => "topComments",
            Self::Products => "products",
            Self::UserProfile => "userProfile",
            Self::Cart => "cart",
        }
    }

    /// Every cache.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::iter()
    }

    /// The cache of this name, written as in a Store (`flashSales`) or with dashes (`flash-sales`).
    pub fn parse(asked: &str) -> Result<Self, UnknownCache> {
        let plain =
            |name: &str| name.chars().filter(|c| !matches!(c, '-' | '_')).collect::<String>().to_ascii_lowercase();
        let wanted = plain(asked);
        Self::iter().find(|name| plain(name.as_str()) == wanted).ok_or_else(|| {
            let shown: String = asked.chars().take(64).collect();
            UnknownCache { asked: shown }
        })
    }

    /// The names of all caches, for people.
    pub fn list() -> String {
        Self::all().map(Self::as_str).collect::<Vec<_>>().join(", ")
    }
}

impl std::fmt::Display for CacheName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_is_found_by_either_spelling_and_an_unknown_one_gets_the_list() {
        assert_eq!(CacheName::parse("flash-sales"), Ok(CacheName::FlashSales));
        assert_eq!(CacheName::parse("flashSales"), Ok(CacheName::FlashSales));
        let error = CacheName::parse("lies").unwrap_err().to_string();
        assert!(error.contains("lies") && CacheName::all().all(|name| error.contains(name.as_str())), "{error}");
    }

    #[test]
    fn the_name_is_the_same_in_json() {
        for name in CacheName::all() {
            assert_eq!(serde_json::to_string(&name).unwrap(), format!("\"{name}\""));
        }
    }
}
