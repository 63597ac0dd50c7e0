//! The operator dies, at every single write, and the next one brings the Store to the same end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, stream};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Mishap, Mishaps, Shape, World, shape, until_shaped};

/// So many worlds at a time.
const AT_ONCE: usize = 8;

/// Lets some writes pass and then none any more, as if the process had died right after the last of them.
fn dead_after(left: Arc<AtomicU64>) -> Mishaps {
    Mishaps::new(move |request| {
        let writes = request.method() != Method::GET;
        let spent = || left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err();
        (writes && spent()).then_some(Mishap::RequestLost)
    })
}

fn spec() -> Value {
    json!({"demo": {"products": 1}})
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_write_the_next_one_comes_to_the_same_end() {
    let whole = World::new("fault-none").await;
    let operator = whole.operator();
    whole.apply("demo", spec()).await;
    whole.ready("demo").await;
    let expected = shape(&whole).await;
    let writes = operator.writes();
    operator.stop().await;
    assert!(writes > 25, "{writes} writes");
    stream::iter(0..=writes).for_each_concurrent(AT_ONCE, |after| converges_after(after, &expected)).await;
}

async fn converges_after(writes: u64, expected: &Shape) {
    let world = World::new(&format!("fault-{writes}")).await;
    let left = Arc::new(AtomicU64::new(writes));
    let dying = world.operator_through(&dead_after(left.clone()));
    world.apply("demo", spec()).await;
    let spent = async {
        while left.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    // Statuses are written together when things happen together, so a run may need fewer writes than the measured one.
    let _ = tokio::time::timeout(Duration::from_secs(8), spent).await;
    dying.kill().await;

    let next = world.operator();
    world.ready("demo").await;
    until_shaped(&world, expected, &format!("the same end after {writes} writes")).await;
    next.stop().await;
}
