//! Describes the services' SQL for builds without a database: writes `services/<service>/.sqlx`, or checks it (`--check`).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::SystemTime;

use anyhow::{Context as _, bail, ensure};
use secrecy::SecretString;
use shop_runtime::db::DbConfig;
use shop_testkit::TestPostgres;
use sqlx::migrate::Migrator;

/// The services and the schemas of their SQL.
const SERVICES: [(&str, &str); 4] = [("catalog", "catalog"), ("cart", "cart"), ("order", "orders"), ("user", "users")];

/// Query descriptions by file name.
type Descriptions = BTreeMap<String, Vec<u8>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let (options, names): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let check = match &*options {
        [] => false,
        [option] if option == "--check" => true,
        _ => {
            eprintln!("usage: prepare-queries [--check] [service…]");
            return ExitCode::FAILURE;
        }
    };
    match prepare_all(&names, check).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("prepare-queries: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn prepare_all(names: &[String], check: bool) -> anyhow::Result<()> {
    if let Some(unknown) = names.iter().find(|name| SERVICES.iter().all(|(service, _)| service != name)) {
        bail!("there is no service {unknown}");
    }
    let services = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let server = TestPostgres::start().await;
    let mut outdated = Vec::new();
    for (name, schema) in SERVICES {
        let dir = services.join(name);
        let wanted = names.is_empty() || names.iter().any(|wanted| wanted == name);
        if !wanted || !dir.join("sqlx.toml").exists() {
            continue;
        }
        let url = migrated(&server, &dir, schema).await.with_context(|| format!("migrations of {name}"))?;
        let described = describe(name, &dir, &url).with_context(|| format!("queries of {name}"))?;
        let kept = read(&dir.join(".sqlx"))?;
        if check {
            outdated.extend((described != kept).then_some(name));
        } else {
            replace(&dir.join(".sqlx"), &kept, &described)?;
        }
        println!("{name}: {} queries", described.len());
    }
    ensure!(
        outdated.is_empty(),
        "out of date: .sqlx of {}; run `cargo run --bin prepare-queries`",
        outdated.join(", ")
    );
    Ok(())
}

/// A database with the service's schema; its URL for the service's role.
async fn migrated(server: &TestPostgres, dir: &Path, schema: &'static str) -> anyhow::Result<String> {
    let url = server.url(schema, "postgres");
    let migrator = Migrator::new(dir.join("migrations")).await?;
    let admin = SecretString::from(server.admin_url("postgres"));
    let config = DbConfig::new(url.clone().into(), "prepare-queries", schema);
    shop_runtime::migrate::migrate(&migrator, &config, Some(&admin)).await?;
    Ok(url)
}

/// Compiles the service with the database at hand; sqlx's macros then save what they learn of each query.
fn describe(name: &str, dir: &Path, url: &str) -> anyhow::Result<Descriptions> {
    let variable = database_variable(&dir.join("sqlx.toml"))?;
    let saved = tempfile::tempdir()?;
    // Cargo does not know that the macros depend on these variables, so it is told that the source has changed.
    File::options().append(true).open(dir.join("src/lib.rs"))?.set_modified(SystemTime::now())?;
    let checked = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        // Without its package, so that what it depends on has the features of the whole workspace and need not be compiled anew.
        .args(["check", "--quiet", "--bin", name])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.."))
        .env(variable, url)
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", saved.path())
        .status()?;
    ensure!(checked.success(), "cargo check failed");
    read(saved.path())
}

/// The variable that this service's macros read, from its `sqlx.toml`.
fn database_variable(config: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(config)?;
    text.lines()
        .filter_map(|line| line.split_once('='))
        .find(|(key, _)| key.trim() == "database-url-var")
        .map(|(_, value)| value.trim().trim_matches('"').to_owned())
        .with_context(|| format!("{} has no database-url-var", config.display()))
}

fn read(dir: &Path) -> anyhow::Result<Descriptions> {
    let mut descriptions = Descriptions::new();
    if dir.exists() {
        for entry in fs::read_dir(dir)? {
            let path: PathBuf = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with("query-") {
                descriptions.insert(name.to_owned(), fs::read(&path)?);
            }
        }
    }
    Ok(descriptions)
}

/// Writes what is new and removes what is no longer asked.
fn replace(dir: &Path, kept: &Descriptions, described: &Descriptions) -> anyhow::Result<()> {
    fs::create_dir_all(dir)?;
    for name in kept.keys().filter(|name| !described.contains_key(*name)) {
        fs::remove_file(dir.join(name))?;
    }
    for (name, description) in described {
        if kept.get(name) != Some(description) {
            fs::write(dir.join(name), description)?;
        }
    }
    Ok(())
}
