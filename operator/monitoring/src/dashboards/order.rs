//! Orders: how many, how they move, how long they take, and whether they stand still.

use super::parts::{job, mean, quantile, rate};
use super::service;
use crate::grafana::{Dashboard, Panel, Target, Unit};
use crate::promql::{Job, Window, number};

pub(super) fn dashboard() -> Dashboard {
    service::dashboard(Job::Order, "shop-order", "Order", "Orders on their way from creation to delivery.")
        .row("Business", business())
        .row("On their way", moves())
        .row("Events", service::events(Job::Order))
        .row("Other services", service::siblings(Job::Order))
        .row("Database", service::database(Job::Order))
}

fn business() -> Vec<Panel> {
    let order = &job(Job::Order);
    let shown = |name: &str| order.metric(name).increase(Window::Shown).sum(&[]);
    let into =
        |state: &str| order.metric("order_transitions_total").labelled("to", state).increase(Window::Shown).sum(&[]);
    vec![
        Panel::figure("Orders made", Unit::Count)
            .about("Orders made in the time shown. Bad: none while checkouts end well.")
            .wide(6)
            .with(Target::new(&shown("orders_created_total"), "made")),
        Panel::figure("Orders delivered", Unit::Count)
            .about("Orders delivered in the time shown. Bad: far fewer than were made a delivery's time ago.")
            .wide(6)
            .with(Target::new(&into("DELIVERED"), "delivered")),
        Panel::figure("Cancelled", Unit::Share)
            .about("Orders cancelled for each that was made, in the time shown. Bad: it rises.")
            .wide(6)
            .with(Target::new(&into("CANCELLED").share_of(&shown("orders_created_total")), "cancelled")),
        Panel::figure("Followed live", Unit::Count)
            .about("Customers who follow an order at this moment. Bad: nothing by itself; each holds a connection.")
            .wide(6)
            .with(Target::new(&order.metric("order_streams_active").now().sum(&[]), "streams")),
    ]
}

fn moves() -> Vec<Panel> {
    let order = &job(Job::Order);
    let seconds = "order_delivery_seconds";
    let created = order.metric("orders_created_total").increase(Window::minutes(15)).sum(&[]);
    let begun =
        order.metric("order_transitions_total").labelled("from", "CREATED").increase(Window::minutes(15)).sum(&[]);
    vec![
        Panel::areas("Moves between states", Unit::PerSecond)
            .about("Moves of orders from one state to the next. Bad: one step that stops while the one before it goes on.")
            .with(Target::new(&rate(order, "order_transitions_total", &["from", "to"]), "{{from}} → {{to}}")),
        Panel::lines("Time to delivery", Unit::Duration)
            .about("Half and 95 of 100 orders are delivered within this, and the mean. Bad: far above what the lifecycle of the Store says.")
            .with(Target::new(&quantile(order, seconds, 0.5, &[]), "half"))
            .with(Target::new(&quantile(order, seconds, 0.95, &[]), "95 of 100"))
            .with(Target::new(&mean(order, seconds, &[]), "mean")),
        Panel::lines("Standing still", Unit::Count)
            .about("Orders made in a quarter of an hour less those that left their first state in it. Bad: it stays high; see OrdersStuck.")
            .with(Target::new(&(created - begun).at_least_nothing(), "more made than begun")),
        Panel::lines("Orders a minute", Unit::PerMinute)
            .about("Orders made and old ones deleted, a minute. Bad: none made while checkouts are begun.")
            .wide(12)
            .with(Target::new(&(rate(order, "orders_created_total", &[]) * number(60.0)), "made"))
            .with(Target::new(&(rate(order, "orders_deleted_total", &[]) * number(60.0)), "deleted")),
        Panel::heatmap("Times to delivery", Unit::Duration)
            .about("How many orders took how long to be delivered. Bad: a band far above the usual one.")
            .with(Target::new(&rate(order, "order_delivery_seconds_bucket", &["le"]), "{{le}}")),
    ]
}
