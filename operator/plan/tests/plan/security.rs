//! As whom the pods run.

use serde_json::{Value, json};
use shopkeeper_api::PodSecurity;
use shopkeeper_plan::{InvalidStore, validate};

use crate::{
    fixture::{every_part, images, objects, planned, pod, with_spec},
    restricted::violations,
};

/// All that can be chosen.
fn chosen() -> Value {
    json!({
        "runAsUser": 1_000_680_000, "runAsGroup": 1_000_680_001, "fsGroup": 1_000_680_002, "supplementalGroups": [5555],
        "seLinuxOptions": {"level": "s0:c26,c5"},
    })
}

#[test]
fn who_pods_run_as_is_chosen_part_by_part() {
    let all = objects(&planned(&with_spec(every_part(&json!({"securityContext": chosen()})))));
    let pods: Vec<&Value> = all.iter().filter_map(pod).collect();
    assert_eq!(pods.len(), 19, "every part that has pods takes it");
    for pod in pods {
        for (field, value) in chosen().as_object().expect("fields") {
            assert_eq!(pod["securityContext"][field], *value, "{field}");
        }
    }
    let before = objects(&planned(&with_spec(json!({}))));
    let after = objects(&planned(&with_spec(json!({"services": {"cart": {"securityContext": chosen()}}}))));
    let changed = before.iter().zip(&after).filter(|(before, after)| before != after);
    let changed: Vec<_> = changed.map(|(object, _)| (&object["kind"], &object["metadata"]["name"])).collect();
    assert_eq!(changed, [(&json!("Deployment"), &json!("demo-cart"))]);
}

#[test]
fn a_user_alone_brings_its_groups_along() {
    let with = |security: Value| -> Value {
        let all = objects(&planned(&with_spec(json!({"gateway": {"securityContext": security}}))));
        let gateway = all.iter().find(|it| it["kind"] == "Deployment" && it["metadata"]["name"] == "demo-gateway");
        gateway.and_then(pod).expect("pods")["securityContext"].clone()
    };
    let ids = |security: &Value| ["runAsUser", "runAsGroup", "fsGroup"].map(|field| security[field].clone());
    assert_eq!(ids(&with(json!({}))), [101, 101, 101].map(Value::from));
    assert_eq!(ids(&with(json!({"runAsUser": 7000}))), [7000, 7000, 7000].map(Value::from));
    assert_eq!(ids(&with(json!({"runAsGroup": 7000}))), [101, 7000, 7000].map(Value::from));
    assert_eq!(ids(&with(json!({"fsGroup": 7000}))), [101, 101, 7000].map(Value::from));
    let plain = with(json!({}));
    assert_eq!((&plain["supplementalGroups"], &plain["seLinuxOptions"]), (&Value::Null, &Value::Null));
}

#[test]
fn no_choice_makes_a_pod_less_than_restricted() {
    for security in [json!({}), chosen(), json!({"seLinuxOptions": {"level": "s0-s0:c0.c1023"}})] {
        for object in objects(&planned(&with_spec(every_part(&json!({"securityContext": security}))))) {
            let Some(pod) = pod(&object) else { continue };
            assert_eq!(violations(pod), [] as [String; 0], "{}", object["metadata"]["name"]);
        }
    }
    for weaker in [
        json!({"runAsNonRoot": false}),
        json!({"seccompProfile": {"type": "Unconfined"}}),
        json!({"appArmorProfile": {"type": "Unconfined"}}),
        json!({"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}),
        json!({"windowsOptions": {"hostProcess": true}}),
        json!({"privileged": true}),
        json!({"allowPrivilegeEscalation": true}),
        json!({"capabilities": {"add": ["SYS_ADMIN"]}}),
        json!({"procMount": "Unmasked"}),
        json!({"seLinuxOptions": {"level": "s0", "type": "spc_t"}}),
        json!({"seLinuxOptions": {"level": "s0", "user": "system_u"}}),
        json!({"seLinuxOptions": {"level": "s0", "role": "system_r"}}),
    ] {
        assert!(serde_json::from_value::<PodSecurity>(weaker.clone()).is_err(), "{weaker} cannot be said");
    }
}

#[test]
fn root_that_slipped_past_the_api_server_is_refused_by_its_path() {
    for security in [
        json!({"runAsUser": 0}),
        json!({"runAsUser": -1}),
        json!({"runAsGroup": 0}),
        json!({"fsGroup": 0}),
        json!({"supplementalGroups": [5, 0]}),
        json!({"runAsUser": 2_147_483_648_i64}),
        json!({"seLinuxOptions": {"level": "unconfined_t"}}),
        json!({"seLinuxOptions": {"level": ""}}),
    ] {
        let spec = json!({"redis": {"managed": {"securityContext": security}}});
        let refusal = validate(&with_spec(spec), &images()).expect_err("a refusal");
        assert!(matches!(refusal, InvalidStore::SecurityContext { .. }), "{refusal}");
        assert!(refusal.to_string().starts_with("spec.redis.managed.securityContext: "), "{refusal}");
    }
}
