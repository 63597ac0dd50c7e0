//! Keys that change while the process runs, as the kubelet changes them: one symbolic link is replaced by another.
#![expect(clippy::expect_used, reason = "a test that can't go on fails with the reason")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use shop_auth::{LiveSigner, Role, Verifier};
use shop_testkit::{Keys, eventually};
use shop_types::UserId;

/// A folder as a mounted ConfigMap or Secret is: files that are links through `..data`.
struct Mount {
    dir: tempfile::TempDir,
    versions: u32,
}

impl Mount {
    fn empty() -> Self {
        Self { dir: tempfile::tempdir().expect("a folder"), versions: 0 }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    /// Shows these files and no others, in one step.
    fn show(&mut self, files: &[(String, PathBuf)]) {
        self.versions += 1;
        let version = format!("..version-{}", self.versions);
        fs::create_dir(self.dir.path().join(&version)).expect("a folder");
        for (name, from) in files {
            fs::copy(from, self.dir.path().join(&version).join(name)).expect("copied");
        }
        let link = self.dir.path().join("..data_tmp");
        symlink(&version, &link).expect("a link");
        fs::rename(&link, self.dir.path().join("..data")).expect("swapped");
        for entry in fs::read_dir(self.dir.path()).expect("a folder") {
            let path = entry.expect("an entry").path();
            if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("..")) {
                fs::remove_file(path).expect("removed");
            }
        }
        for (name, _) in files {
            symlink(Path::new("..data").join(name), self.dir.path().join(name)).expect("a link");
        }
    }
}

fn public(keys: &Keys) -> (String, PathBuf) {
    let name = format!("{}.pem", keys.signer().kid());
    (name.clone(), keys.public_keys_dir().join(name))
}

fn private(keys: &Keys) -> (String, PathBuf) {
    ("key.pem".to_owned(), keys.signing_key_file())
}

/// Waits until what is mounted now was looked at: by the second look that ends from now on, since the first may have begun before.
async fn looked_at(looks: impl Fn() -> u64) {
    let before = looks();
    eventually("the files were looked at", async || looks() >= before + 2).await;
}

#[tokio::test]
async fn a_key_that_comes_is_trusted_and_one_that_goes_is_not_without_a_restart() {
    let (old, new) = (Keys::generate(), Keys::generate());
    let [of_old, of_new] = [&old, &new].map(|keys| keys.token(UserId::generate(), Role::User));
    let mut mount = Mount::empty();
    mount.show(&[public(&old)]);
    let verifier = Verifier::watching(&mount.path()).expect("it can be read");
    assert!(verifier.verify(&of_old).is_ok() && verifier.verify(&of_new).is_err());
    mount.show(&[public(&old), public(&new)]);
    eventually("the new key is trusted", async || verifier.verify(&of_new).is_ok()).await;
    assert!(verifier.verify(&of_old).is_ok());
    mount.show(&[public(&new)]);
    eventually("the old key is not", async || verifier.verify(&of_old).is_err()).await;
    assert!(verifier.verify(&of_new).is_ok());
}

#[tokio::test]
async fn keys_that_can_not_be_used_leave_the_last_ones_in_force() {
    let (old, new) = (Keys::generate(), Keys::generate());
    let mut mount = Mount::empty();
    mount.show(&[public(&old)]);
    let verifier = Verifier::watching(&mount.path()).expect("it can be read");
    let token = old.token(UserId::generate(), Role::User);
    mount.show(&[]);
    looked_at(|| verifier.looks()).await;
    assert!(verifier.verify(&token).is_ok(), "an empty folder");
    let nonsense = mount.path().join("nonsense");
    fs::write(&nonsense, "not a key").expect("written");
    mount.show(&[public(&new), ("bad.pem".to_owned(), nonsense)]);
    looked_at(|| verifier.looks()).await;
    assert!(verifier.verify(&token).is_ok(), "nonsense");
    mount.show(&[public(&new)]);
    eventually("it recovers", async || verifier.verify(&token).is_err()).await;
}

#[tokio::test]
async fn tokens_are_signed_with_a_new_key_only_once_that_is_trusted() {
    let (old, new) = (Keys::generate(), Keys::generate());
    let (mut trusted, mut signing) = (Mount::empty(), Mount::empty());
    trusted.show(&[public(&old)]);
    signing.show(&[private(&old)]);
    let verifier = Verifier::watching(&trusted.path()).expect("it can be read");
    let signer = LiveSigner::watching(&signing.path().join("key.pem"), verifier).expect("it can be read");
    signing.show(&[private(&new)]);
    looked_at(|| signer.looks()).await;
    assert_eq!(signer.current().kid(), old.signer().kid(), "nobody would believe the new one");
    trusted.show(&[public(&old), public(&new)]);
    eventually("the new one is used", async || signer.current().kid() == new.signer().kid()).await;
    signing.show(&[]);
    looked_at(|| signer.looks()).await;
    assert_eq!(signer.current().kid(), new.signer().kid(), "a key that vanished stays in use");
}
