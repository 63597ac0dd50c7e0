use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use shop_policy::DOCUMENT_FILE;
use shop_testkit::eventually;
use tempfile::TempDir;

use super::*;

/// A mounted ConfigMap, changed as the kubelet does it: a new folder, then one rename of the link to it.
struct Mount {
    folder: TempDir,
    versions: u32,
}

impl Mount {
    fn empty() -> Self {
        Self { folder: TempDir::new().unwrap(), versions: 0 }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn put(&mut self, text: &str) {
        self.versions += 1;
        let version = format!("..2025_{}", self.versions);
        std::fs::create_dir(self.path().join(&version)).unwrap();
        std::fs::write(self.path().join(&version).join(DOCUMENT_FILE), text).unwrap();
        symlink(&version, self.path().join("..data_tmp")).unwrap();
        std::fs::rename(self.path().join("..data_tmp"), self.path().join("..data")).unwrap();
        if self.versions == 1 {
            symlink(format!("..data/{DOCUMENT_FILE}"), self.path().join(DOCUMENT_FILE)).unwrap();
        } else {
            std::fs::remove_dir_all(self.path().join(format!("..2025_{}", self.versions - 1))).unwrap();
        }
    }

    fn clear(&self) {
        std::fs::remove_file(self.path().join(DOCUMENT_FILE)).unwrap();
    }
}

fn document(generation: i64, seconds: u64) -> PolicyDocument {
    let policies = Policies::of(|cache| Policy {
        ttl: if cache == CacheName::Products { Duration::from_secs(seconds) } else { Policy::default_of(cache).ttl },
        ..Policy::default_of(cache)
    });
    PolicyDocument::new(generation, policies)
}

fn text(generation: i64, seconds: u64) -> String {
    document(generation, seconds).to_json()
}

fn ttl(live: &LivePolicies) -> u64 {
    live.get(CacheName::Products).ttl.as_secs()
}

async fn generation(live: &LivePolicies, wanted: i64) {
    let mut changes = live.changed();
    let waiting = changes.wait_for(|it| it.generation == wanted && it.rejected.is_none());
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap().unwrap();
}

async fn rejected(live: &LivePolicies, words: &str) {
    eventually("a rejection", async || {
        live.acknowledgement().rejected.is_some_and(|rejection| rejection.reason.contains(words))
    })
    .await;
}

#[test]
fn without_a_folder_or_a_document_the_defaults_hold_as_generation_0() {
    let mount = Mount::empty();
    for folder in [None, Some(mount.path().to_owned()), Some(mount.path().join("nowhere"))] {
        let live = LivePolicies::watch(folder);
        let expected = Acknowledgement { generation: 0, hash: Policies::default().hash(), rejected: None };
        assert_eq!(live.acknowledgement(), expected);
        for cache in CacheName::all() {
            assert_eq!(*live.get(cache), Policy::default_of(cache));
        }
    }
}

#[test]
fn what_is_there_at_the_start_is_in_force_at_once() {
    let mut mount = Mount::empty();
    mount.put(&text(3, 60));
    let live = LivePolicies::watch(Some(mount.path().to_owned()));
    assert_eq!((live.generation(), ttl(&live)), (3, 60));
    assert_eq!(live.acknowledgement().hash, document(3, 60).hash);
}

#[tokio::test]
async fn each_document_that_the_kubelet_swaps_in_comes_into_force_within_the_blink_of_an_eye() {
    let mut mount = Mount::empty();
    let live = LivePolicies::watch(Some(mount.path().to_owned()));
    for version in 1..=5 {
        let started = std::time::Instant::now();
        mount.put(&text(version, 60 + u64::try_from(version).unwrap()));
        generation(&live, version).await;
        println!("generation {version} was in force after {:?}", started.elapsed());
        assert_eq!(live.get(CacheName::Products).ttl.as_secs(), 60 + u64::try_from(version).unwrap());
    }
}

#[tokio::test]
async fn a_bad_document_is_rejected_with_its_reason_and_the_last_good_one_stays_in_force() {
    let mut mount = Mount::empty();
    mount.put(&text(1, 60));
    let live = LivePolicies::watch(Some(mount.path().to_owned()));
    for (bad, words) in [
        (text(2, 0), "products: ttl must be more than nothing"),
        (text(2, 120).replace("\"2m\"", "\"3m\""), "let the operator write it"),
        (text(2, 120).replace("products", "produce"), "produce"),
        ("half a docu".to_owned(), "can't be read"),
    ] {
        mount.put(&bad);
        rejected(&live, words).await;
        assert_eq!((live.generation(), ttl(&live)), (1, 60), "{words}");
        assert_eq!(live.acknowledgement().hash, document(1, 60).hash);
    }
    mount.put(&text(3, 90));
    generation(&live, 3).await;
    assert_eq!((ttl(&live), live.acknowledgement().rejected), (90, None));
}

#[tokio::test]
async fn the_former_document_again_after_a_bad_one_is_a_change_too() {
    let mut mount = Mount::empty();
    mount.put(&text(1, 60));
    let live = LivePolicies::watch(Some(mount.path().to_owned()));
    mount.put("rubbish");
    rejected(&live, "can't be read").await;
    mount.put(&text(1, 60));
    generation(&live, 1).await;
}

#[tokio::test]
async fn a_document_that_goes_away_stays_in_force() {
    let mut mount = Mount::empty();
    mount.put(&text(1, 60));
    let live = LivePolicies::watch(Some(mount.path().to_owned()));
    mount.clear();
    std::fs::write(mount.path().join("something"), "else").unwrap();
    // Whatever comes next has been noticed after the document's end.
    assert_eq!((live.generation(), ttl(&live)), (1, 60));
    std::fs::write(mount.path().join(DOCUMENT_FILE), text(2, 61)).unwrap();
    generation(&live, 2).await;
    assert_eq!(ttl(&live), 61);
}

#[tokio::test]
async fn a_folder_that_comes_later_or_is_made_anew_is_found() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("policy");
    let live = LivePolicies::watch(Some(folder.clone()));
    for version in 1..=2 {
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join(DOCUMENT_FILE), text(version, 60)).unwrap();
        generation(&live, version).await;
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

#[test]
fn readers_never_see_a_mixture_of_two_documents() {
    let uniform = |generation: i64| {
        let seconds = u64::try_from(generation).unwrap() + 3600;
        PolicyDocument::new(
            generation,
            Policies::of(|cache| Policy { ttl: Duration::from_secs(seconds), ..Policy::default_of(cache) }),
        )
    };
    let live = Live::new(InForce::new(1, &uniform(1).caches));
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| (2..500).for_each(|generation| live.take_over(&uniform(generation))));
        while !writer.is_finished() {
            let seen = live.in_force.load();
            let expected = u64::try_from(seen.acknowledgement.generation).unwrap() + 3600;
            assert!(seen.policies.iter().all(|policy| policy.ttl.as_secs() == expected));
        }
    });
}

#[tokio::test]
async fn nobody_follows_a_folder_for_policies_that_nobody_holds() {
    let mount = Mount::empty();
    let live = LivePolicies::watch(Some(mount.path().to_owned()));
    let weak = Arc::downgrade(&live.0);
    drop(live);
    eventually("the follower to let go", async || weak.strong_count() == 0).await;
}
