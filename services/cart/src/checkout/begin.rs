//! The transaction that begins a checkout: what the cart holds, under which key it is ordered, and that nobody else orders it.

use std::time::Duration;

use shop_types::UserId;
use sqlx::PgConnection;

use crate::domain::checkout::{Checkout, CheckoutRequest, Fingerprint, IdempotencyKey};
use crate::error::Error;
use crate::store::carts;
use crate::store::checkouts::{self, Known};

/// What a request for a checkout meets.
pub(super) enum Begun {
    /// It is the first under its key, and now its checkout is on its way.
    New(Checkout),
    /// Its twin was faster.
    Known(Checkout),
}

/// The checkout under a key, if that key was used for the same request.
pub(super) fn same_wish(known: Known) -> Result<Checkout, Error> {
    if known.same_request { Ok(known.checkout) } else { Err(Error::KeyReused) }
}

/// Begins a checkout, under the lock of the cart: twins come here one after the other, and no line changes meanwhile.
pub(super) async fn begin(
    db: &mut PgConnection,
    user: UserId,
    key: &IdempotencyKey,
    fingerprint: Fingerprint,
    request: CheckoutRequest,
    lease: Duration,
) -> Result<Begun, Error> {
    let version = carts::lock(&mut *db, user).await?.ok_or(Error::CartEmpty)?;
    if let Some(known) = checkouts::find(&mut *db, user, key, fingerprint).await? {
        return same_wish(known).map(Begun::Known);
    }
    if let Some(other) = checkouts::on_its_way(&mut *db, user).await? {
        return Err(Error::OtherInFlight(other));
    }
    if request.cart_version.is_some_and(|seen| seen != version) {
        return Err(Error::CartChanged(version));
    }
    let contents = carts::read(&mut *db, user).await?;
    if contents.items.is_empty() {
        return Err(Error::CartEmpty);
    }
    checkouts::begin(db, user, key, fingerprint, contents, lease).await.map(Begun::New).map_err(Error::from)
}
