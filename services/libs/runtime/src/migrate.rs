//! The schema of a service: made with the rights of an administrator, filled with those of the service.

use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection};

use crate::db::{DbConfig, DbConfigError};

/// Any number will do, as long as it is always the same: whoever provisions this database takes this lock.
const PROVISION_LOCK: i64 = 0x5348_4f50;

/// How long `migrate` waits for a database that is only just starting.
const PATIENCE: Duration = Duration::from_secs(60);

/// The line by which a migration says that it needs an extension, which only an administrator may make.
const NEEDS_EXTENSION: &str = "-- needs extension ";

/// The schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The URL of the service's database can't be read.
    #[error(transparent)]
    Config(#[from] DbConfigError),
    /// The URL names no role or no database.
    #[error("the database's URL names no {0}")]
    Incomplete(&'static str),
    /// The administrator's URL can't be read.
    #[error("the administrator's database URL can't be read")]
    AdminUrl,
    /// The database can't be reached.
    #[error("can't connect to the database as {role}")]
    Connect {
        /// As whom.
        role: String,
        /// Why not.
        #[source]
        source: sqlx::Error,
    },
    /// Role or schema could not be made.
    #[error("can't {what}")]
    Provision {
        /// What was being done.
        what: &'static str,
        /// Why it failed; statements with passwords are not in it.
        #[source]
        source: sqlx::Error,
    },
    /// A migration failed, or differs from what was applied before.
    #[error("can't migrate schema {schema}")]
    Migrate {
        /// Whose.
        schema: &'static str,
        /// Why it failed.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
}

/// Makes role and schema if an administrator's URL is given, then applies the migrations. Safe to run again and at the same time.
pub async fn migrate(
    migrator: &Migrator,
    config: &DbConfig,
    admin_url: Option<&SecretString>,
) -> Result<(), MigrationError> {
    if let Some(admin_url) = admin_url {
        provision(config, admin_url, migrator).await?;
    }
    let options = config.connect_options()?.options([
        // A migration may take its time, unlike a request.
        ("statement_timeout", "0"),
        ("lock_timeout", "30000"),
        ("idle_in_transaction_session_timeout", "0"),
    ]);
    let mut connection = connect(&options, config.schema).await?;
    migrator.run(&mut connection).await.map_err(|source| MigrationError::Migrate { schema: config.schema, source })?;
    let _ = connection.close().await;
    Ok(())
}

/// Makes the service's role, with the password of its URL, and its schema, which only that role may use, with the extensions that the
/// migrations name in lines like `-- needs extension pg_trgm`. One that the database has already stays where it is: a migration looks
/// for it, and says what to do if there is none, for where nobody is given an administrator's URL.
pub async fn provision(config: &DbConfig, admin_url: &SecretString, migrator: &Migrator) -> Result<(), MigrationError> {
    let admin = PgConnectOptions::from_str(admin_url.expose_secret()).map_err(|_| MigrationError::AdminUrl)?;
    let service = ServiceUrl::read(config.url.expose_secret())?;
    // Statements carry the password, so they are not logged.
    let mut connection = connect(&admin.disable_statement_logging(), "the administrator").await?;
    let failed = |what| move |source| MigrationError::Provision { what, source };

    let mut transaction = connection.begin().await.map_err(failed("begin"))?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(PROVISION_LOCK)
        .execute(&mut *transaction)
        .await
        .map_err(failed("wait for others who provision"))?;
    let statements = Statements::of(&mut transaction, &service, config.schema).await.map_err(failed("quote names"))?;
    for (what, statement) in statements.0 {
        transaction.execute(AssertSqlSafe(statement)).await.map_err(failed(what))?;
    }
    for extension in extensions(migrator) {
        let statement = make_extension(&mut transaction, extension, config.schema).await;
        let statement = statement.map_err(failed("quote names"))?;
        transaction.execute(AssertSqlSafe(statement)).await.map_err(failed("make an extension"))?;
    }
    transaction.commit().await.map_err(failed("commit"))?;
    let _ = connection.close().await;
    Ok(())
}

/// What the service's URL says of its role.
struct ServiceUrl {
    role: String,
    password: String,
    database: String,
}

impl ServiceUrl {
    fn read(url: &str) -> Result<Self, MigrationError> {
        let options = PgConnectOptions::from_str(url).map_err(|_| DbConfigError)?;
        let password = password_of(url).ok_or(MigrationError::Incomplete("password"))?;
        let database = options.get_database().ok_or(MigrationError::Incomplete("database"))?;
        Ok(Self { role: options.get_username().to_owned(), password, database: database.to_owned() })
    }
}

/// sqlx reads the password but does not give it back.
fn password_of(url: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).ok()?;
    let encoded = url.password()?;
    percent_decode(encoded)
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The statements that make a role and its schema, quoted by the server itself.
struct Statements([(&'static str, String); 5]);

impl Statements {
    async fn of(connection: &mut PgConnection, service: &ServiceUrl, schema: &str) -> Result<Self, sqlx::Error> {
        let (role, password, schema, database, role_exists): (String, String, String, String, bool) = sqlx::query_as(
            "SELECT quote_ident($1), quote_literal($2), quote_ident($3), quote_ident($4),
                    EXISTS (SELECT FROM pg_roles WHERE rolname = $1)",
        )
        .bind(&service.role)
        .bind(&service.password)
        .bind(schema)
        .bind(&service.database)
        .fetch_one(connection)
        .await?;
        let verb = if role_exists { "ALTER" } else { "CREATE" };
        Ok(Self([
            ("make the role", format!("{verb} ROLE {role} LOGIN PASSWORD {password}")),
            ("let the role connect", format!("GRANT CONNECT ON DATABASE {database} TO {role}")),
            // An administrator who is not a superuser may give a schema only to a role that it belongs to.
            ("join the role", format!("GRANT {role} TO CURRENT_USER")),
            ("make the schema", format!("CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {role}")),
            ("keep others out of the schema", format!("REVOKE ALL ON SCHEMA {schema} FROM PUBLIC")),
        ]))
    }
}

/// The extensions that the migrations need.
fn extensions(migrator: &Migrator) -> impl Iterator<Item = &str> {
    let lines = migrator.iter().flat_map(|migration| migration.sql.as_str().lines());
    lines.filter_map(|line| line.strip_prefix(NEEDS_EXTENSION)).map(str::trim)
}

async fn make_extension(connection: &mut PgConnection, name: &str, schema: &str) -> Result<String, sqlx::Error> {
    sqlx::query_scalar("SELECT format('CREATE EXTENSION IF NOT EXISTS %I WITH SCHEMA %I', $1, $2)")
        .bind(name)
        .bind(schema)
        .fetch_one(connection)
        .await
}

/// Connects, with patience for a server that is only just starting.
async fn connect(options: &PgConnectOptions, role: &str) -> Result<PgConnection, MigrationError> {
    let started = tokio::time::Instant::now();
    loop {
        match options.connect().await {
            Ok(connection) => return Ok(connection),
            Err(error) if started.elapsed() < PATIENCE && crate::db::is_unavailable(&error) => {
                tracing::info!(%error, "the database does not answer yet");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            Err(source) => return Err(MigrationError::Connect { role: role.to_owned(), source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_with_signs_of_its_own_is_read_as_it_was_meant() {
        let password = |url| ServiceUrl::read(url).map(|url| url.password).ok();
        assert_eq!(password("postgres://u:a%40b%25'@h/d").as_deref(), Some("a@b%'"));
        assert_eq!(password("postgres://u@h/d"), None);
    }
}
