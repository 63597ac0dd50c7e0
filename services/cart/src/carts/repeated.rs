//! Changes that come a second time, for the version that their first time has ended.
//!
//! What a pod has done when it dies, the gateway asks another pod to do again, if it is a `PUT` or `DELETE`; and so does a client whose answer
//! was lost. With `If-Match` the second time finds a version that the first has made. That is no conflict if the cart is at the very next
//! version and as the request wants it: then the answer is that of the first time (RFC 9110, section 13.1.1).

use shop_runtime::conditional::IfMatch;
use shop_types::ProductId;

use super::Carts;
use crate::domain::cart::{CartLine, ChangedLine, Contents, Item};
use crate::domain::owner::CartOwner;
use crate::error::{Error, version_tag};
use crate::store::carts;

impl Carts {
    /// The answer to `set` of a line that is so already.
    pub(super) async fn set_before(
        &self,
        owner: CartOwner,
        item: Item,
        seen: &IfMatch,
        refused: Error,
    ) -> Result<ChangedLine, Error> {
        let is_so = |contents: &Contents| contents.lines.iter().any(|held| held.item == item);
        let version = self.made_by_former(owner, seen, refused, is_so).await?;
        let held = carts::read(self.cache.db(), owner).await?.unwrap_or_default();
        let quote = self.cache.quote_with(&held, item.product_id).await?;
        let line = CartLine::new(quote.product(item.product_id)?, item.quantity, None)?;
        Ok(ChangedLine { version, line })
    }

    /// The cart's version, if a product is out of it already.
    pub(super) async fn removed_before(
        &self,
        owner: CartOwner,
        product: ProductId,
        seen: &IfMatch,
        refused: Error,
    ) -> Result<i64, Error> {
        self.made_by_former(owner, seen, refused, |contents| contents.products().all(|held| held != product)).await
    }

    /// The cart's version, if it is empty already.
    pub(super) async fn cleared_before(&self, owner: CartOwner, seen: &IfMatch, refused: Error) -> Result<i64, Error> {
        let is_so = |contents: &Contents| contents.lines.is_empty() && contents.left_out.is_empty();
        self.made_by_former(owner, seen, refused, is_so).await
    }

    /// The cart's version, if nothing is told of a merge already.
    pub(super) async fn dismissed_before(
        &self,
        owner: CartOwner,
        seen: &IfMatch,
        refused: Error,
    ) -> Result<i64, Error> {
        self.made_by_former(owner, seen, refused, |contents| contents.left_out.is_empty()).await
    }

    /// The cart's version, if the request was meant for the one before and the cart is now as the request wants it; else what it was refused
    /// with.
    async fn made_by_former(
        &self,
        owner: CartOwner,
        seen: &IfMatch,
        refused: Error,
        is_so: impl FnOnce(&Contents) -> bool,
    ) -> Result<i64, Error> {
        let Error::OtherVersion(present) = refused else { return Err(refused) };
        if !seen.allows(Some(&version_tag(present - 1))) {
            return Err(refused);
        }
        let contents = carts::read(self.cache.db(), owner).await?.unwrap_or_default();
        if contents.version == present && is_so(&contents) { Ok(present) } else { Err(refused) }
    }
}
