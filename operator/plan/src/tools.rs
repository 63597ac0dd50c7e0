//! Pages to look into the database and Redis, behind the gateway and its login.

mod pg_admin;
mod redis_commander;

pub use pg_admin::PASSWORD_KEY as PG_ADMIN_PASSWORD_KEY;
pub(crate) use pg_admin::pg_admin;
pub(crate) use redis_commander::redis_commander;

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret};

use crate::{Component, Shop, meta};

/// What a tool is told, which is secret.
fn settings<const N: usize>(shop: &Shop, component: Component, files: [(&str, String); N]) -> Secret {
    let files = files.map(|(name, text)| (name.to_owned(), ByteString(text.into())));
    Secret {
        metadata: meta::owned(shop, shop.child(component), component),
        data: Some(BTreeMap::from(files)),
        ..Secret::default()
    }
}
