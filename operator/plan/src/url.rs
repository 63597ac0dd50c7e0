//! Addresses of databases.

use crate::SecretText;

/// The URL in a referenced Secret cannot be used. The URL itself is not shown, as it holds a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the URL does not look like {expected}")]
pub struct InvalidUrl {
    /// What was expected.
    pub expected: &'static str,
}

/// The same database as `admin`, as another role.
pub(crate) fn as_role(admin: &SecretText, role: &str, password: &SecretText) -> Result<SecretText, InvalidUrl> {
    let invalid = InvalidUrl { expected: "postgres://user:password@host:port/database" };
    let (scheme, rest) = admin.reveal().split_once("://").ok_or(invalid.clone())?;
    if !matches!(scheme, "postgres" | "postgresql") {
        return Err(invalid);
    }
    let (_, target) = rest.rsplit_once('@').ok_or(invalid.clone())?;
    let has_database =
        target.split(['?', '#']).next().and_then(|path| path.split_once('/')).is_some_and(|(_, name)| !name.is_empty());
    if !has_database {
        return Err(invalid);
    }
    Ok(SecretText::new(format!("{scheme}://{role}:{}@{target}", password.reveal())))
}

/// Checks the URL of a Redis.
pub(crate) fn check_redis(url: &SecretText) -> Result<(), InvalidUrl> {
    let known = ["redis://", "rediss://"].iter().any(|scheme| url.reveal().starts_with(scheme));
    if known { Ok(()) } else { Err(InvalidUrl { expected: "redis://:password@host:port" }) }
}

/// The port in a URL, or the one that is usual.
pub(crate) fn port(url: &SecretText, usual: i32) -> i32 {
    port_in(url.reveal(), usual)
}

/// The port in the address of a page, or the one of its scheme.
pub(crate) fn web_port(url: &str) -> i32 {
    port_in(url, if url.starts_with("https://") { 443 } else { 80 })
}

fn port_in(url: &str, usual: i32) -> i32 {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.rsplit_once('@').map_or(authority, |(_, target)| target);
    let host = authority.split(['/', '?', '#']).next().unwrap_or_default();
    host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok()).map_or(usual, i32::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_reaches_the_same_database_with_the_same_options() {
        let admin = SecretText::new("postgres://root:p@ss@db.example.com:5433/shop?sslmode=require");
        let url = as_role(&admin, "cart", &SecretText::new("pw")).unwrap();
        assert_eq!(url.reveal(), "postgres://cart:pw@db.example.com:5433/shop?sslmode=require");
    }

    #[test]
    fn the_port_is_the_one_of_the_url_or_the_usual_one() {
        let of = |url: &str| port(&SecretText::new(url), 5432);
        assert_eq!(of("postgres://root:p@ss:1@db.example.com:5433/shop?sslmode=require"), 5433);
        assert_eq!(of("postgres://root:p@ss@db.example.com/shop"), 5432);
        assert_eq!(of("redis://:pw@[::1]:7000"), 7000);
        assert_eq!(of("redis://redis.example.com"), 5432);
        let web = ["https://api.telegram.org", "http://telegram.test/", "http://telegram.test:8080/x"].map(web_port);
        assert_eq!(web, [443, 80, 8080]);
    }

    #[test]
    fn what_is_no_database_is_refused_without_showing_it() {
        for url in ["mysql://a:secret@b/c", "postgres://a:secret@b", "secret"] {
            let error = as_role(&SecretText::new(url), "cart", &SecretText::new("pw")).unwrap_err();
            assert!(!error.to_string().contains("secret@"), "{error}");
        }
        assert!(check_redis(&SecretText::new("http://x")).is_err());
    }
}
