//! What is generated is what the types say.

use std::path::Path;

use shopkeeper_operator::crd::{PLACES, yaml};

#[test]
fn the_crd_in_the_repository_is_what_the_types_say() {
    let expected = yaml().expect("YAML");
    for place in PLACES {
        let kept =
            std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(place)).expect("a file");
        assert!(kept == expected, "{place} differs: run cargo run -p shopkeeper-operator --bin crdgen -- --write");
    }
}
