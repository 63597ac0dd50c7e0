//! The catalog: what is looked at, stock, opinions, and who listens.

use super::parts::{job, rate};
use super::service;
use crate::grafana::{Dashboard, Panel, Target, Unit};
use crate::promql::Job;

pub(super) fn dashboard() -> Dashboard {
    let about = "Products, stock, comments, flash sales and the browsers that hear of them.";
    service::dashboard(Job::Catalog, "shop-catalog", "Catalog", about)
        .row("Business", business())
        .row("Sockets", sockets())
        .row("Caches", service::caches(Job::Catalog))
        .row("Database", service::database(Job::Catalog))
        .row("Events", service::events(Job::Catalog))
}

fn business() -> Vec<Panel> {
    let catalog = &job(Job::Catalog);
    vec![
        Panel::lines("Product pages shown", Unit::PerSecond)
            .about("Pages of products that customers looked at. Bad: it falls while requests go on.")
            .with(Target::new(&rate(catalog, "product_views_total", &[]), "pages")),
        Panel::areas("Stock moved", Unit::PerSecond)
            .about("Reservations of stock by how they ended. Bad: many out_of_stock, or expired, which are checkouts that were cut off.")
            .with(Target::new(&rate(catalog, "stock_reservations_total", &["outcome"]), "{{outcome}}")),
        Panel::areas("Opinions", Unit::PerMinute)
            .about("Comments, edits, removals and votes a minute. Bad: a flood of comments by nobody in particular.")
            .with(Target::new(&(rate(catalog, "product_opinions_total", &["kind"]) * crate::promql::number(60.0)), "{{kind}}")),
    ]
}

fn sockets() -> Vec<Panel> {
    let catalog = &job(Job::Catalog);
    let now = |name: &str| catalog.metric(name).now().sum(&[]);
    vec![
        Panel::lines("Open sockets", Unit::Count)
            .about("Browsers that listen, and those of them that are logged in. Bad: a sudden fall that no roll-out explains.")
            .with(Target::new(&now("websocket_connections_active"), "open"))
            .with(Target::new(&now("websocket_connections_authenticated"), "logged in")),
        Panel::lines("Closed sockets", Unit::PerSecond)
            .about("Why sockets were closed. Bad: too_slow and silent in numbers: customers' networks, or a pod without time.")
            .with(Target::new(&rate(catalog, "websocket_connections_closed_total", &["reason"]), "{{reason}}")),
        Panel::lines("Events heard", Unit::PerSecond)
            .about("Events of the shop that pods have heard of, by kind. Bad: none of stock_changed while there are orders.")
            .with(Target::new(&rate(catalog, "shop_events_total", &["kind"]), "{{kind}}")),
        Panel::lines("Coming back", Unit::PerSecond)
            .about("Browsers that came back and could be told what they had missed, or not (gap). Bad: mostly gaps.")
            .wide(12)
            .with(Target::new(&rate(catalog, "websocket_resumptions_total", &["outcome"]), "{{outcome}}")),
        Panel::lines("Logins on sockets", Unit::PerSecond)
            .about("Browsers that said who they are. Bad: refused ones in numbers: keys that differ, or clocks.")
            .wide(12)
            .with(Target::new(&rate(catalog, "websocket_authentications_total", &["outcome"]), "{{outcome}}")),
    ]
}
