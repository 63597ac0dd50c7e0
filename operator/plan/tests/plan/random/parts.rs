//! Parts of the shop itself, at random.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::stores::{Json, merged, object, one_of, part, some_of};

/// What every part with pods takes.
pub(super) fn pods() -> Json {
    let resources = object(vec![
        (
            "requests",
            object(vec![
                ("cpu", one_of(&json!(["1m", "250m", "0.5"]))),
                ("memory", one_of(&json!(["1Mi", "64M", "128Mi"]))),
            ]),
        ),
        (
            "limits",
            object(vec![
                ("cpu", one_of(&json!(["500m", "1.5", "64"]))),
                ("memory", one_of(&json!(["128Mi", "1Gi", "1Ti"]))),
            ]),
        ),
    ]);
    object(vec![
        ("resources", resources),
        ("scheduling", scheduling()),
        ("securityContext", security_context()),
        ("podTemplate", pod_template()),
    ])
}

fn scheduling() -> Json {
    let term = json!({"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"a": "b"}}});
    let required = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}});
    let spread = json!([
        {"topologyKey": "kubernetes.io/hostname"}, {"topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"},
        {"topologyKey": "topology.kubernetes.io/zone", "maxSkew": 3},
    ]);
    let tolerations = json!([
        {"operator": "Exists"}, {"key": "dedicated", "value": "shop", "effect": "NoSchedule"},
        {"key": "dedicated", "effect": "NoExecute", "tolerationSeconds": 5},
    ]);
    object(vec![
        ("nodeSelector", one_of(&json!([{}, {"disk": "fast"}]))),
        ("tolerations", some_of(&tolerations)),
        ("affinity", one_of(&json!([{}, required]))),
        ("topologySpreadConstraints", some_of(&spread)),
        ("priorityClassName", one_of(&json!(["high"]))),
    ])
}

fn security_context() -> Json {
    let id = || one_of(&json!([1, 1000, 2_147_483_647]));
    object(vec![
        ("runAsUser", id()),
        ("runAsGroup", id()),
        ("fsGroup", id()),
        ("supplementalGroups", some_of(&json!([1, 5555]))),
        ("seLinuxOptions", one_of(&json!([{"level": "s0"}, {"level": "s0:c26,c5"}]))),
    ])
}

/// What is laid over pods: containers beside those that are there, with a volume that they share.
fn pod_template() -> Json {
    let mount = json!({"name": "spool", "mountPath": "/spool"});
    let beside = json!([
        {"name": "shipper", "image": "example.com/shipper:1", "volumeMounts": [mount]},
        {"name": "helper", "image": "example.com/helper:1", "securityContext": {"readOnlyRootFilesystem": false, "runAsUser": 1000}},
    ]);
    let spec = merged(vec![
        Just(json!({"volumes": [{"name": "spool", "emptyDir": {"sizeLimit": "1Gi"}}]})).boxed(),
        object(vec![
            ("containers", some_of(&beside)),
            ("initContainers", one_of(&json!([[], [{"name": "wait", "image": "example.com/wait:1"}]]))),
            ("terminationGracePeriodSeconds", one_of(&json!([90, 600]))),
            ("runtimeClassName", one_of(&json!(["gvisor"]))),
            ("schedulerName", one_of(&json!(["mine"]))),
        ]),
    ]);
    let own = json!({"example.com/of-the-part": "yes"});
    object(vec![("metadata", one_of(&json!([{}, {"labels": own}, {"annotations": own}]))), ("spec", spec)])
}

pub(super) fn images() -> Json {
    object(vec![
        ("registry", one_of(&json!(["example.com/shop", "localhost:5000"]))),
        ("mirror", one_of(&json!(["mirror.example.com", "mirror:5000/up"]))),
        ("tag", one_of(&json!(["v2"]))),
        ("digests", one_of(&json!([{}, {"user": format!("sha256:{}", "0".repeat(64))}]))),
        ("pullPolicy", one_of(&json!(["IfNotPresent", "Always", "Never"]))),
        ("pullSecrets", some_of(&json!([{"name": "first"}, {"name": "second"}]))),
        ("postgres", one_of(&json!(["docker.io/library/postgres:17"]))),
        ("cart", one_of(&json!(["example.com/my-cart@sha256:00"]))),
        ("jaeger", one_of(&json!(["quay.io/jaegertracing/jaeger:2.19.0"]))),
    ])
}

pub(super) fn services() -> Json {
    let scale = || {
        one_of(&json!([
            {}, {"replicas": 1}, {"replicas": 100}, {"autoscaling": {"minReplicas": 1, "maxReplicas": 1}},
            {"autoscaling": {"minReplicas": 2, "maxReplicas": 6, "targetCpuUtilization": 100}},
        ]))
    };
    let service = |own| merged(vec![scale(), part(own)]);
    let life = json!([
        {}, {"deliveredAfter": "48h"},
        {"processingAfter": "1ms", "shippingAfter": "2ms", "deliveredAfter": "3ms", "deleteAfter": "4ms"},
    ]);
    let user = vec![
        ("accessTokenLifetime", one_of(&json!(["1m", "24h"]))),
        ("signingKeyRotation", one_of(&json!(["0s", "1h", "8760h"]))),
    ];
    object(vec![
        ("catalog", service(Vec::new())),
        ("cart", service(Vec::new())),
        ("order", service(vec![("lifecycle", one_of(&life))])),
        ("user", service(user)),
    ])
}

pub(super) fn gateway() -> Json {
    let annotations = json!([{}, {"example.com/x": "y"}]);
    let service = json!([
        {"type": "ClusterIP"}, {"type": "NodePort", "nodePort": 30080},
        {"type": "LoadBalancer", "annotations": {"service.beta.kubernetes.io/aws-load-balancer-type": "nlb"}},
    ]);
    let route = json!([
        {"parentRefs": [{"name": "public"}]},
        {"parentRefs": [{"name": "a", "namespace": "b", "sectionName": "https", "port": 443}], "hostnames": ["shop.example.com"]},
    ]);
    part(vec![
        ("host", one_of(&json!(["shop.example.com", "a"]))),
        ("corsOrigins", some_of(&json!(["https://app.example.com", "http://localhost:3000"]))),
        ("service", one_of(&service)),
        ("replicas", one_of(&json!([1, 2, 100]))),
        ("tls", one_of(&json!([{"secretName": "tls"}]))),
        ("ingress", object(vec![("className", one_of(&json!(["nginx"]))), ("annotations", one_of(&annotations))])),
        ("httpRoute", one_of(&route)),
        ("trustedProxies", some_of(&json!(["10.0.0.0/8", "fd00::/8", "192.168.1.1"]))),
    ])
}

pub(super) fn backup() -> Json {
    object(vec![
        ("schedule", one_of(&json!(["@hourly", "*/30 * * * *", "0 3 1 * mon"]))),
        ("timeZone", one_of(&json!(["UTC", "Europe/Berlin"]))),
        ("keep", one_of(&json!([1, 1000]))),
        ("storage", one_of(&json!([{}, {"size": "9Gi"}, {"storageClassName": "cheap"}]))),
    ])
}

pub(super) fn cloud_native_pg(storage: &Value) -> Json {
    object(vec![
        ("instances", one_of(&json!([1, 9]))),
        ("storage", one_of(storage)),
        ("resources", one_of(&json!([{}, {"limits": {"memory": "2Gi"}}]))),
        ("imageName", one_of(&json!(["ghcr.io/cloudnative-pg/postgresql:17"]))),
    ])
}
