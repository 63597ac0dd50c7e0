//! Until when the certificates are good with which gateways themselves serve. They are read anyway, and only this is kept of them.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use x509_parser::pem::parse_x509_pem;

use crate::observed::StoreName;

/// Until when the certificates of Stores are good, in seconds since 1970.
#[derive(Debug, Default)]
pub struct Certificates {
    ends: Mutex<HashMap<StoreName, i64>>,
}

impl Certificates {
    fn lock(&self) -> MutexGuard<'_, HashMap<StoreName, i64>> {
        // Every change is complete before anything can panic, so a poisoned lock still guards sound data.
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what a Store's gateway serves with: certificates in PEM, its own first. Nothing is known of one that cannot be read.
    pub fn note(&self, store: &StoreName, chain: Option<&[u8]>) {
        match chain.and_then(end) {
            Some(end) => self.lock().insert(store.clone(), end),
            None => self.lock().remove(store),
        };
    }

    /// Until when a Store's certificate is good.
    pub fn end(&self, store: &StoreName) -> Option<i64> {
        self.lock().get(store).copied()
    }

    /// Forgets Stores that are gone.
    pub fn retain(&self, exists: impl Fn(&StoreName) -> bool) {
        self.lock().retain(|store, _| exists(store));
    }
}

fn end(chain: &[u8]) -> Option<i64> {
    let (_, first) = parse_x509_pem(chain).ok()?;
    Some(first.parse_x509().ok()?.validity().not_after.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> String {
        let mut parameters = rcgen::CertificateParams::new(vec!["shop.example.com".to_owned()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(2030, 1, 2);
        parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
    }

    #[test]
    fn the_end_of_the_first_certificate_is_known_until_there_is_none() {
        let store = StoreName { namespace: "shop".into(), name: "demo".into() };
        let certificates = Certificates::default();
        certificates.note(&store, Some(certificate().as_bytes()));
        assert_eq!(certificates.end(&store), Some(1_893_542_400));
        certificates.note(&store, Some(b"none"));
        assert_eq!(certificates.end(&store), None);
        certificates.note(&store, Some(certificate().as_bytes()));
        certificates.retain(|_| false);
        assert_eq!(certificates.end(&store), None);
    }
}
