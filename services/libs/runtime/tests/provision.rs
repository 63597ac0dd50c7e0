//! How a service gets its role, its schema and its tables.

use shop_runtime::db::{self, DbConfig};
use shop_runtime::migrate::{MigrationError, migrate};
use shop_testkit::{TestDb, TestPostgres};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Row as _, SqlSafeStr as _};

/// One table, as a service's only migration.
fn migrator(sql: &'static str) -> Migrator {
    let sql = sql.into_sql_str();
    Migrator::with_migrations(vec![Migration::new(1, "first".into(), MigrationType::Simple, sql, false)])
}

const TABLE: &str = "CREATE TABLE things (id bigint PRIMARY KEY)";

#[tokio::test]
async fn migrating_at_once_and_again_makes_role_schema_and_tables_once() {
    let server = TestPostgres::shared().await;
    let db = TestDb::new(&migrator(TABLE), "things").await;
    let role = r#"odd "role'"#;
    let url = server.url("ROLE", "DATABASE").replace("ROLE:ROLE-secret", "odd%20%22role%27:pass%27%40%25word");
    let database = db.pool().connect_options().get_database().expect("a name").to_owned();
    let config = DbConfig::new(url.replace("DATABASE", &database).into(), "test", "odd_schema");
    let (migrator, admin) = (migrator(TABLE), db.admin_url());
    let once = || migrate(&migrator, &config, Some(&admin));
    let (a, b, c) = tokio::join!(once(), once(), once());
    a.and(b).and(c).expect("all three succeed");
    once().await.expect("and again");

    let pool = db::connect(&config).expect("a good URL");
    let row = sqlx::query("SELECT current_user::text, current_schema()::text, current_setting('statement_timeout')")
        .fetch_one(&pool)
        .await
        .expect("the role may connect");
    assert_eq!((row.get::<&str, _>(0), row.get::<&str, _>(1), row.get::<&str, _>(2)), (role, "odd_schema", "5s"));
    sqlx::query("SELECT id FROM things").fetch_all(&pool).await.expect("its own tables");
    let other = sqlx::query("SELECT id FROM things.things").fetch_all(&pool).await;
    assert!(other.expect_err("not others'").to_string().contains("permission denied"));
}

#[tokio::test]
async fn an_extension_that_a_migration_needs_is_made_by_the_administrator_in_the_schema_of_the_service() {
    let db = TestDb::new(&migrator(TABLE), "things").await;
    let database = db.pool().connect_options().get_database().expect("a name").to_owned();
    let url = TestPostgres::shared().await.url("needy", &database);
    let config = DbConfig::new(url.into(), "test", "needy");
    let needs = migrator(
        "-- needs extension pg_trgm\nCREATE TABLE looks AS SELECT similarity('banana', 'bananna') > 0.5 AS alike",
    );
    let refused = migrate(&needs, &DbConfig { schema: "things", url: db.url(), ..config.clone() }, None).await;
    assert!(matches!(refused, Err(MigrationError::Migrate { .. })), "without an administrator: {refused:?}");

    migrate(&needs, &config, Some(&db.admin_url())).await.expect("the administrator makes it");

    let pool = db::connect(&config).expect("a good URL");
    let alike: bool = sqlx::query_scalar("SELECT alike FROM looks").fetch_one(&pool).await.expect("its own table");
    assert!(alike);
    let home: String =
        sqlx::query_scalar("SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'pg_trgm'")
            .fetch_one(&pool)
            .await
            .expect("it is there");
    assert_eq!(home, "needy");
}

#[tokio::test]
async fn a_migration_that_fails_says_whose_it_was_and_leaves_nothing() {
    let db = TestDb::new(&migrator(TABLE), "things").await;
    let database = db.pool().connect_options().get_database().expect("a name").to_owned();
    let url = TestPostgres::shared().await.url("broken", &database);
    let config = DbConfig::new(url.into(), "test", "broken");
    let admin = db.admin_url();
    let failed = migrate(&migrator("CREATE TABLE a (id int); SELECT nonsense"), &config, Some(&admin)).await;
    assert!(matches!(failed, Err(MigrationError::Migrate { schema: "broken", .. })));
    migrate(&migrator("CREATE TABLE a (id int)"), &config, None).await.expect("the mended one applies");
}
