//! What our programs are made of: it can be listed, is under licences that were agreed to, and comes from one place.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

use super::{place, read, said};

const PROGRAMS: [&str; 6] = ["operator", "catalog", "cart", "order", "user", "gateway-exporter"];

/// The texts in quotes of what `deny.toml` has between a beginning and the next line that closes it.
fn listed(beginning: &str) -> BTreeSet<String> {
    let policy = read("deny.toml");
    let (_, rest) = policy.split_once(&format!("\n{beginning}")).expect("a list");
    let list = rest.lines().take_while(|line| *line != "]").collect::<Vec<_>>().join("\n");
    list.split('"').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

/// Whether one of the licences of an expression will do. All that stand with `AND` have to.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    // Every part with `AND` is one licence or a choice in brackets.
    expression.split(" AND ").all(|part| {
        let part = part.trim_start_matches('(').trim_end_matches(')');
        part.split(" OR ").any(|licence| allowed.contains(licence.trim_matches(['(', ')'])))
    })
}

/// What is inside of each program.
fn bills() -> Vec<Value> {
    said(Command::new("python3").arg(place("scripts/sbom")));
    let bill = |program: &str| {
        let text = read(&format!("target/sbom/{program}.cdx.json"));
        serde_json::from_str(&text).expect("JSON")
    };
    PROGRAMS.iter().map(|program| bill(program)).collect()
}

#[test]
fn every_program_has_a_list_of_what_is_inside_and_all_of_it_is_under_a_licence_that_is_allowed() {
    let mut allowed = listed("allow = [");
    assert!(allowed.contains("MIT") && allowed.len() > 8, "{allowed:?}");
    allowed.extend(["CDDL-1.0".to_owned()]);
    let (banned, ours) = (listed("deny = ["), "shop");
    assert!(banned.contains("openssl"), "{banned:?}");
    for bill in bills() {
        let components = bill["components"].as_array().expect("components");
        assert!(components.len() > 50, "{}", bill["metadata"]);
        let names: BTreeSet<&str> = components.iter().filter_map(|it| it["name"].as_str()).collect();
        // The compiler runs a procedural macro, and the program is without it.
        assert!(names.contains("serde") && !names.contains("serde_derive"), "{}", bill["metadata"]);
        for component in components {
            let name = component["name"].as_str().expect("a name");
            let licence = component["licenses"][0]["expression"].as_str().expect("a licence");
            assert!(is_allowed(licence, &allowed), "{name} is under {licence}, which deny.toml does not allow");
            assert!(licence != "CDDL-1.0" || name == "inferno", "{name} is no exception of deny.toml");
            assert!(!banned.contains(name), "{name} is not to be used: deny.toml");
            // What was downloaded has a checksum, what is ours has none.
            assert_eq!(component["hashes"].is_array(), !name.starts_with(ours), "{name}");
        }
        for needed in bill["dependencies"].as_array().expect("dependencies") {
            for reference in needed["dependsOn"].as_array().expect("references").iter().filter_map(Value::as_str) {
                let name = reference.trim_start_matches("pkg:cargo/").split('@').next().unwrap_or_default();
                assert!(names.contains(name), "{reference} is not listed");
            }
        }
    }
}

#[test]
fn packages_come_from_the_registry_and_nowhere_else() {
    let lock = read("Cargo.lock");
    let sources: BTreeSet<&str> = lock.lines().filter_map(|line| line.strip_prefix("source = ")).collect();
    assert_eq!(sources.len(), 1, "{sources:?}");
    assert!(sources.iter().all(|source| source.starts_with("\"registry+")), "{sources:?}");
}

#[test]
fn a_choice_of_licences_needs_one_that_is_allowed_and_a_sum_all() {
    let allowed: BTreeSet<String> = ["MIT", "ISC"].map(ToOwned::to_owned).into();
    for expression in ["MIT", "LGPL-2.1-or-later OR MIT", "MIT AND ISC", "(GPL-2.0-only OR MIT) AND ISC"] {
        assert!(is_allowed(expression, &allowed), "{expression}");
    }
    for expression in ["GPL-2.0-only", "MIT AND GPL-2.0-only", "(GPL-2.0-only OR Zlib) AND ISC"] {
        assert!(!is_allowed(expression, &allowed), "{expression}");
    }
}
