//! The real program, killed at any time.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::json;

use crate::support::{World, kubeconfig_path, shape, until_shaped};

/// The operator as a process. It is killed when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Each has a Lease of its own, so that nobody waits for the end of a dead one's; there is never more than one. All live in one
    /// namespace, since each Store's network policies let that one in.
    fn start(world: &World, home: &World, kubeconfig: &PathBuf, number: usize) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_operator"))
            .env("KUBECONFIG", kubeconfig)
            .env("RUST_LOG", "warn")
            .args(["--watch-namespaces", &world.namespace, "--lease-namespace", &home.namespace])
            .args(["--lease-name", &format!("operator-{number}"), "--metrics-addr", "127.0.0.1:0"])
            .args(["--default-image-registry", "shopkeeper.local", "--default-image-tag", "v1"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the operator");
        Self(child)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_at_any_time_it_comes_to_the_same_end() {
    let kubeconfig = kubeconfig_path().await;
    let whole = World::new("never-killed").await;
    whole.apply("demo", json!({"demo": {"products": 1}})).await;
    let undisturbed = Process::start(&whole, &whole, &kubeconfig, 1000);
    whole.ready("demo").await;
    let expected = shape(&whole).await;
    drop(undisturbed);

    let world = World::new("killed").await;
    world.apply("demo", json!({"demo": {"products": 1}})).await;
    for number in 0..12 {
        let process = Process::start(&world, &whole, &kubeconfig, number);
        // From before its first call to well into the writes; what is there then differs from run to run, the end must not.
        let life = Duration::from_millis(60).mul_f64(1.0 + 12.0 * rand::random::<f64>());
        tokio::time::sleep(life).await;
        drop(process);
    }
    // A change in the middle of it all.
    world.apply("demo", json!({"demo": {"products": 1}, "services": {"order": {"replicas": 2}}})).await;
    let process = Process::start(&world, &whole, &kubeconfig, 100);
    tokio::time::sleep(Duration::from_millis(400).mul_f64(rand::random())).await;
    drop(process);
    world.apply("demo", json!({"demo": {"products": 1}})).await;
    let last = Process::start(&world, &whole, &kubeconfig, 101);
    world.ready("demo").await;
    until_shaped(&world, &expected, "the same end as that of one that was never killed").await;
    drop(last);
}
