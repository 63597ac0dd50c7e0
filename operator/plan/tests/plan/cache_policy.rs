//! What becomes of the cache policies of a Store.

use std::time::Duration;

use kube::{CustomResourceExt, core::cel::Validator};
use serde_json::{Value, json};
use shop_policy::{CacheName, DOCUMENT_FILE, InvalidPolicy, LocalTier, Pattern, Policies, Policy, PolicyDocument};
use shopkeeper_api::Store;
use shopkeeper_plan::{Found, InvalidStore, PolicyVersion, plan, validate};

use crate::fixture::{found, images, objects, planned, with_spec};

fn with_policies(policies: &Value) -> Store {
    with_spec(json!({"cache": {"policies": policies}}))
}

/// The policies of a Store, as its pods read them.
fn policies(asked: &Value) -> Policies {
    document(&with_policies(asked), &found()).caches
}

fn document(store: &Store, found: &Found) -> PolicyDocument {
    let shop = validate(store, &images()).expect("a valid Store");
    let config = plan(&shop, found).expect("a plan").cache_policy.config;
    PolicyDocument::parse(&config.data.expect("data")[DOCUMENT_FILE]).expect("a document that pods take over")
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_store_that_says_nothing_has_the_documented_defaults() {
    assert_eq!(document(&with_spec(json!({})), &found()).caches, Policies::default());
    assert_eq!(policies(&json!({"products": {}})), Policies::default());
}

#[test]
fn what_is_asked_for_is_set_and_the_rest_keeps_its_default() {
    let asked = json!({
        "pattern": "EventInvalidated", "ttl": "1h30m", "jitterPercent": 10, "staleIfError": "2h", "negativeTtl": "1s",
        "softTimeout": "100ms", "hardTimeout": "1s", "local": {"ttl": "2s", "maxEntries": 7},
    });
    let all = policies(&json!({ "products": asked }));
    let expected = Policy {
        pattern: Pattern::EventInvalidated,
        ttl: seconds(5400),
        refresh_before: Duration::ZERO,
        jitter_percent: 10,
        stale_if_error: seconds(7200),
        negative_ttl: seconds(1),
        soft_timeout: Duration::from_millis(100),
        hard_timeout: seconds(1),
        local: Some(LocalTier { ttl: seconds(2), max_entries: 7 }),
    };
    assert_eq!(all.get(CacheName::Products), expected);
    for cache in CacheName::all().filter(|cache| *cache != CacheName::Products) {
        assert_eq!(all.get(cache), Policy::default_of(cache));
    }
    let one = policies(&json!({"cart": {"ttl": "1m"}}));
    assert_eq!(one.get(CacheName::Cart), Policy { ttl: seconds(60), ..Policy::default_of(CacheName::Cart) });
}

#[test]
fn a_short_ttl_alone_brings_its_refresh_point_along() {
    for (ttl, refresh) in [("5m", 50), ("1h", 600), ("24h", 600), ("6s", 1)] {
        let policy = policies(&json!({"bestsellers": {"ttl": ttl}})).get(CacheName::Bestsellers);
        assert_eq!(policy.refresh_before, seconds(refresh), "{ttl}");
    }
    let said = policies(&json!({"bestsellers": {"ttl": "5m", "refreshBefore": "2m"}})).get(CacheName::Bestsellers);
    assert_eq!(said.refresh_before, seconds(120));
}

#[test]
fn another_pattern_brings_or_takes_the_refresh_point() {
    for pattern in ["CacheAside", "WriteThrough", "EventInvalidated", "None"] {
        let policy = policies(&json!({"bestsellers": {"pattern": pattern}})).get(CacheName::Bestsellers);
        assert_eq!(policy.refresh_before, Duration::ZERO, "{pattern}");
    }
    let policy = policies(&json!({"products": {"pattern": "RefreshAhead"}})).get(CacheName::Products);
    assert_eq!((policy.pattern, policy.refresh_before), (Pattern::RefreshAhead, seconds(100)));
}

#[test]
fn a_timeout_that_is_left_out_gives_way_to_the_one_that_is_given() {
    let hard = policies(&json!({"products": {"hardTimeout": "100ms"}})).get(CacheName::Products);
    assert_eq!((hard.soft_timeout, hard.hard_timeout), (Duration::from_millis(100), Duration::from_millis(100)));
    let soft = policies(&json!({"products": {"softTimeout": "10s"}})).get(CacheName::Products);
    assert_eq!((soft.soft_timeout, soft.hard_timeout), (seconds(10), seconds(10)));
}

#[test]
fn a_local_ttl_of_nothing_is_no_local_tier() {
    assert_eq!(policies(&json!({"products": {"local": {"ttl": "0s"}}})).get(CacheName::Products).local, None);
    let asked = policies(&json!({"products": {"local": {"maxEntries": 7}}, "cart": {"local": {}}}));
    assert_eq!(asked.get(CacheName::Products).local, Some(LocalTier { ttl: seconds(5), max_entries: 7 }));
    assert_eq!(asked.get(CacheName::Cart).local, Some(LocalTier { ttl: seconds(5), max_entries: 10_000 }));
}

#[test]
fn a_policy_that_slipped_past_the_api_server_is_refused_by_the_name_of_its_cache() {
    let refuse = |policies: Value| validate(&with_policies(&policies), &images()).expect_err("a refusal");
    let cases = [
        (json!({"ttl": "0s"}), InvalidPolicy::NoTtl),
        (json!({"pattern": "RefreshAhead", "ttl": "1m", "refreshBefore": "1m"}), InvalidPolicy::RefreshBeyondTtl),
        (json!({"refreshBefore": "1m"}), InvalidPolicy::UnusedRefresh),
        (json!({"jitterPercent": 51}), InvalidPolicy::TooMuchJitter),
        (json!({"hardTimeout": "0s"}), InvalidPolicy::Timeouts),
        (json!({"softTimeout": "2s", "hardTimeout": "1s"}), InvalidPolicy::Timeouts),
        (json!({"ttl": "8761h"}), InvalidPolicy::TooLong),
        (json!({"local": {"maxEntries": 0}}), InvalidPolicy::NoLocalEntries),
    ];
    for (asked, source) in cases {
        assert_eq!(
            refuse(json!({ "products": asked })),
            InvalidStore::CachePolicy { cache: CacheName::Products, source }
        );
    }
    let said = refuse(json!({"cart": {"ttl": "0s"}})).to_string();
    assert!(said.starts_with("spec.cache.policies.cart: ttl must be more than nothing: write"), "{said}");
}

/// All objects, without the document itself.
fn others(store: &Store) -> Vec<Value> {
    objects(&planned(store)).into_iter().filter(|it| it["metadata"]["name"] != "demo-cache-policy").collect()
}

#[test]
fn a_policy_changes_nothing_but_its_document_so_no_pod_restarts() {
    let plain = with_spec(json!({}));
    for asked in [
        json!({"products": {"ttl": "1m"}}),
        json!({"cart": {"pattern": "None"}, "bestsellers": {"ttl": "1m", "local": {"ttl": "0s"}}}),
    ] {
        let changed = with_policies(&asked);
        assert_ne!(objects(&planned(&changed)), objects(&planned(&plain)));
        assert_eq!(others(&changed), others(&plain));
    }
}

#[test]
fn the_generation_stays_until_the_policies_change() {
    let at = |policies: Value, generation: i64| {
        let mut store = with_policies(&policies);
        store.metadata.generation = Some(generation);
        store
    };
    let told = |document: &PolicyDocument| Found { cache_policy: PolicyVersion::of(&document.to_json()), ..found() };
    let first = document(&at(json!({}), 3), &found());
    assert_eq!(first.generation, 3);
    assert_eq!(document(&at(json!({}), 7), &told(&first)), first);
    let second = document(&at(json!({"products": {"ttl": "1m"}}), 8), &told(&first));
    assert_eq!(second.generation, 8);
    assert_eq!(document(&at(json!({}), 9), &told(&second)).generation, 9);
    // A document of a former Store of the same name.
    assert_eq!(document(&at(json!({}), 1), &told(&first)).generation, 1);
}

#[test]
fn a_document_that_somebody_changed_has_no_version() {
    let text = PolicyDocument::new(3, Policies::default()).to_json();
    assert!(PolicyVersion::of(&text).is_some());
    assert_eq!(PolicyVersion::of(&text.replacen("\"5m\"", "\"6m\"", 1)), None);
    assert_eq!(PolicyVersion::of("rubbish"), None);
}

#[test]
fn every_service_finds_its_document_in_a_folder_and_starts_without_it() {
    for object in objects(&planned(&with_spec(json!({"demo": {"users": true}, "monitoring": {"enabled": false}})))) {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let service = object["kind"] == "Deployment" && name != "demo-gateway";
        let text = object["spec"]["template"].to_string();
        assert_eq!(text.contains("demo-cache-policy"), service, "{name}");
        if !service {
            continue;
        }
        let pod = &object["spec"]["template"]["spec"];
        let find = |list: &Value, name: &str| -> Value {
            list.as_array().into_iter().flatten().find(|it| it["name"] == name).cloned().unwrap_or_default()
        };
        assert_eq!(find(&pod["volumes"], "cache-policy")["configMap"]["optional"], json!(true));
        let container = &pod["containers"][0];
        let mount = find(&container["volumeMounts"], "cache-policy");
        assert_eq!((&mount["subPath"], &mount["readOnly"]), (&Value::Null, &json!(true)));
        assert_eq!(find(&container["env"], "CACHE_POLICY_DIR")["value"], mount["mountPath"]);
        assert_eq!(find(&container["env"], "SHOP_NAME")["value"], "shop/demo");
        assert_eq!(find(&container["env"], "SHOP_DEMO")["value"], "true");
    }
    assert!(objects(&planned(&with_spec(json!({})))).iter().all(|it| !it.to_string().contains("SHOP_DEMO")));
}

#[test]
fn what_the_rules_of_the_api_accept_can_be_run() {
    let crd = serde_json::to_value(Store::crd()).expect("JSON");
    let caches =
        crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/cache/properties/policies");
    let (schema, validator) = (caches.expect("a schema"), Validator::new());
    let (mut accepted, mut refused) = (0, 0);
    let spans = [None, Some("0s"), Some("400ms"), Some("6s"), Some("1h"), Some("8736h"), Some("8760h")];
    for (cache, pattern) in
        [("bestsellers", None), ("products", None), ("cart", Some("RefreshAhead")), ("bestsellers", Some("None"))]
    {
        for (ttl, other) in spans.iter().flat_map(|ttl| spans.iter().map(move |other| (ttl, other))) {
            for field in ["refreshBefore", "staleIfError", "softTimeout", "hardTimeout", "negativeTtl"] {
                let mut policy = json!({"pattern": pattern, "ttl": ttl, field: other});
                // Nothing is left out by being null.
                policy.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
                let asked = json!({ cache: policy });
                let accepts = validator.validate(schema, &asked, None).is_ok();
                let runs = validate(&with_policies(&asked), &images()).is_ok();
                assert!(runs || !accepts, "{asked} is accepted but can't be run");
                *if accepts { &mut accepted } else { &mut refused } += 1;
            }
        }
    }
    assert!(accepted > 100 && refused > 100, "{accepted} {refused}");
}
