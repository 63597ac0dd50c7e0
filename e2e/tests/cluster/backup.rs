//! A backup, and the way back to it, as the book tells people to type them.

use std::process::Command;
use std::time::{Duration, Instant};

use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::kubernetes::{DEMO, SHOP, client, eventually, ready, shop_url, stores};

const BOOK: &str = include_str!("../../../docs/src/store.md");
const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn a_backup_is_made_and_gone_back_to_as_the_book_tells() {
    let client = client().await;
    ready(&client, SHOP, DEMO, Duration::from_secs(120)).await;
    let began = Instant::now();
    let cron_jobs = Api::<CronJob>::namespaced(client.clone(), SHOP);
    change(&client, &json!({"keep": 2})).await;
    eventually("backups can be made", LIMIT, || async { cron_jobs.get("demo-backup").await.ok().map(drop) }).await;
    sql("CREATE TABLE tried AS SELECT 1 AS n");
    let products = sql("SELECT count(*) FROM catalog.products");
    let [make, go_back] = commands();

    let said = shell(&make);
    let is_backup = |word: &&str| word.starts_with("shop-2") && word.ends_with("Z.dump");
    let name = said.split_whitespace().rfind(is_backup).expect("the log lists it");
    println!("{name} was made {:.1} s after it was asked for", began.elapsed().as_secs_f64());
    let api = stores(&client, SHOP);
    eventually("the Store tells of it", LIMIT, || async {
        api.get(DEMO).await.ok()?.data.pointer("/status/backup/lastSuccessTime").map(drop)
    })
    .await;

    sql("UPDATE tried SET n = 2");
    sql("CREATE TABLE tried_later ()");
    let typed = go_back.replace("shop-20260101T030000Z.dump", name).replace("--timeout=1h", "--timeout=2m");
    let closed = Instant::now();
    shell(&typed);
    println!("the shop was closed for {:.1} s to go back to it", closed.elapsed().as_secs_f64());
    assert_eq!(sql("SELECT n FROM tried"), "1");
    assert_eq!(sql("SELECT to_regclass('tried_later') IS NULL"), "t");
    assert_eq!(sql("SELECT count(*) FROM catalog.products"), products);
    let shelf = format!("{}/api/products?category=fruit", shop_url());
    eventually("the shop is open", LIMIT, || async {
        reqwest::get(&shelf).await.ok()?.status().is_success().then_some(())
    })
    .await;

    sql("DROP TABLE tried");
    change(&client, &Value::Null).await;
    eventually("nothing makes backups any more", LIMIT, || async {
        cron_jobs.get_opt("demo-backup").await.ok()?.is_none().then_some(())
    })
    .await;
    let claims = Api::<PersistentVolumeClaim>::namespaced(client.clone(), SHOP);
    assert!(claims.get("demo-backup").await.is_ok(), "the backups stay");
    claims.delete("demo-backup", &DeleteParams::default()).await.expect("the volume can be deleted by hand");
    eventually("the volume is gone", LIMIT, || async {
        claims.get_opt("demo-backup").await.ok()?.is_none().then_some(())
    })
    .await;
    ready(&client, SHOP, DEMO, Duration::from_secs(120)).await;
    println!("all of it took {:.1} s", began.elapsed().as_secs_f64());
}

async fn change(client: &Client, backup: &Value) {
    let patch = json!({"spec": {"database": {"managed": {"backup": backup}}}});
    let api = stores(client, SHOP);
    api.patch(DEMO, &PatchParams::default(), &Patch::Merge(&patch)).await.expect("the Store can be changed");
}

/// The commands of the book's section about backups: how one is made, and how to go back to it.
fn commands() -> [String; 2] {
    let section = BOOK.split("\n## Backups\n").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("the section");
    let blocks = section.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let blocks: Vec<String> = blocks.map(str::to_owned).collect();
    blocks.try_into().expect("two blocks of commands")
}

/// What is said to commands that are typed one after the other; none may fail.
fn shell(commands: &str) -> String {
    let output = Command::new("sh").args(["-ec", commands]).output().expect("a shell can be started");
    let (said, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{commands}\n{said}\n{complaint}");
    said.into_owned()
}

/// What the shop's database answers.
fn sql(statement: &str) -> String {
    let psql = ["exec", "demo-postgres-0", "--", "psql", "-AtqX", "-d", "shop", "-c", statement];
    let output = Command::new("kubectl").args(["-n", SHOP]).args(psql).output().expect("kubectl can be started");
    assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
