//! What a Store lays over the pods that the operator makes.

#![expect(clippy::needless_pass_by_value, reason = "so that a test writes json!() and no more")]

use serde_json::{Value, json};
use shopkeeper_plan::{Unplannable, plan, validate};

use crate::fixture::{every_part, found, images, objects, planned, template, with_spec};

/// The Deployment of the cart with something laid over its pods.
fn cart(template: Value) -> Value {
    let spec = json!({"services": {"cart": {"podTemplate": template}}});
    let all = objects(&planned(&with_spec(spec)));
    let cart = all.into_iter().find(|it| it["kind"] == "Deployment" && it["metadata"]["name"] == "demo-cart");
    cart.expect("the cart")["spec"]["template"].clone()
}

/// Why a Store is refused, wherever that turns out.
fn refusal(spec: Value) -> String {
    let store = with_spec(spec.clone());
    let refused = match validate(&store, &images()) {
        Err(invalid) => Some(invalid.to_string()),
        Ok(shop) => plan(&shop, &found()).err().map(|error| {
            assert!(matches!(error, Unplannable::Store(_)), "{error}");
            error.to_string()
        }),
    };
    refused.unwrap_or_else(|| panic!("{spec} should be refused"))
}

#[track_caller]
fn refused(pod_spec: Value, path: &str, sentence: &str) {
    let said = refusal(json!({"services": {"cart": {"podTemplate": {"spec": pod_spec}}}}));
    let path = format!("spec.services.cart.podTemplate.spec{path}");
    assert!(said.starts_with(&path) && said.contains(sentence), "{said}");
}

#[test]
fn what_is_laid_over_is_added_and_what_is_there_stays() {
    let plain = cart(json!({}));
    let with = cart(json!({
        "metadata": {"labels": {"example.com/team": "shop"}, "annotations": {"example.com/scrape": "no"}},
        "spec": {
            "terminationGracePeriodSeconds": 90,
            "runtimeClassName": "gvisor",
            "volumes": [{"name": "certificates", "secret": {"secretName": "corporate-ca"}}],
            "containers": [{
                "name": "cart",
                "env": [{"name": "RUST_LOG", "value": "debug"}],
                "volumeMounts": [{"name": "certificates", "mountPath": "/etc/ssl/corporate", "readOnly": true}],
                "livenessProbe": {"failureThreshold": 9},
            }],
        },
    }));
    assert_eq!(with["metadata"]["labels"]["example.com/team"], "shop");
    assert_eq!(with["metadata"]["annotations"]["example.com/scrape"], "no");
    assert_eq!(
        (&with["spec"]["terminationGracePeriodSeconds"], &with["spec"]["runtimeClassName"]),
        (&json!(90), &json!("gvisor"))
    );
    let (container, before) = (&with["spec"]["containers"][0], &plain["spec"]["containers"][0]);
    assert_eq!(container["livenessProbe"]["failureThreshold"], 9);
    assert_eq!(container["livenessProbe"]["httpGet"], before["livenessProbe"]["httpGet"]);
    let added = |list: &str, field: &str| {
        let of = |container: &Value| -> Vec<Value> {
            container[list].as_array().expect("a list").iter().map(|it| it[field].clone()).collect()
        };
        let (now, then) = (of(container), of(before));
        assert!(then.iter().all(|it| now.contains(it)), "{list}");
        now.into_iter().filter(|it| !then.contains(it)).collect::<Vec<_>>()
    };
    assert_eq!(added("env", "name"), ["RUST_LOG"]);
    assert_eq!(added("volumeMounts", "mountPath"), ["/etc/ssl/corporate"]);
    for (name, value) in plain["metadata"]["labels"].as_object().expect("labels") {
        assert_eq!(with["metadata"]["labels"][name], *value);
    }
}

#[test]
fn every_part_with_pods_takes_it() {
    let pods = json!({"podTemplate": {"metadata": {"labels": {"example.com/team": "shop"}}}});
    let all = objects(&planned(&with_spec(every_part(&pods))));
    let templates: Vec<_> = all.iter().filter_map(template).collect();
    assert_eq!(templates.len(), 19);
    assert!(templates.iter().all(|it| it["metadata"]["labels"]["example.com/team"] == "shop"));
}

#[test]
fn of_the_block_that_the_exporters_share_each_takes_its_own_and_refuses_what_neither_has() {
    let with = |name: &str| {
        let container = json!({"name": name, "env": [{"name": "EXAMPLE", "value": "1"}]});
        json!({"monitoring": {"exporters": {"podTemplate": {"spec": {"containers": [container]}}}}})
    };
    for (name, other) in [("redis-exporter", "postgres-exporter"), ("postgres-exporter", "redis-exporter")] {
        let all = objects(&planned(&with_spec(with(name))));
        let has = |name: &str| {
            let deployment = all.iter().find(|it| it["kind"] == "Deployment" && it["metadata"]["name"] == name);
            deployment.expect("an exporter")["spec"]["template"].to_string().contains("EXAMPLE")
        };
        assert_eq!((has(&format!("demo-{name}")), has(&format!("demo-{other}"))), (true, false));
    }
    let said = refusal(with("redis-exportr"));
    assert!(
        said.starts_with("spec.monitoring.exporters.podTemplate.spec.containers[redis-exportr].image: none"),
        "{said}"
    );
}

#[test]
fn a_container_beside_the_service_is_restricted_too() {
    let with = cart(json!({"spec": {
        "volumes": [{"name": "spool", "emptyDir": {}}],
        "containers": [{"name": "shipper", "image": "example.com/shipper:1", "volumeMounts": [{"name": "spool", "mountPath": "/spool"}],
                        "securityContext": {"readOnlyRootFilesystem": false, "runAsUser": 1000}}],
        "initContainers": [{"name": "wait", "image": "example.com/wait:1"}],
    }}));
    let containers = with["spec"]["containers"].as_array().expect("containers");
    assert_eq!(containers.iter().map(|it| it["name"].as_str()).collect::<Vec<_>>(), [Some("cart"), Some("shipper")]);
    for container in [&containers[1], &with["spec"]["initContainers"][0]] {
        let security = &container["securityContext"];
        assert_eq!(security["allowPrivilegeEscalation"], false);
        assert_eq!(security["capabilities"], json!({"drop": ["ALL"]}));
    }
    assert_eq!(containers[1]["securityContext"]["readOnlyRootFilesystem"], false);
    assert_eq!(with["spec"]["initContainers"][0]["securityContext"]["readOnlyRootFilesystem"], true);
}

#[test]
fn what_the_operator_needs_for_itself_is_refused() {
    let own = |fields: Value| {
        let mut container = json!({"name": "cart"});
        container.as_object_mut().expect("fields").extend(fields.as_object().expect("fields").clone());
        json!({"containers": [container]})
    };
    refused(own(json!({"image": "x"})), ".containers[cart].image", "write it in spec.images");
    refused(
        own(json!({"resources": {"limits": {"cpu": "1"}}})),
        ".containers[cart].resources",
        "write it as resources",
    );
    for field in [
        json!({"ports": [{"containerPort": 1}]}),
        json!({"command": ["x"]}),
        json!({"securityContext": {"privileged": true}}),
    ] {
        let name = field.as_object().and_then(|it| it.keys().next().cloned()).expect("a field");
        refused(own(field), &format!(".containers[cart].{name}"), "the operator sets this itself");
    }
    let env = json!({"env": [{"name": "DATABASE_URL", "value": "x"}]});
    refused(own(env), ".containers[cart].env[DATABASE_URL]", "sets this variable itself");
    for path in ["/run/shopkeeper/token", "/run/shopkeeper", "/run/shopkeeper/keys/mine", "/"] {
        let mut spec = own(json!({"volumeMounts": [{"name": "mine", "mountPath": path}]}));
        spec["volumes"] = json!([{"name": "mine", "emptyDir": {}}]);
        refused(spec, &format!(".containers[cart].volumeMounts[{path}]"), "use another path");
    }
    let token = json!({"volumeMounts": [{"name": "token", "mountPath": "/mine"}]});
    refused(own(token), ".containers[cart].volumeMounts[/mine]", "mount a volume of this podTemplate's volumes");
    refused(json!({"volumes": [{"name": "token", "emptyDir": {}}]}), ".volumes[token]", "is the operator's");
    let probe = json!({"livenessProbe": {"httpGet": {"port": 1}}});
    refused(own(probe), ".containers[cart].livenessProbe.httpGet", "only the times can be changed");
    for field in [
        "serviceAccountName",
        "securityContext",
        "restartPolicy",
        "hostNetwork",
        "hostPID",
        "automountServiceAccountToken",
    ] {
        refused(json!({field: null}), &format!(".{field}"), "the operator sets this itself");
    }
    refused(json!({"nodeSelector": {"a": "b"}}), ".nodeSelector", "write it as scheduling.nodeSelector");
    refused(json!({"imagePullSecrets": []}), ".imagePullSecrets", "spec.images.pullSecrets");
    refused(json!({"terminationGracePeriodSeconds": 5}), ".terminationGracePeriodSeconds", "write 35 or more");
}

#[test]
fn nothing_weakens_pod_security() {
    let beside = |fields: Value| {
        let mut container = json!({"name": "mine", "image": "x"});
        container.as_object_mut().expect("fields").extend(fields.as_object().expect("fields").clone());
        json!({"containers": [container]})
    };
    for security in [
        json!({"privileged": true}),
        json!({"allowPrivilegeEscalation": true}),
        json!({"capabilities": {"add": ["NET_ADMIN"]}}),
        json!({"runAsNonRoot": false}),
        json!({"runAsUser": 0}),
        json!({"procMount": "Unmasked"}),
        json!({"seccompProfile": {"type": "Unconfined"}}),
        json!({"appArmorProfile": {"type": "Unconfined"}}),
        json!({"seLinuxOptions": {"role": "x"}}),
        json!({"windowsOptions": {"hostProcess": true}}),
    ] {
        refused(
            beside(json!({"securityContext": security})),
            ".containers[mine].securityContext.",
            "Pod Security restricted",
        );
    }
    refused(beside(json!({"ports": [{"containerPort": 1, "hostPort": 1}]})), ".containers[mine].ports", "hostPort");
    let probe = json!({"livenessProbe": {"httpGet": {"host": "169.254.169.254", "port": 80}}});
    refused(beside(probe), ".containers[mine]", "leave host out");
    let token = json!({"volumeMounts": [{"name": "token", "mountPath": "/token"}]});
    refused(beside(token), ".containers[mine].volumeMounts[/token]", "mount a volume of this podTemplate's volumes");
    for volume in [json!({"hostPath": {"path": "/"}}), json!({"nfs": {"server": "a", "path": "/"}})] {
        let mut named = json!({"name": "mine"});
        named.as_object_mut().expect("fields").extend(volume.as_object().expect("fields").clone());
        refused(json!({"volumes": [named]}), ".volumes[mine].", "this weakens the pods");
    }
    let projected = json!({"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}, "name": "mine"});
    refused(json!({"volumes": [projected]}), ".volumes[mine].projected.sources", "have no token");
}

#[test]
fn what_kubernetes_does_not_know_is_named() {
    refused(
        json!({"containers": [{"name": "cart", "enf": []}, {"name": "x", "imag": "y"}]}),
        "",
        "there is no field containers[1].imag",
    );
    refused(json!({"containers": {}}), "", "invalid type");
    let said = refusal(json!({"redis": {"managed": {"scheduling": {"affinity": {"nodeAfinity": {}}}}}}));
    assert_eq!(said, "spec.redis.managed.scheduling.affinity: there is no field nodeAfinity");
    let said = refusal(json!({"metadata": {"labels": {"app.kubernetes.io/name": "x"}}}));
    assert!(said.starts_with("spec.metadata: \"app.kubernetes.io/name\" belongs to"), "{said}");
}

#[test]
fn a_secret_that_is_brought_in_rolls_the_pods_that_have_it_and_no_others() {
    let env = json!([{"name": "LICENCE", "valueFrom": {"secretKeyRef": {"name": "licence", "key": "key"}}}]);
    let spec = json!({"services": {"cart": {"podTemplate": {"spec": {"containers": [{"name": "cart", "env": env}]}}}}});
    let store = with_spec(spec);
    assert!(shopkeeper_plan::named_secrets(&store).contains("licence"));
    let shop = validate(&store, &images()).expect("a shop");
    let templates = |content: Option<&str>| -> Vec<(Value, Value)> {
        let mut found = found();
        found.secrets = content.map(|content| ("licence".to_owned(), content.to_owned())).into_iter().collect();
        let all = objects(&plan(&shop, &found).expect("a plan"));
        all.iter().map(|it| (it["metadata"]["name"].clone(), it["spec"]["template"].clone())).collect()
    };
    let changed = |before: &[(Value, Value)], after: &[(Value, Value)]| -> Vec<Value> {
        before.iter().zip(after).filter(|(before, after)| before != after).map(|(before, _)| before.0.clone()).collect()
    };
    let (missing, first, second) = (templates(None), templates(Some("1")), templates(Some("2")));
    assert_eq!(changed(&missing, &first), ["demo-cart"]);
    assert_eq!(changed(&first, &second), ["demo-cart"]);
    assert_eq!(changed(&second, &templates(Some("2"))), [] as [Value; 0]);
}
