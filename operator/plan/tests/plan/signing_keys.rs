use std::time::Duration;

use serde_json::{Value, json};
use shopkeeper_api::ROTATE_SIGNING_KEY_ANNOTATION;
use shopkeeper_plan::{SecretText, plan, validate};

use crate::fixture::{demo, found, images, objects, with_spec};

#[test]
fn another_signing_key_is_published_to_all_and_restarts_nothing() {
    let shop = validate(&demo(), &images()).expect("a valid Store");
    let before = found();
    let mut after = found();
    after.credentials.signing_key = SecretText::new("another key");
    after.credentials.public_keys.insert("fedcba9876543210".into(), "another public key\n".into());
    let [before, after] = [before, after].map(|found| objects(&plan(&shop, &found).expect("a plan")));
    let changed: Vec<&Value> =
        before.iter().zip(&after).filter_map(|(before, after)| (before != after).then_some(after)).collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert_eq!(changed[0]["kind"], "ConfigMap");
    let files: Vec<_> = changed[0]["data"].as_object().expect("files").keys().collect();
    assert_eq!(files, ["0123456789abcdef.pem", "fedcba9876543210.pem"]);
}

#[test]
fn the_store_says_how_often_and_asks_out_of_turn() {
    let rotation = |every: &str, asked: Option<&str>| {
        let mut store = with_spec(json!({"services": {"user": {"signingKeyRotation": every}}}));
        let asked = asked.map(|value| (ROTATE_SIGNING_KEY_ANNOTATION.to_owned(), value.to_owned()));
        store.metadata.annotations = Some(asked.into_iter().collect());
        validate(&store, &images()).map(|shop| shop.key_rotation().clone())
    };
    let monthly = rotation("720h", None).expect("it is valid");
    assert_eq!((monthly.every, monthly.asked), (Some(Duration::from_secs(720 * 3600)), None));
    let asked = rotation("0s", Some("2026-11-22")).expect("it is valid");
    assert_eq!((asked.every, asked.asked.as_deref()), (None, Some("2026-11-22")));
    assert_eq!(rotation("720h", Some("")).expect("it is valid").asked, None);
    for wrong in ["59m", "8761h"] {
        let said = rotation(wrong, None).expect_err("it is refused").to_string();
        assert!(said.contains("signingKeyRotation"), "{said}");
    }
}
