//! An anonymous cart is taken into its customer's, once: both carts are changed in one transaction, and both are announced.

use shop_runtime::conditional::IfMatch;
use shop_types::UserId;

use super::Carts;
use crate::domain::cart::Item;
use crate::domain::merge::{LeftOut, Merge, left_out_together};
use crate::domain::owner::{AnonymousId, CartOwner};
use crate::error::{Error, check_version};
use crate::metrics::Operation;
use crate::store::carts::{self, Standing};

/// How often a merge begins anew because another tab has put something into one of the carts that the catalog was not asked for.
const ATTEMPTS: u32 = 5;

/// What a merge has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// What came into the customer's cart.
    pub taken: Vec<Item>,
    /// What found no place in it.
    pub left_out: Vec<LeftOut>,
}

enum Attempt {
    Done(Option<Merged>),
    /// Something came in meanwhile that nobody has a price of.
    Again,
}

impl Carts {
    /// Puts everything from an anonymous cart into the user's, as far as there is stock and place; none if there is no such cart, or if it
    /// was merged before. What is being ordered at the same time is left alone: a checkout takes out what it has ordered and no more.
    pub async fn merge(&self, user: UserId, guest: AnonymousId, seen: &IfMatch) -> Result<Option<Merged>, Error> {
        if self.standing(guest).await? != Some(Standing::Open) {
            return Ok(None);
        }
        // Asked once before the change is announced: a catalog that is away then costs nobody the cart that the cache has.
        self.cache.quote_both(user.into(), guest.into()).await?;
        for _ in 0..ATTEMPTS {
            if let Attempt::Done(merged) = self.try_merge(user.into(), guest, seen).await? {
                if merged.is_some() {
                    self.metrics.did(Operation::Merge);
                }
                return Ok(merged);
            }
        }
        Err(Error::CartBusy)
    }

    async fn try_merge(&self, owner: CartOwner, guest: AnonymousId, seen: &IfMatch) -> Result<Attempt, Error> {
        let guest_cart = CartOwner::from(guest);
        self.cache
            .change([owner, guest_cart], async |change| {
                let quote = self.cache.quote_both(owner, guest_cart).await?;
                let db = change.transaction().await?;
                // The user's cart first, everywhere: so nobody waits in a circle. Who comes second finds the other merged.
                carts::lock(db, owner).await?;
                if !carts::lock_open(db, guest).await? {
                    return Ok(Attempt::Done(None));
                }
                let guests = carts::read(&mut *db, guest_cart).await?.unwrap_or_default();
                if guests.lines.is_empty() {
                    carts::mark_merged(db, guest, owner).await?;
                    change.commit(Vec::new()).await?;
                    return Ok(Attempt::Done(Some(Merged::default())));
                }
                // Only now: a user without a cart had no row to be locked.
                let version = carts::touch(db, owner).await?.ok_or(Error::CartMerged)?;
                check_version(seen, version - 1)?;
                let own = carts::read(&mut *db, owner).await?.unwrap_or_default();
                if !quote.covers(&own) || !quote.covers(&guests) {
                    return Ok(Attempt::Again);
                }
                let Merge { lines, taken, left_out } = Merge::of(&own.lines, &guests.lines, quote.products());
                carts::put_lines(db, owner, version, &lines).await?;
                if !left_out.is_empty() {
                    carts::note_left_out(db, owner, &left_out_together(&own.left_out, &left_out)).await?;
                }
                carts::mark_merged(db, guest, owner).await?;
                let value = quote.value(owner, &carts::read(&mut *db, owner).await?.unwrap_or_default());
                change.commit(value).await?;
                Ok(Attempt::Done(Some(Merged { taken, left_out })))
            })
            .await
    }
}
