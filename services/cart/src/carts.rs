//! Reading and changing carts: the change is announced to the cache, the catalog is asked, then one transaction changes the cart.

mod merge;
mod repeated;

use std::sync::Arc;

use shop_cache::{CacheStatus, Served};
use shop_runtime::conditional::IfMatch;
use shop_runtime::traced;
use shop_types::{ProductId, Quantity, UserId};
use sqlx::{PgConnection, PgExecutor};

pub use self::merge::Merged;
use crate::cached::{CartCache, Quote};
use crate::domain::cart::{Cart, CartLine, ChangedLine, Contents, Item, LineRefusal, Product};
use crate::domain::idempotency::{Fingerprint, IdempotencyKey};
use crate::domain::merge::LeftOut;
use crate::domain::owner::{AnonymousId, CartOwner};
use crate::error::{Error, check_version};
use crate::metrics::{CartMetrics, Operation};
use crate::store::carts::{Kept, Offer, Standing};
use crate::store::{additions, carts};

/// The customers' carts.
#[derive(Clone, Debug)]
pub struct Carts {
    cache: CartCache,
    metrics: CartMetrics,
}

/// An addition that has a name, so that it is made once however often it is asked for.
#[derive(Clone, Copy)]
struct Named<'a> {
    key: &'a IdempotencyKey,
    fingerprint: Fingerprint,
}

impl Carts {
    /// The carts behind this cache.
    pub const fn new(cache: CartCache, metrics: CartMetrics) -> Self {
        Self { cache, metrics }
    }

    /// The cart with the catalog's names, prices and stock, and how it came about. Nobody's cart is an empty one.
    #[traced("get_cart")]
    pub async fn read(&self, owner: Option<CartOwner>) -> Result<(Option<CacheStatus>, Arc<Cart>), Error> {
        let (status, cart) = match owner {
            Some(owner) => {
                let Served { value, status } = self.cache.cache().get(&owner).await?;
                (Some(status), value)
            }
            None => (None, None),
        };
        let cart = match cart {
            Some(cart) => cart,
            None => Arc::new(Cart::price(owner, &Contents::default(), &[])?),
        };
        self.metrics.did(Operation::Read);
        Ok((status, cart))
    }

    /// How an anonymous cart stands, if there is such a cart.
    pub async fn standing(&self, cart: AnonymousId) -> Result<Option<Standing>, Error> {
        Ok(carts::standing(self.cache.db(), cart).await?)
    }

    /// Puts more pieces of a product into the cart, as long as the catalog has as many as are in it then; under a key once, and with the
    /// same answer for whoever asks again.
    #[traced("add_to_cart")]
    pub async fn add(
        &self,
        owner: CartOwner,
        item: Item,
        seen: &IfMatch,
        key: Option<&IdempotencyKey>,
    ) -> Result<ChangedLine, Error> {
        let named = key.map(|key| Named { key, fingerprint: Fingerprint::of_addition(item) });
        // Asked at first without any lock, so that a retry is answered even while the catalog is away.
        if let Some(answer) = made_before(self.cache.db(), owner, named).await? {
            return Ok(answer);
        }
        let wanted = |there| there + i64::from(item.quantity);
        let (changed, is_new) = self
            .put(
                owner,
                item.product_id,
                seen,
                named,
                wanted,
                async |db: &mut PgConnection, version: i64, product: &Product| {
                    if let Some(quantity) = carts::add(db, owner, version, item, offer(product)).await? {
                        return Ok(quantity);
                    }
                    let there = carts::quantity(db, owner, item.product_id).await?;
                    let wanted = there.map_or(0, i64::from) + i64::from(item.quantity);
                    Err(Error::Line(item.product_id, LineRefusal::explain(wanted, product.stock)))
                },
            )
            .await?;
        if is_new {
            self.metrics.did(Operation::Add);
        }
        Ok(changed)
    }

    /// Makes it so many pieces of a product, as long as the catalog has as many.
    #[traced("set_cart_line")]
    pub async fn set(&self, owner: CartOwner, item: Item, seen: &IfMatch) -> Result<ChangedLine, Error> {
        let wanted = |_| item.quantity.into();
        let set = self
            .put(
                owner,
                item.product_id,
                seen,
                None,
                wanted,
                async |db: &mut PgConnection, version: i64, product: &Product| {
                    if carts::set(db, owner, version, item, offer(product)).await? {
                        return Ok(item.quantity);
                    }
                    Err(Error::Line(item.product_id, LineRefusal::explain(item.quantity.into(), product.stock)))
                },
            )
            .await;
        let (changed, _) = match set {
            Ok(set) => set,
            Err(refused) => return self.set_before(owner, item, seen, refused).await,
        };
        self.metrics.did(Operation::Set);
        Ok(changed)
    }

    /// Puts a line of this product into the cart; false if a twin was faster. Nearly always nobody else changes the cart at the same moment, and
    /// the line can be had: then one statement is enough, which makes it so many pieces as are `wanted` where so many are there. Else the cart is
    /// locked, and `line` makes the line, says how many pieces it has then, or why it can't be had.
    async fn put(
        &self,
        owner: CartOwner,
        product: ProductId,
        seen: &IfMatch,
        named: Option<Named<'_>>,
        wanted: impl Fn(i64) -> i64,
        line: impl AsyncFnOnce(&mut PgConnection, i64, &Product) -> Result<Quantity, Error>,
    ) -> Result<(ChangedLine, bool), Error> {
        self.cache
            .change([owner], async |change| {
                let held = carts::read(self.cache.db(), owner).await?.unwrap_or_default();
                let quote = self.cache.quote_with(&held, product).await?;
                let product = quote.product(product)?;
                let next = held.with(product, wanted(held.pieces_of(product.id)));
                if let (Some((next, item)), None, Ok(())) = (next, named, check_version(seen, held.version)) {
                    let changed =
                        ChangedLine { version: next.version, line: CartLine::new(product, item.quantity, None)? };
                    let statement = async |db: &mut PgConnection| {
                        carts::put_line(db, owner, held.version, item, product.price).await
                    };
                    if change.commit_by(statement, |_| quote.value(owner, &next)).await?.is_some() {
                        return Ok((changed, true));
                    }
                }
                let db = change.transaction().await?;
                let version = carts::touch(db, owner).await?.ok_or(Error::CartMerged)?;
                if let Some(answer) = made_before(&mut *db, owner, named).await? {
                    return Ok((answer, false));
                }
                check_version(seen, version - 1)?;
                let quantity = line(db, version, product).await?;
                let changed = ChangedLine { version, line: CartLine::new(product, quantity, None)? };
                if let Some(Named { key, fingerprint }) = named {
                    additions::keep(db, owner, key, fingerprint, &changed).await?;
                }
                let value = quote.value(owner, &carts::read(db, owner).await?.unwrap_or_default());
                change.commit(value).await?;
                Ok((changed, true))
            })
            .await
    }

    /// Takes a product out of the cart; the cart's version afterwards. That it was not in it is no error: it is not in it afterwards.
    #[traced("remove_from_cart")]
    pub async fn remove(&self, owner: CartOwner, product: ProductId, seen: &IfMatch) -> Result<i64, Error> {
        let removed = self.cache.change([owner], async |change| {
            let quote = self.cache.quote_without(owner, Some(product)).await?;
            let db = change.transaction().await?;
            let version = carts::touch(db, owner).await?.ok_or(Error::CartMerged)?;
            check_version(seen, version - 1)?;
            if !carts::remove(db, owner, product).await? {
                return Ok((version - 1, false));
            }
            let value = quote.value(owner, &carts::read(db, owner).await?.unwrap_or_default());
            change.commit(value).await?;
            Ok((version, true))
        });
        let (version, removed) = match removed.await {
            Ok(removed) => removed,
            Err(refused) => return self.removed_before(owner, product, seen, refused).await,
        };
        if removed {
            self.metrics.did(Operation::Remove);
        }
        Ok(version)
    }

    /// Takes everything out of the cart, also what is told of a merge; the cart's version afterwards.
    #[traced("clear_cart")]
    pub async fn clear(&self, owner: CartOwner, seen: &IfMatch) -> Result<i64, Error> {
        let cleared = self.cache.change([owner], async |change| {
            let db = change.transaction().await?;
            let version = carts::touch(db, owner).await?.ok_or(Error::CartMerged)?;
            check_version(seen, version - 1)?;
            let had_lines = carts::clear(db, owner).await?;
            if !carts::dismiss_left_out(db, owner).await? && !had_lines {
                return Ok((version - 1, false));
            }
            change.commit(Quote::default().value(owner, &Contents { version, ..Contents::default() })).await?;
            Ok((version, had_lines))
        });
        let (version, cleared) = match cleared.await {
            Ok(cleared) => cleared,
            Err(refused) => return self.cleared_before(owner, seen, refused).await,
        };
        if cleared {
            self.metrics.did(Operation::Clear);
        }
        Ok(version)
    }

    /// What merges have left out, and the version of the cart: as the database has it, whatever the catalog does.
    pub async fn left_out(&self, user: UserId) -> Result<(i64, Vec<LeftOut>), Error> {
        let contents = carts::read(self.cache.db(), user.into()).await?.unwrap_or_default();
        Ok((contents.version, contents.left_out))
    }

    /// Tells no more of what a merge left out: the customer has seen it. The cart's version afterwards.
    pub async fn dismiss_left_out(&self, owner: CartOwner, seen: &IfMatch) -> Result<i64, Error> {
        let dismissed = self.cache.change([owner], async |change| {
            let quote = self.cache.quote_without(owner, None).await?;
            let db = change.transaction().await?;
            let version = carts::touch(db, owner).await?.ok_or(Error::CartMerged)?;
            check_version(seen, version - 1)?;
            if !carts::dismiss_left_out(db, owner).await? {
                return Ok(version - 1);
            }
            let value = quote.value(owner, &carts::read(db, owner).await?.unwrap_or_default());
            change.commit(value).await?;
            Ok(version)
        });
        match dismissed.await {
            Ok(version) => Ok(version),
            Err(refused) => self.dismissed_before(owner, seen, refused).await,
        }
    }

    /// Deletes up to `limit` carts that nobody has changed for too long; how many there were.
    pub async fn expire(&self, kept: Kept, limit: i64) -> Result<u64, Error> {
        let outdated = carts::outdated(self.cache.db(), kept, limit).await?;
        if outdated.is_empty() {
            return Ok(0);
        }
        let deleted = self.cache.change(outdated.iter().copied(), async |change| {
            let deleted = carts::delete_outdated(change.transaction().await?, &outdated, kept).await?;
            change.commit(Vec::new()).await?;
            Ok(deleted)
        });
        let deleted = deleted.await?;
        self.metrics.did_to(Operation::Expire, deleted);
        Ok(deleted)
    }
}

const fn offer(product: &Product) -> Offer {
    Offer { price: product.price, stock: product.stock }
}

/// The answer that was given under this name before; an error if it was given to another request.
async fn made_before(
    db: impl PgExecutor<'_>,
    owner: CartOwner,
    named: Option<Named<'_>>,
) -> Result<Option<ChangedLine>, Error> {
    let Some(Named { key, fingerprint }) = named else { return Ok(None) };
    match additions::find(db, owner, key, fingerprint).await? {
        Some(known) if known.same_request => Ok(Some(known.answer)),
        Some(_) => Err(Error::KeyReused),
        None => Ok(None),
    }
}
