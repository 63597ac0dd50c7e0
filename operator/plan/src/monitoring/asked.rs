//! Which parts of a shop's monitoring are asked for, and which of these are made.

use shopkeeper_api::{Alertmanager, Monitoring};

use super::LeftOut;
use crate::{Component, Found, MONITORING, Shop, TelegramFound, shop::DatabaseKind};

impl Shop {
    /// What watches the shop, as the Store asks for it.
    pub(crate) const fn monitoring(&self) -> &Monitoring {
        &self.monitoring
    }

    /// Whether the Store asks for a part. Of the parts of the shop itself, it always does.
    pub(crate) fn asks_for(&self, component: Component) -> bool {
        let Monitoring { enabled, prometheus, alertmanager, grafana, tracing, tools, .. } = &self.monitoring;
        let asked = match component {
            Component::Locust => return self.load_test.enabled,
            Component::Prometheus => prometheus.enabled,
            Component::Alertmanager => alertmanager.enabled,
            Component::Grafana => grafana.enabled,
            Component::Jaeger => tracing.enabled,
            Component::RedisExporter => prometheus.enabled && self.manages_redis(),
            Component::PostgresExporter => prometheus.enabled && self.manages_database(),
            Component::GatewayExporter => prometheus.enabled || tracing.enabled,
            Component::PgAdmin => tools.pg_admin.enabled && !matches!(self.database, DatabaseKind::External),
            Component::RedisCommander => tools.redis_commander.enabled && self.manages_redis(),
            _ => return true,
        };
        asked && *enabled
    }

    /// Whether a part is asked for and its image can be had. Whether Prometheus and Grafana are made depends on what else is in the cluster, too:
    /// [`Shop::has_prometheus`], [`Shop::has_grafana`].
    pub(crate) fn is_made(&self, component: Component) -> bool {
        self.asks_for(component) && !self.image(component).is_empty()
    }

    /// Whether anybody collects the shop's figures.
    pub(crate) fn is_scraped(&self, found: &Found) -> bool {
        self.asks_for(Component::Prometheus) && (found.prometheus_operator || self.is_made(Component::Prometheus))
    }

    /// Whether the shop has a Prometheus of its own.
    pub(crate) fn has_prometheus(&self, found: &Found) -> bool {
        self.is_made(Component::Prometheus) && !found.prometheus_operator
    }

    /// Whether the shop has a Grafana of its own.
    pub(crate) fn has_grafana(&self, found: &Found) -> bool {
        self.is_made(Component::Grafana) && self.prometheus_address(found).is_some()
    }

    /// Whether a part with pods is made.
    pub(crate) fn has(&self, component: Component, found: &Found) -> bool {
        match component {
            Component::Prometheus => self.has_prometheus(found),
            Component::Grafana => self.has_grafana(found),
            _ => self.is_made(component),
        }
    }

    /// Where figures are asked for: at the shop's own Prometheus, or at the one that the Store names.
    pub(crate) fn prometheus_address(&self, found: &Found) -> Option<String> {
        if self.has_prometheus(found) {
            let (host, port) = (self.child(Component::Prometheus), Component::Prometheus.port());
            return Some(format!("http://{host}:{port}/prometheus"));
        }
        self.monitoring.prometheus.url.as_ref().map(|url| url.trim_end_matches('/').to_owned())
    }

    /// Address under which people reach the gateway, for links in messages and pages.
    pub(crate) fn link_url(&self) -> String {
        self.monitoring.public_url.clone().unwrap_or_else(|| self.public_url())
    }

    /// Address of the collector of traces, if there is one.
    pub(crate) fn collector(&self) -> Option<String> {
        let made = self.is_made(Component::Jaeger);
        made.then(|| format!("http://{}:{}", self.child(Component::Jaeger), super::jaeger::OTLP_PORT))
    }
}

/// What is asked for and not made, and why.
pub(super) fn left_out(shop: &Shop, found: &Found) -> Vec<LeftOut> {
    let mut all: Vec<LeftOut> =
        MONITORING.into_iter().filter_map(|component| part_left_out(shop, found, component)).collect();
    let alertmanager = shop.is_made(Component::Alertmanager);
    if let (TelegramFound::Unusable(why), true) = (&found.telegram, alertmanager) {
        all.push(LeftOut { reason: "SecretMissing", message: format!("nobody is told of alerts by Telegram: {why}") });
    }
    all.extend(deaf_alertmanager(shop, found).filter(|_| alertmanager));
    all
}

/// What the shop's own Alertmanager is asked to tell people and will not, as it hears of alerts from the shop's own Prometheus only.
fn deaf_alertmanager(shop: &Shop, found: &Found) -> Option<LeftOut> {
    let Alertmanager { telegram, watchdog_url, .. } = &shop.monitoring.alertmanager;
    let asked = [("telegram", telegram.is_some()), ("watchdogUrl", watchdog_url.is_some())];
    let asked: Vec<&str> = asked.into_iter().filter(|(_, asked)| *asked).map(|(field, _)| field).collect();
    // Where one of its own is asked for and has no image, that is told already.
    let elsewhere = found.prometheus_operator || !shop.asks_for(Component::Prometheus);
    (!asked.is_empty() && elsewhere).then(|| LeftOut {
        reason: "PrometheusElsewhere",
        message: format!(
            "nobody is told of alerts by what spec.monitoring.alertmanager names ({}): the shop has no Prometheus of its own, and one that is \
             elsewhere tells Alertmanagers of its own: name it there and leave it out here",
            asked.join(", ")
        ),
    })
}

fn part_left_out(shop: &Shop, found: &Found, component: Component) -> Option<LeftOut> {
    let by_others = component == Component::Prometheus && found.prometheus_operator;
    if !shop.asks_for(component) || by_others || shop.has(component, found) {
        return None;
    }
    if shop.is_made(component) {
        return Some(LeftOut {
            reason: "PrometheusElsewhere",
            message: format!(
                "{component} is left out: the cluster's own Prometheus collects the shop's figures, and where it is asked is not known: write \
                 spec.monitoring.prometheus.url; the dashboards are in ConfigMap {} for a Grafana that is there",
                super::dashboards::name(shop)
            ),
        });
    }
    Some(LeftOut {
        reason: "ImageMissing",
        message: format!(
            "{component} is left out, as this cluster has no image of it: write one in spec.images, or set one for the operator"
        ),
    })
}
