//! Stores that the API server refuses, and what it says.

use crate::support::{World, kubectl};

async fn apply(namespace: &str, yaml: &str) -> (bool, String) {
    use std::{io::Write, process::Stdio};
    let mut command = kubectl().await;
    command
        .args(["apply", "-n", namespace, "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("kubectl");
    child.stdin.take().expect("a pipe").write_all(yaml.as_bytes()).expect("to write");
    let output = child.wait_with_output().expect("kubectl's answer");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn store(name: &str, spec: &str) -> String {
    format!("apiVersion: shopkeeper.dev/v1alpha1\nkind: Store\nmetadata: {{name: {name}}}\nspec: {spec}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_invalid_store_is_refused_with_a_sentence_that_says_what_to_write() {
    let world = World::new("refused").await;
    let corpus = [
        ("{profil: Laptop}", "unknown field \"spec.profil\""),
        ("{services: {catalog: {replica: 2}}}", "unknown field \"spec.services.catalog.replica\""),
        ("{profile: Huge}", "supported values: \"Laptop\", \"Standard\", \"HighAvailability\""),
        (
            "{cache: {policies: {products: {ttl: -5m}}}}",
            "write a duration such as 500ms, 30s, 10m or 1h30m; it cannot be negative",
        ),
        ("{cache: {policies: {products: {ttl: 0s}}}}", "a ttl must be more than nothing"),
        ("{cache: {policies: {bestsellers: {ttl: 5m, refreshBefore: 10m}}}}", "refreshBefore must be shorter than ttl"),
        ("{cache: {policies: {bestsellers: {ttl: 1h, refreshBefore: 1h}}}}", "refreshBefore must be shorter than ttl"),
        ("{cache: {policies: {products: {ttl: 1h, refreshBefore: 1m}}}}", "which is not this cache's default"),
        ("{cache: {policies: {produce: {ttl: 1h}}}}", "unknown field \"spec.cache.policies.produce\""),
        ("{cache: {policies: {products: {pattern: Telepathic}}}}", "supported values: \"CacheAside\""),
        ("{cache: {policies: {products: {ttl: 8760h, staleIfError: 1h}}}}", "must not be longer than 365 days"),
        ("{cache: {policies: {products: {softTimeout: 2s, hardTimeout: 1s}}}}", "softTimeout must not be longer"),
        ("{cache: {policies: {products: {hardTimeout: 0s}}}}", "a hardTimeout must be more than nothing"),
        ("{cache: {policies: {products: {jitterPercent: 60}}}}", "should be less than or equal to 50"),
        ("{cache: {policies: {products: {local: {ttl: 5s, maxEntries: 0}}}}}", "should be greater than or equal to 1"),
        (
            "{database: {managed: {}, external: {secretRef: {name: db}}}}",
            "write exactly one of managed, external and cloudNativePg",
        ),
        ("{database: {}}", "write exactly one of managed, external and cloudNativePg"),
        ("{services: {order: {replica: 2}}}", "unknown field \"spec.services.order.replica\""),
        ("{gateway: {hosts: x}}", "unknown field \"spec.gateway.hosts\""),
        ("{metadata: {labels: {app.kubernetes.io/name: x}}}", "write keys of your own, such as example.com/team"),
        ("{gateway: {trustedProxies: [everybody]}}", "write each proxy as an address"),
        ("{gateway: {httpRoute: {parentRefs: []}}}", "should have at least 1 items"),
        ("{jobs: {scheduling: {tolerations: [{effect: NoSchedule}]}}}", "write operator: Exists, or a key"),
        ("{redis: {managed: {maxMemory: lots}}}", "write an amount such as"),
        (
            "{services: {cart: {autoscaling: {minReplicas: 5, maxReplicas: 2}}}}",
            "minReplicas must not be greater than maxReplicas",
        ),
        (
            "{services: {cart: {replicas: 2, autoscaling: {minReplicas: 1, maxReplicas: 2}}}}",
            "write either replicas or autoscaling",
        ),
        ("{services: {order: {lifecycle: {processingAfter: 1h}}}}", "the times of an order's life must rise"),
        ("{services: {user: {accessTokenLifetime: 48h}}}", "an access token lives from 1m to 24h"),
        ("{gateway: {service: {nodePort: 30080}}}", "nodePort needs type NodePort"),
        ("{gateway: {corsOrigins: [\"https://a.example/path\"]}}", "write each origin as scheme and host"),
        ("{database: {managed: {backup: {schedule: daily}}}}", "write five fields as in a crontab"),
        ("{database: {managed: {backup: {timeZone: Local}}}}", "write the name of a time zone"),
        ("{database: {managed: {backup: {keep: 0}}}}", "should be greater than or equal to 1"),
        ("{database: {managed: {backup: {every: 1h}}}}", "unknown field \"spec.database.managed.backup.every\""),
        (
            "{database: {external: {secretRef: {name: db}}}, dataRetention: Delete}",
            "an external database is never deleted",
        ),
    ];
    for (spec, sentence) in corpus {
        let (accepted, said) = apply(&world.namespace, &store("bad", spec)).await;
        assert!(
            !accepted && said.contains(sentence),
            "{spec} should be refused with {sentence:?}, but kubectl said {said:?}"
        );
    }
    for length in [41, 63] {
        let (accepted, said) = apply(&world.namespace, &store(&"a".repeat(length), "{}")).await;
        assert!(!accepted && said.contains("at most 40 lower-case letters"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_cannot_be_done_are_refused() {
    let world = World::new("refused-changes").await;
    let first = "{database: {managed: {storage: {size: 2Gi}, backup: {storage: {size: 3Gi}}}}}";
    let (accepted, said) = apply(&world.namespace, &store("demo", first)).await;
    assert!(accepted, "{said}");
    for (spec, sentence) in [
        ("{database: {managed: {storage: {size: 1Gi}}}}", "a volume cannot shrink"),
        (
            "{database: {managed: {storage: {size: 2Gi, storageClassName: fast}}}}",
            "the storage class of a volume cannot change",
        ),
        ("{database: {managed: {backup: {storage: {size: 2Gi}}}}}", "the volume of the backups cannot shrink"),
        (
            "{database: {managed: {backup: {storage: {size: 3Gi, storageClassName: fast}}}}}",
            "the storage class of the volume of the backups cannot change",
        ),
        (
            "{database: {external: {secretRef: {name: db}}}}",
            "cannot change between managed, external and cloudNativePg",
        ),
    ] {
        let (accepted, said) = apply(&world.namespace, &store("demo", spec)).await;
        assert!(
            !accepted && said.contains(sentence),
            "{spec} should be refused with {sentence:?}, but kubectl said {said:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_is_accepted() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/demo.yaml");
    let output = kubectl().await.args(["apply", "-f", sample]).output().expect("kubectl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
