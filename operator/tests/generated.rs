//! What is generated is what the types say.

use std::path::Path;

use shopkeeper_operator::{
    crd::{PLACES, yaml},
    reference,
};

#[expect(clippy::expect_used, reason = "tests")]
fn kept(place: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(place)).expect("a file")
}

#[test]
fn the_crd_in_the_repository_is_what_the_types_say() {
    let expected = yaml().expect("YAML");
    for place in PLACES {
        assert!(kept(place) == expected, "{place} differs: run make crds");
    }
}

#[test]
fn the_reference_of_all_fields_is_what_the_types_say() {
    assert!(
        kept(reference::PLACE) == reference::page().expect("a page"),
        "{} differs: run make crds",
        reference::PLACE
    );
}
