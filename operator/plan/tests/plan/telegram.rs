//! Messages for a chat, as Alertmanager's own tool makes them of a group of alerts.

use std::{fs, process::Command};

use serde_json::{Value, json};
use shopkeeper_plan::Component;

use crate::fixture::{planned, with_spec};

/// What Telegram takes; Alertmanager cuts off the rest, and what is cut off inside of a tag is refused.
const MOST_CHARACTERS: usize = 4096;

/// The alert of this number, with longer texts than any of ours.
fn alert(status: &str, number: usize) -> Value {
    let site = "https://shop.production.example-company.com";
    json!({
        "status": status,
        "labels": {"alertname": format!("AnAlertWithALongishName{number}"), "severity": "warning", "service": "recommendations"},
        "annotations": {
            "summary": "A service <leaves> another one alone & nobody knows for how long this will go on.",
            "description": "10.244.0.40:9090 of catalog had 93.33% of the connections in use that it may have to the database, and there is more to say.",
            "runbook_url": format!("{site}/docs/runbooks/an-alert-with-a-longish-name"),
            "dashboard_url": format!("{site}/grafana/d/shop-postgresql?var-namespace=shop-production&var-store=production"),
        },
    })
}

fn message(firing: usize, over: usize) -> String {
    let plan = planned(&with_spec(json!({})));
    let part = plan.monitoring.parts.iter().find(|part| part.component == Component::Alertmanager).expect("the part");
    let template = part.secret.as_ref().and_then(|it| it.data.as_ref()?.get("telegram.tmpl")).expect("a template");
    let alerts =
        (0..firing).map(|number| alert("firing", number)).chain((0..over).map(|number| alert("resolved", number)));
    let group = json!({
        "status": "firing",
        "alerts": alerts.collect::<Vec<_>>(),
        "commonLabels": {"namespace": "shop-production", "store": "production"},
        "externalURL": "https://shop.production.example-company.com/alertmanager",
    });
    let folder = tempfile::tempdir().expect("a folder");
    let (template_file, group_file) = (folder.path().join("telegram.tmpl"), folder.path().join("group.json"));
    fs::write(&template_file, &template.0).expect("to write");
    fs::write(&group_file, group.to_string()).expect("to write");
    let output = Command::new("amtool")
        .args(["template", "render", "--template.text", r#"{{ template "shop.telegram" . }}"#, "--template.glob"])
        .arg(template_file)
        .arg("--template.data")
        .arg(group_file)
        .output()
        .expect("amtool is needed: it comes with Alertmanager, on Debian `apt-get install prometheus-alertmanager`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn one_alert_is_told_with_what_to_do() {
    let message = message(1, 1);
    assert!(message.starts_with(
        "<b>shop-production/production</b>: 1 firing, 1 over\n\n⚠️ <b>AnAlertWithALongishName0</b> · recommendations\n"
    ));
    assert!(message.contains("A service &lt;leaves&gt; another one alone &amp; nobody knows"), "{message}");
    for part in ["<i>10.244.0.40:9090 of catalog", "📖 <a href=\"https://", "📈 <a href=\"https://"] {
        assert_eq!(message.matches(part).count(), 1, "{message}");
    }
    assert!(message.contains("\n✅ <b>AnAlertWithALongishName0</b> · recommendations is over\n"), "{message}");
    assert!(!message.contains("and more"), "{message}");
}

#[test]
fn of_many_alerts_each_is_named_and_the_first_are_told_in_full() {
    let message = message(16, 12);
    for number in 0..16 {
        assert!(
            message.contains(&format!("⚠️ <b>AnAlertWithALongishName{number}</b> · recommendations\n")),
            "{message}"
        );
    }
    for number in 0..12 {
        assert!(message.contains(&format!("✅ <b>AnAlertWithALongishName{number}</b> · recommendations is over\n")));
    }
    assert_eq!(message.matches("Runbook").count(), 4, "{message}");
    assert!(!message.contains("and more"), "{message}");
}

#[test]
fn a_message_is_never_longer_than_telegram_takes() {
    let message = message(200, 200);
    assert!(message.contains("200 firing, 200 over") && message.contains("and more: <a href="), "{message}");
    assert!(message.chars().count() < MOST_CHARACTERS, "{}", message.chars().count());
    assert_eq!(message.matches("<a ").count(), message.matches("</a>").count());
}
