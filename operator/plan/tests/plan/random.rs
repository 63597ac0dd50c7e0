//! What must hold for the plan of any Store, tried with Stores at random.

mod parts;
mod stores;
mod whole;

use kube::{
    CustomResourceExt,
    core::cel::{Validator, compile_schema},
};
use proptest::{prelude::*, test_runner::Config, test_runner::TestRunner};
use serde_json::{Value, json};
use shopkeeper_api::{Cache, Storage, Store};
use shopkeeper_plan::{Found, SecretText, TelegramFound, plan, validate};

use crate::fixture::{self, images, objects};
use stores::{policies, store};

/// So many Stores are tried that it takes a few seconds.
fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, max_shrink_iters: 500, ..Config::default() }
}

/// What is found in the cluster besides the Store.
fn found() -> impl Strategy<Value = Found> {
    let telegram = prop_oneof![
        Just(TelegramFound::NotAsked),
        Just(TelegramFound::Unusable("there is no Secret telegram".into())),
        Just(TelegramFound::Chat { token: SecretText::new("1:password-of-bot"), chat: -1 }),
    ];
    let volume = Storage { size: "7Gi".parse().expect("a quantity"), storage_class_name: Some("kept".into()) };
    let volumes = [(); 2].map(|()| prop::option::of(Just(volume.clone())));
    let here = (volumes, prop::option::of(Just("hash of a certificate".to_owned())));
    let operator = (any::<bool>(), prop::option::of(Just("shopkeeper-pods.shopkeeper-system.svc:9090".to_owned())));
    (telegram, here, operator).prop_map(
        |(telegram, ([backup_volume, figures_volume], certificate), (prometheus_operator, operator_metrics))| Found {
            telegram,
            backup_volume,
            figures_volume,
            certificate,
            prometheus_operator,
            operator_metrics,
            ..fixture::found()
        },
    )
}

/// All objects of a Store's plan.
fn planned(store: &Store, found: &Found) -> Result<Vec<Value>, TestCaseError> {
    let shop = validate(store, &images()).map_err(|refusal| TestCaseError::fail(refusal.to_string()))?;
    let plan = plan(&shop, found).map_err(|refusal| TestCaseError::fail(refusal.to_string()))?;
    Ok(objects(&plan))
}

proptest! {
    #![proptest_config(config(100))]

    #[test]
    fn whatever_a_store_asks_for_its_plan_is_whole_and_always_the_same(store in store(), found in found()) {
        let all = planned(&store, &found)?;
        prop_assert_eq!(&all, &planned(&store, &found)?);
        let wrong = whole::complaints(&store, &all);
        prop_assert!(wrong.is_empty(), "{:#?}", wrong);
    }

    #[test]
    fn whatever_a_store_asks_for_a_cache_policy_changes_its_document_and_nothing_else(
        store in store(), found in found(), asked in policies(),
    ) {
        let mut changed = store.clone();
        let tuning = store.spec.cache.as_ref().and_then(|cache| cache.tuning.clone());
        changed.spec.cache = Some(Cache { policies: Some(serde_json::from_value(asked).expect("policies")), tuning });
        let document = json!(format!("{}-cache-policy", store.metadata.name.as_deref().unwrap_or_default()));
        let resolved = |store: &Store| validate(store, &images()).map(|shop| shop.policies().clone());
        let others = resolved(&store) != resolved(&changed);
        let (before, after) = (planned(&store, &found)?, planned(&changed, &found)?);
        prop_assert_eq!(before.len(), after.len());
        for (before, after) in before.iter().zip(&after) {
            if before["kind"] == "ConfigMap" && before["metadata"]["name"] == document {
                prop_assert_eq!(&before["metadata"], &after["metadata"]);
                prop_assert_eq!(before["data"] != after["data"], others);
            } else {
                prop_assert_eq!(before, after);
            }
        }
    }
}

/// The Stores at random are such as the API server takes by its rules, so that what holds for them holds for what can be in a cluster.
#[test]
fn stores_at_random_are_accepted_by_the_rules_of_the_api() {
    let crd = serde_json::to_value(Store::crd()).expect("JSON");
    let schema = compile_schema(&crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]);
    let validator = Validator::new();
    let accepted = TestRunner::new(config(100)).run(&store(), |store| {
        let store = serde_json::to_value(store).expect("JSON");
        let said = validator.validate_compiled(&schema, &store, None);
        prop_assert!(said.is_ok(), "{:?}", said);
        Ok(())
    });
    accepted.unwrap_or_else(|refused| panic!("{refused}"));
}
