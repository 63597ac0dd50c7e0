//! What is saved comes back.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use secrecy::ExposeSecret as _;
use sqlx::{Connection as _, PgConnection};

use crate::support::Catalog;

/// What a program of PostgreSQL says when it is given this.
fn says(program: &str, arguments: &[&str], given: &[u8]) -> Vec<u8> {
    let mut command = Command::new(program);
    let command = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("PostgreSQL's programs are there");
    let mut input = child.stdin.take().expect("it reads");
    // What it says is little, or it reads nothing, so neither waits for the other.
    input.write_all(given).expect("it reads all of it");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// `pg_dump` writes whatever it is told to; whether that can be read again depends on how the schema is written.
#[tokio::test]
async fn a_saved_catalog_comes_back_whole() {
    let catalog = Catalog::with_products(3).await;
    let url = catalog.db.admin_url();
    // What sqlx adds to it is not for PostgreSQL's own programs.
    let url = url.expose_secret().split('?').next().expect("an address");
    let saved = says("pg_dump", &["--format=custom", url], &[]);

    let mut admin = PgConnection::connect(url).await.expect("the database is there");
    let name: String = sqlx::query_scalar("SELECT current_database()").fetch_one(&mut admin).await.expect("a name");
    let (there, _) = url.split_once(&name).expect("the name is in the address");
    let back = format!("{name}_back");
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(r#"CREATE DATABASE "{back}""#))).execute(&mut admin).await.expect("made");
    let target = format!("--dbname={there}{back}");
    says("pg_restore", &["--exit-on-error", &target], &saved);

    let mut restored = PgConnection::connect(&format!("{there}{back}")).await.expect("it is there");
    let found: i64 =
        sqlx::query_scalar("SELECT count(*) FROM catalog.listings").fetch_one(&mut restored).await.expect("ours");
    assert_eq!(found, 3);
    let similar = "SELECT count(*) FROM catalog.similar_words('nothing', 5)";
    sqlx::query_scalar::<_, i64>(similar).fetch_one(&mut restored).await.expect("what searches use works");
    restored.close().await.expect("closed");
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(r#"DROP DATABASE "{back}""#))).execute(&mut admin).await.expect("gone");
}
