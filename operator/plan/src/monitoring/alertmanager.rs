//! An Alertmanager: who is told of which alerts, how often, and what of it goes without saying.
//!
//! Its settings are a Secret, as the oldest version that is used here reads a bot's token from its settings only.

use k8s_openapi::{
    ByteString,
    api::core::v1::{Container, Secret},
};
use serde_json::{Value, json};

use super::{Contents, MonitoringPart, deployment, go_environment, part, part::yaml, telegram, web_service};
use crate::{Component, Found, InvalidStore, Shop, TelegramFound, hash::hash, meta, pod};

const CONFIG: &str = "/etc/alertmanager";
const DATA: &str = "/alertmanager";

/// Who tells nobody.
const NOBODY: &str = "nobody";
const TELEGRAM: &str = "telegram";
const WATCHDOG: &str = "watchdog";

pub(super) fn alertmanager(shop: &Shop, found: &Found) -> Result<MonitoringPart, InvalidStore> {
    let component = Component::Alertmanager;
    let files = [("alertmanager.yml", yaml(&configuration(shop, found))), ("telegram.tmpl", telegram::TEMPLATE.into())];
    let secret = Secret {
        metadata: meta::owned(shop, shop.child(component), component),
        data: Some(files.map(|(name, text): (&str, String)| (name.to_owned(), ByteString(text.into()))).into()),
        ..Secret::default()
    };
    let contents = Contents {
        container: container(shop),
        volumes: vec![pod::secret_folder("config", &shop.child(component)), pod::scratch("data", "64Mi")],
        hash: Some(hash(&secret.data)),
    };
    let service = web_service(shop, component, &[("alertmanager", component.port())]);
    Ok(MonitoringPart { secret: Some(secret), ..part(component, service, deployment(shop, component, contents)?) })
}

fn configuration(shop: &Shop, found: &Found) -> Value {
    let telegram = telegram_receiver(shop, found);
    let watchdog = shop.monitoring().alertmanager.watchdog_url.as_ref().map(
        |url| json!({"name": WATCHDOG, "webhook_configs": [{"url": url, "send_resolved": false, "max_alerts": 1}]}),
    );
    let told = if telegram.is_some() { TELEGRAM } else { NOBODY };
    let heard = if watchdog.is_some() { WATCHDOG } else { NOBODY };
    let receivers: Vec<Value> = [Some(json!({"name": NOBODY})), telegram, watchdog].into_iter().flatten().collect();
    json!({
        "global": {"resolve_timeout": "5m"},
        "templates": [format!("{CONFIG}/*.tmpl")],
        "route": {
            "receiver": told,
            // One message for all that is equally urgent.
            "group_by": ["severity", "namespace", "store"],
            "group_wait": "10s",
            "group_interval": "1m",
            "repeat_interval": "4h",
            "routes": [{
                "receiver": heard,
                "matchers": ["alertname=\"Watchdog\""],
                "group_by": ["alertname", "namespace", "store"],
                "group_wait": "0s",
                "group_interval": "1m",
                "repeat_interval": "1m",
            }],
        },
        // What is critical goes without the warning of the same.
        "inhibit_rules": [{
            "source_matchers": ["severity=\"critical\""],
            "target_matchers": ["severity=\"warning\""],
            "equal": ["alertname", "namespace", "store", "service"],
        }],
        "receivers": receivers,
    })
}

fn telegram_receiver(shop: &Shop, found: &Found) -> Option<Value> {
    let asked = shop.monitoring().alertmanager.telegram.as_ref()?;
    let TelegramFound::Chat { token, chat } = &found.telegram else { return None };
    Some(json!({
        "name": TELEGRAM,
        "telegram_configs": [{
            "api_url": asked.api_url.trim_end_matches('/'),
            "bot_token": token.reveal(),
            "chat_id": chat,
            "parse_mode": "HTML",
            "message": format!("{{{{ template \"{}\" . }}}}", telegram::NAME),
            "send_resolved": true,
        }],
    }))
}

fn container(shop: &Shop) -> Container {
    let component = Component::Alertmanager;
    let args = [
        format!("--config.file={CONFIG}/alertmanager.yml"),
        format!("--storage.path={DATA}"),
        format!("--web.external-url={}/alertmanager/", shop.link_url()),
        "--web.route-prefix=/alertmanager/".into(),
        // It is alone.
        "--cluster.listen-address=".into(),
        "--log.format=json".into(),
    ];
    Container {
        args: Some(args.into()),
        env: Some(go_environment(shop, component)),
        ports: Some(vec![pod::port("alertmanager", component.port())]),
        volume_mounts: Some(vec![pod::read_only_mount("config", CONFIG), pod::mount("data", DATA)]),
        startup_probe: Some(pod::path_probe("alertmanager", "/alertmanager/-/ready", 1, 60)),
        readiness_probe: Some(pod::path_probe("alertmanager", "/alertmanager/-/ready", 5, 3)),
        liveness_probe: Some(pod::path_probe("alertmanager", "/alertmanager/-/healthy", 10, 6)),
        ..pod::container(shop, component, component)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_made_by_the_template_that_is_there() {
        assert!(telegram::TEMPLATE.contains(&format!("define \"{}\"", telegram::NAME)));
    }
}
