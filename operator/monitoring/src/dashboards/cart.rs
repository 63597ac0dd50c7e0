//! Carts and checkouts, with what they mean for the business.

use super::parts::{job, rate};
use super::service;
use crate::grafana::{Dashboard, Level, Panel, Target, Unit};
use crate::promql::{Job, Window, number};

const OPERATIONS: &str = "cart_operations_total";
const CHECKOUTS: &str = "cart_checkouts_total";

pub(super) fn dashboard() -> Dashboard {
    service::dashboard(Job::Cart, "shop-cart", "Cart", "Carts, and the checkouts that make orders of them.")
        .row("Business", business())
        .row("Checkouts", checkouts())
        .row("Other services", service::siblings(Job::Cart))
        .row("Caches", service::caches(Job::Cart))
        .row("Database", service::database(Job::Cart))
        .row("Events", service::events(Job::Cart))
}

fn business() -> Vec<Panel> {
    let cart = &job(Job::Cart);
    let shown = |name: &str, label: &'static str, value: &str| {
        cart.metric(name).labelled(label, value).increase(Window::Shown).sum(&[])
    };
    let done = || shown(CHECKOUTS, "outcome", "done");
    vec![
        Panel::figure("Orders", Unit::Count)
            .about("Checkouts that became orders in the time shown. Bad: none while carts are filled.")
            .wide(6)
            .with(Target::new(&done(), "orders")),
        Panel::figure("Refused checkouts", Unit::Share)
            .about("The share of checkouts that were refused: sold out, repriced, not sold any more. Bad: more than a few.")
            .levels([Level::Odd(0.1), Level::Bad(0.5)])
            .wide(6)
            .with(Target::new(
                &shown(CHECKOUTS, "outcome", "refused").share_if_any_of(&(done() + shown(CHECKOUTS, "outcome", "refused"))),
                "refused",
            )),
        Panel::figure("Additions that are bought", Unit::Share)
            .about("Orders for each addition to a cart, in the time shown. Bad: it falls: customers fill carts and leave.")
            .wide(6)
            .with(Target::new(&done().share_of(&shown(OPERATIONS, "operation", "add")), "bought")),
        Panel::figure("Carts left behind", Unit::Count)
            .about("Carts that nobody touched for so long that they were deleted, in the time shown. Bad: nothing by itself.")
            .wide(6)
            .with(Target::new(&shown(OPERATIONS, "operation", "expire"), "left")),
        Panel::areas("What is done with carts", Unit::PerSecond)
            .about("Operations on carts a second. Bad: additions without checkouts, or no additions while pages are looked at.")
            .wide(12)
            .with(Target::new(&rate(cart, OPERATIONS, &["operation"]), "{{operation}}")),
        Panel::lines("Orders a minute", Unit::PerMinute)
            .about("Checkouts that ended, done or refused. Bad: done falls while refused rises.")
            .wide(12)
            .with(Target::new(&(rate(cart, CHECKOUTS, &["outcome"]) * number(60.0)), "{{outcome}}")),
    ]
}

fn checkouts() -> Vec<Panel> {
    let cart = &job(Job::Cart);
    vec![
        Panel::lines("Checkouts on their way", Unit::Count)
            .about("Checkouts that were begun and have not ended, over all pods. Bad: it grows: a step of them fails.")
            .wide(12)
            .with(Target::new(&cart.metric("cart_checkouts_open").now().max(&[]), "open")),
        Panel::lines("Oldest checkout on its way", Unit::Seconds)
            .about("How long ago the oldest of them was begun. Bad: more than a few seconds; see the alert CheckoutsStuck.")
            .wide(12)
            .with(Target::new(&cart.metric("cart_checkout_oldest_seconds").now().max(&[]), "oldest")),
    ]
}
