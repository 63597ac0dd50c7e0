//! The keys of a shop that exists for one test.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _};
use shop_auth::{AuthState, Claims, Role, ServiceToken, Signer, Verifier};
use shop_types::{SessionId, UserId};
use tempfile::TempDir;

/// A signing key, its public half and a service token, also as the files that a service reads them from.
#[derive(Debug)]
pub struct Keys {
    dir: TempDir,
    signer: Signer,
    service_token: String,
}

impl Keys {
    /// New keys, unlike any others.
    pub fn generate() -> Self {
        let key = SigningKey::from_bytes(&rand::random());
        let signer = Signer::new(&key).expect("the key can be encoded");
        let service_token = format!("service-token-{:032x}", rand::random::<u128>());
        let dir = tempfile::tempdir().expect("a temporary folder");
        let write =
            |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("a file can be written");
        std::fs::create_dir(dir.path().join("public")).expect("a folder can be made");
        let public = key.verifying_key().to_public_key_pem(LineEnding::LF).expect("the key can be encoded");
        write(&format!("public/{}.pem", signer.kid()), &public);
        write("signing.pem", &key.to_pkcs8_pem(LineEnding::LF).expect("the key can be encoded"));
        write("service-token", &service_token);
        Self { dir, signer, service_token }
    }

    /// An access token for this user, good for a quarter of an hour.
    pub fn token(&self, user: UserId, role: Role) -> String {
        self.signer.issue(user, "Test User", role, Duration::from_secs(900)).expect("a token can be signed")
    }

    /// An access token of a session.
    pub fn token_of_session(&self, user: UserId, role: Role, session: SessionId) -> String {
        let claims = Claims::lasting(Duration::from_secs(900), user, "Test User", role).of_session(session);
        self.signer.sign(&claims).expect("a token can be signed")
    }

    /// An access token for somebody new.
    pub fn token_of_somebody(&self) -> (UserId, String) {
        let user = UserId::generate();
        (user, self.token(user, Role::User))
    }

    /// Signs whatever a test wants signed.
    pub const fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The secret of service-to-service calls.
    pub fn service_token(&self) -> &str {
        &self.service_token
    }

    /// The value of the `Authorization` header of service-to-service calls.
    pub fn service_authorization(&self) -> String {
        format!("Service {}", self.service_token)
    }

    /// What a service's extractors need.
    pub fn auth_state(&self) -> AuthState {
        let verifier = Verifier::from_dir(&self.public_keys_dir()).expect("the keys can be read");
        AuthState::new(verifier, ServiceToken::new(self.service_token.as_str().into()))
    }

    /// `AUTH_PUBLIC_KEYS_DIR`.
    pub fn public_keys_dir(&self) -> PathBuf {
        self.dir.path().join("public")
    }

    /// `AUTH_SIGNING_KEY_FILE`.
    pub fn signing_key_file(&self) -> PathBuf {
        self.dir.path().join("signing.pem")
    }

    /// `SERVICE_TOKEN_FILE`.
    pub fn service_token_file(&self) -> PathBuf {
        self.dir.path().join("service-token")
    }

    /// The folder that holds them all.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}
