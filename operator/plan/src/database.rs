//! How the services reach the database and Redis.

use crate::{
    Component, Found, InvalidUrl, SecretText, Shop,
    cluster::cluster_name,
    shop::{DatabaseKind, RedisKind},
    url,
};

/// Database of a managed PostgreSQL that holds everything.
pub(crate) const DATABASE: &str = "shop";

/// Name of the Secret with the generated passwords of the database's roles.
pub(crate) fn passwords_secret(shop_name: &str) -> String {
    format!("{shop_name}-database")
}

/// Name of the Secret with everything else that is generated.
pub(crate) fn credentials_secret(shop_name: &str) -> String {
    format!("{shop_name}-credentials")
}

/// URL with the rights to make roles and schemas, for the migrate Job only.
pub(crate) fn admin_url(shop: &Shop, found: &Found) -> Result<SecretText, InvalidUrl> {
    match shop.database {
        DatabaseKind::Managed(_) => {
            let (password, host) = (found.credentials.database.admin.reveal(), shop.child(Component::Postgres));
            Ok(SecretText::new(format!("postgres://postgres:{password}@{host}:5432/{DATABASE}")))
        }
        DatabaseKind::CloudNativePg(_) => {
            // The Service that leads to the primary.
            let (password, host) = (found.credentials.database.admin.reveal(), format!("{}-rw", cluster_name(shop)));
            Ok(SecretText::new(format!("postgres://postgres:{password}@{host}:5432/{DATABASE}")))
        }
        DatabaseKind::External => found
            .external_database
            .clone()
            .ok_or(InvalidUrl { expected: "postgres://user:password@host:port/database" }),
    }
}

/// URL of a service's own role.
pub(crate) fn service_url(shop: &Shop, found: &Found, service: Component) -> Result<SecretText, InvalidUrl> {
    let password = found.credentials.database.of(service);
    url::as_role(&admin_url(shop, found)?, service.role(), password)
}

/// URL of Redis.
pub(crate) fn redis_url(shop: &Shop, found: &Found) -> Result<SecretText, InvalidUrl> {
    let redis = match shop.redis {
        RedisKind::Managed(_) => {
            let (password, host) = (found.credentials.redis.reveal(), shop.child(Component::Redis));
            SecretText::new(format!("redis://:{password}@{host}:6379"))
        }
        RedisKind::External => {
            found.external_redis.clone().ok_or(InvalidUrl { expected: "redis://:password@host:port" })?
        }
    };
    url::check_redis(&redis)?;
    Ok(redis)
}
