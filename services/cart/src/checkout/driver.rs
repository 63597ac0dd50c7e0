//! The driver: takes a checkout from step to step until it ends or a step has no outcome. The request and the sweeper use the same.
//!
//! Each step is asked for first and written down afterwards; between the two the process may die, and whoever comes next asks again.
//! That is why every step is one that can be repeated, and why two drivers of one checkout (after a long pause of one of them) do no
//! harm: each writes down only the step after the state that it found.

use std::time::Duration;

use shop_runtime::span::Span;
use shop_runtime::{Chain, Problem, request_id};
use shop_types::{OrderLine, OrderStatus};
use sqlx::{PgConnection, PgPool};

use crate::cached::{CartCache, Quote};
use crate::domain::cart::Item;
use crate::domain::checkout::{Answer, Checkout, Receipt, Refusal, State, total};
use crate::domain::owner::CartOwner;
use crate::error::Error;
use crate::metrics::CartMetrics;
use crate::siblings::catalog::Catalog;
use crate::siblings::orders::Orders;
use crate::store::checkouts::Finished;
use crate::store::{carts, checkouts};

/// How long a checkout belongs to a driver, and how long it rests.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// A driver that has not written anything down for so long is taken for dead. Longer than a step can take with all its retries.
    pub lease: Duration,
    /// How long a checkout rests after a step without an outcome; doubled with every further one.
    pub first_rest: Duration,
    /// The longest rest.
    pub longest_rest: Duration,
    /// A checkout that has taken so long, and of which no order was asked for yet, is given up.
    pub deadline: Duration,
}

impl Timing {
    fn rest(&self, attempts: i32) -> Duration {
        let doublings = u32::try_from(attempts).unwrap_or(0).min(16);
        self.first_rest.saturating_mul(1 << doublings).min(self.longest_rest)
    }
}

/// Drives checkouts.
#[derive(Debug)]
pub struct Driver {
    db: PgPool,
    catalog: Catalog,
    orders: Orders,
    carts: CartCache,
    timing: Timing,
    metrics: CartMetrics,
}

impl Driver {
    /// A driver over these siblings.
    pub const fn new(
        db: PgPool,
        catalog: Catalog,
        orders: Orders,
        carts: CartCache,
        timing: Timing,
        metrics: CartMetrics,
    ) -> Self {
        Self { db, catalog, orders, carts, timing, metrics }
    }

    /// How it treats checkouts.
    pub const fn timing(&self) -> Timing {
        self.timing
    }

    /// Takes the checkout to its end; or, if a step has no outcome, lets it rest and tells why.
    pub async fn advance(&self, mut checkout: Checkout) -> Result<Answer, Error> {
        loop {
            if let Some(answer) = checkout.final_answer() {
                return Ok(answer.clone());
            }
            let state = checkout.state;
            let span = Span::internal("checkout.step").described(|open| open.set("checkout.state", state.as_str()));
            checkout = match span.run(self.step(&checkout)).await {
                Ok(next) => next,
                Err(error) => {
                    self.stall(&checkout, &error).await;
                    return Err(error);
                }
            };
        }
    }

    /// Does the next step and writes it down; the checkout as it is then, also if another driver was faster.
    async fn step(&self, checkout: &Checkout) -> Result<Checkout, Error> {
        let next = if checkout.is_to_be_given_up(self.timing.deadline) {
            refused(checkout, &Refusal::GivenUp)
        } else {
            self.ask(checkout).await?
        };
        if self.write_down(checkout.state, &next).await? {
            if next.state.is_final() {
                self.metrics.ended(next.state == State::Done);
                tracing::info!(order_id = %next.order_id, state = %next.state, "checkout ended");
            }
            return Ok(next);
        }
        let broken = Error::Broken { order: checkout.order_id, what: "it is not there any more" };
        checkouts::get(&self.db, checkout.order_id).await?.ok_or(broken)
    }

    /// Asks a sibling for what the state says; the checkout as it is to be afterwards.
    async fn ask(&self, now: &Checkout) -> Result<Checkout, Error> {
        match now.state {
            State::Reserving => match self.catalog.reserve(now.order_id, &now.items).await? {
                Ok(lines) => {
                    let reserved = reserved(now, lines)?;
                    // Not written down in between: whoever comes after this reserves again, and gets the same answer.
                    if reserved.state == State::Committing { self.sell(&reserved).await } else { Ok(reserved) }
                }
                Err(refusal) => Ok(refused(now, &self.told_whole(now, refusal).await)),
            },
            State::Committing => self.sell(now).await,
            State::Ordering => {
                let lines = priced(now)?;
                let total = total(lines)?;
                match self.orders.create(now.order_id, now.user_id, lines, total).await? {
                    Ok(made) if made == now.order_id => done(now),
                    Ok(_) => Err(Error::WrongAnswer { sibling: "order" }),
                    Err(refusal) => Ok(refused(now, &refusal)),
                }
            }
            State::Releasing => {
                self.catalog.release(now.order_id).await?;
                Ok(Checkout { state: State::Refused, ..now.clone() })
            }
            State::Done | State::Refused => Ok(now.clone()),
        }
    }

    /// Tells the catalog that what it has set aside is sold. That this was done is written down before the order is asked for: from then on the
    /// checkout is not given up any more.
    async fn sell(&self, now: &Checkout) -> Result<Checkout, Error> {
        Ok(match self.catalog.commit(now.order_id).await? {
            Ok(()) => Checkout { state: State::Ordering, ..now.clone() },
            Err(refusal) => refused(now, &refusal),
        })
    }

    /// The catalog refuses for one reason. The customer is told of all the others at once too, as far as the catalog says.
    async fn told_whole(&self, now: &Checkout, refusal: Refusal) -> Refusal {
        let Refusal::Lines(lines) = refusal else { return refusal };
        let products: Vec<_> = now.items.iter().map(|item| item.product_id).collect();
        match self.catalog.quote(&products).await {
            Ok(products) => Refusal::Lines(now.expectation.all_that_is_wrong(&now.items, lines, &products)),
            Err(_) => Refusal::Lines(lines),
        }
    }

    /// Writes the step down. With the end of a checkout its lines leave the cart, in the same transaction.
    async fn write_down(&self, from: State, next: &Checkout) -> Result<bool, Error> {
        if next.state != State::Done {
            return Ok(checkouts::move_on(&self.db, from, next, self.timing.lease).await?);
        }
        let cart = CartOwner::from(next.user_id);
        let written = self.carts.change([cart], async |change| {
            let statement = async |db: &mut PgConnection| checkouts::finish(db, from, next, self.timing.lease).await;
            let value = |finished: &Finished| {
                if finished.ended { Quote::default().value(cart, &finished.left) } else { Vec::new() }
            };
            if let Some(finished) = change.commit_by(statement, value).await? {
                return Ok(finished.ended);
            }
            // Something has come into the cart, and stays.
            let db = change.transaction().await?;
            // The cart first, as everyone who changes it does; so nobody waits in a circle.
            carts::touch(db, cart).await?;
            if !checkouts::move_on(&mut *db, from, next, self.timing.lease).await? {
                return Ok(false);
            }
            carts::consume(db, cart, next.cart_version, &next.items).await?;
            // What is left, if anything, is priced when it is read.
            let left = carts::read(db, cart).await?.unwrap_or_default();
            let left = Quote::default().value(cart, &left);
            change.commit(left).await?;
            Ok(true)
        });
        written.await
    }

    /// Lets a checkout rest whose step had no outcome. If even that can't be written down, its lease runs out.
    async fn stall(&self, checkout: &Checkout, error: &Error) {
        let rest = self.timing.rest(checkout.attempts);
        let reason = Chain(error).to_string();
        tracing::warn!(
            order_id = %checkout.order_id, state = %checkout.state, attempts = checkout.attempts + 1,
            rest_ms = rest.as_millis(), error = reason, "a step of a checkout had no outcome"
        );
        if let Err(error) = checkouts::postpone(&self.db, checkout, &reason, rest).await {
            tracing::warn!(order_id = %checkout.order_id, %error, "can't note that a checkout rests");
        }
    }
}

/// The stock is set aside: the lines have prices now.
fn reserved(now: &Checkout, lines: Vec<OrderLine>) -> Result<Checkout, Error> {
    let mut wanted = now.items.clone();
    let mut got: Vec<_> =
        lines.iter().map(|line| Item { product_id: line.product_id, quantity: line.quantity }).collect();
    wanted.sort_by_key(|item| item.product_id);
    got.sort_by_key(|item| item.product_id);
    if wanted != got {
        return Err(Error::WrongAnswer { sibling: "catalog" });
    }
    let total = match total(&lines) {
        Ok(total) => total,
        Err(error) => return Ok(refused(now, &Refusal::Price(error))),
    };
    // Only now: these prices are fixed, while all that was known before may have changed since.
    Ok(match now.expectation.disappointed(&lines, total) {
        None => Checkout { state: State::Committing, priced: Some(lines), ..now.clone() },
        Some(lines) => {
            let expected_total = now.expectation.total;
            refused(now, &Refusal::PriceChanged { lines, expected_total, total })
        }
    })
}

/// There will be no order; what the client will be told is certain, once everything is given back.
fn refused(now: &Checkout, refusal: &Refusal) -> Checkout {
    let problem = Problem::from(refusal);
    let answer = Answer {
        status: problem.status().as_u16(),
        body: problem.to_json(request_id::current().as_deref()).to_string().into_bytes(),
    };
    Checkout { state: State::Releasing, answer: Some(answer), ..now.clone() }
}

/// The order is made.
fn done(now: &Checkout) -> Result<Checkout, Error> {
    let lines = priced(now)?;
    let receipt = Receipt {
        order_id: now.order_id,
        status: OrderStatus::Created,
        cart_version: now.cart_version,
        lines: lines.to_vec(),
        total: total(lines)?,
    };
    let body = serde_json::to_vec(&receipt).map_err(Error::Encode)?;
    Ok(Checkout { state: State::Done, answer: Some(Answer { status: 201, body }), ..now.clone() })
}

fn priced(checkout: &Checkout) -> Result<&[OrderLine], Error> {
    checkout.priced.as_deref().ok_or(Error::Broken { order: checkout.order_id, what: "it has no prices" })
}
