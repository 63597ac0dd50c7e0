//! Users: who registers, who logs in, and what that costs.

use super::parts::{job, or_nothing, rate};
use super::service;
use crate::grafana::{Dashboard, Level, Panel, Target, Unit};
use crate::promql::{Job, Window};

pub(super) fn dashboard() -> Dashboard {
    service::dashboard(Job::User, "shop-user", "User", "Registrations, logins, sessions and profiles.")
        .row("Business", business())
        .row("Other services", service::siblings(Job::User))
        .row("Caches", service::caches(Job::User))
        .row("Database", service::database(Job::User))
        .row("Events", service::events(Job::User))
}

fn business() -> Vec<Panel> {
    let user = &job(Job::User);
    let logins = || user.metric("user_logins_total");
    let all = logins().increase(Window::Shown).sum(&[]);
    let refused = logins().like("outcome", "rejected|limited").increase(Window::Shown).sum(&[]);
    vec![
        Panel::figure("Registrations", Unit::Count)
            .about("Users registered in the time shown. Bad: many at once: somebody makes accounts by machine.")
            .wide(12)
            .with(Target::new(&user.metric("user_registrations_total").increase(Window::Shown).sum(&[]), "registered")),
        Panel::figure("Refused logins", Unit::Share)
            .about("The share of logins that were refused, in the time shown. Bad: most: somebody tries passwords.")
            .levels([Level::Odd(0.2), Level::Bad(0.5)])
            .wide(12)
            .with(Target::new(&refused.share_if_any_of(&all), "refused")),
        Panel::areas("Logins", Unit::PerSecond)
            .about("Logins by how they ended. Bad: rejected and limited in numbers, or failed, by which customers can't get in.")
            .with(Target::new(&or_nothing(&rate(user, "user_logins_total", &["outcome"]), user), "{{outcome}}")),
        Panel::areas("Sessions renewed", Unit::PerSecond)
            .about("Refresh tokens by what became of them. Bad: reused, which is a stolen token or a broken client.")
            .with(Target::new(&or_nothing(&rate(user, "user_refreshes_total", &["outcome"]), user), "{{outcome}}")),
        Panel::lines("Passwords hashed", Unit::PerSecond)
            .about("Passwords hashed or checked, by algorithm; each costs tens of milliseconds of a processor. Bad: more than the pods have processors for; bcrypt dies out by itself.")
            .with(Target::new(&or_nothing(&rate(user, "user_password_hashes_total", &["algorithm"]), user), "{{algorithm}}")),
        Panel::lines("Registrations a second", Unit::PerSecond)
            .about("Users registered. Bad: a steep rise without a campaign.")
            .wide(24)
            .with(Target::new(&rate(user, "user_registrations_total", &[]), "registrations")),
    ]
}
