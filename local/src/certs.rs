//! Certificates of the cluster's components, of an authority that lives as long as the cluster.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

use crate::error::{Error, Result};

const LIFETIME: Duration = Duration::days(365);
/// Clocks of machines that were just restored lag.
const BACKDATED: Duration = Duration::hours(1);

/// A certificate authority.
#[derive(Debug)]
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, as PEM.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// The certificate.
    pub(crate) certificate: String,
    /// The private key.
    pub(crate) key: String,
}

/// Who a certificate is for. Kubernetes reads the common name as a user, the organisation as a group.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Subject<'a> {
    /// The user.
    pub(crate) name: &'a str,
    /// The group.
    pub(crate) group: Option<&'a str>,
    /// Names and addresses that a server answers to.
    pub(crate) hosts: &'a [&'a str],
}

impl Authority {
    /// Makes an authority.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let failed = |source| Error::Certificate { name: name.to_owned(), source };
        let mut params = params(&Subject { name, ..Subject::default() }).map_err(failed)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().map_err(failed)?;
        CertifiedIssuer::self_signed(params, key).map(Self).map_err(failed)
    }

    /// The authority's certificate, as PEM.
    pub(crate) fn certificate(&self) -> String {
        self.0.pem()
    }

    /// The authority's private key, as PEM, for the controller that signs certificates in the cluster.
    pub(crate) fn key(&self) -> String {
        self.0.key().serialize_pem()
    }

    /// Issues a certificate that serves both ends of a connection.
    pub(crate) fn issue(&self, subject: &Subject<'_>) -> Result<Identity> {
        let failed = |source| Error::Certificate { name: subject.name.to_owned(), source };
        let mut params = params(subject).map_err(failed)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.signed_by(&key, &self.0).map_err(failed)?;
        Ok(Identity { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

/// A key pair for the tokens of service accounts, as PEM: private, public.
pub(crate) fn token_keys() -> Result<(String, String)> {
    let key = KeyPair::generate().map_err(|source| Error::Certificate { name: "service accounts".into(), source })?;
    Ok((key.serialize_pem(), key.public_key_pem()))
}

fn params(subject: &Subject<'_>) -> Result<CertificateParams, rcgen::Error> {
    let hosts: Vec<String> = subject.hosts.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(hosts)?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, subject.name);
    if let Some(group) = subject.group {
        params.distinguished_name.push(DnType::OrganizationName, group);
    }
    let now = OffsetDateTime::now_utc();
    params.not_before = now - BACKDATED;
    params.not_after = now + LIFETIME;
    Ok(params)
}

/// The bytes inside the first PEM block.
pub(crate) fn to_der(pem: &str) -> Option<Vec<u8>> {
    let body = pem.split("-----").nth(2)?;
    let base64: String = body.split_whitespace().collect();
    STANDARD.decode(base64).ok().filter(|bytes| !bytes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_issues_certificates_that_name_user_and_group() {
        let authority = Authority::new("test").unwrap();
        let subject = Subject { name: "admin", group: Some("system:masters"), hosts: &["localhost", "127.0.0.1"] };
        let identity = authority.issue(&subject).unwrap();
        assert!(identity.certificate.starts_with("-----BEGIN CERTIFICATE-----"));
        assert!(identity.key.starts_with("-----BEGIN PRIVATE KEY-----"));
        assert!(to_der(&identity.certificate).is_some_and(|der| der.starts_with(&[0x30])), "a DER sequence");
    }
}
