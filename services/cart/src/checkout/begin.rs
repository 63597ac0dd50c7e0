//! The transaction that begins a checkout: what the cart holds, under which key it is ordered, and that nobody else orders it.

use std::time::Duration;

use shop_runtime::conditional::IfMatch;
use shop_runtime::trace;
use shop_types::UserId;
use sqlx::PgConnection;

use crate::domain::checkout::{Checkout, CheckoutRequest};
use crate::domain::expectation::Expectation;
use crate::domain::idempotency::{Fingerprint, IdempotencyKey};
use crate::domain::owner::CartOwner;
use crate::error::{Error, check_version};
use crate::store::carts::{self, ToOrder};
use crate::store::checkouts::{self, Known};

/// What a request for a checkout meets.
pub(super) enum Begun {
    /// It is the first under its key, and now its checkout is on its way.
    New(Checkout),
    /// Its twin was faster.
    Known(Checkout),
}

/// What a customer asks for.
#[derive(Clone, Copy)]
pub(super) struct Wish<'a> {
    /// The request's body.
    pub(super) request: &'a CheckoutRequest,
    /// The versions of the cart that it is meant for.
    pub(super) seen: &'a IfMatch,
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
    wish: Wish<'_>,
    lease: Duration,
) -> Result<Begun, Error> {
    let cart = CartOwner::from(user);
    let Some(version) = carts::lock(&mut *db, cart).await? else {
        check_version(wish.seen, 0)?;
        return Err(Error::CartEmpty);
    };
    let ToOrder { contents, known, on_its_way } = carts::to_order(&mut *db, user, key).await?;
    if known && let Some(known) = checkouts::find(&mut *db, user, key, fingerprint).await? {
        return same_wish(known).map(Begun::Known);
    }
    if let Some(other) = on_its_way {
        return Err(Error::OtherInFlight(other));
    }
    check_version(wish.seen, version)?;
    if wish.request.cart_version.is_some_and(|seen| seen != version) {
        return Err(Error::CartChanged(version));
    }
    if contents.lines.is_empty() {
        return Err(Error::CartEmpty);
    }
    let expectation = Expectation::of(wish.request, &contents);
    let trace = trace::written();
    let request = checkouts::Request { user, key, fingerprint, trace: trace.as_deref() };
    let begun = checkouts::begin(db, request, &contents, expectation, lease).await?;
    Ok(Begun::New(begun))
}
