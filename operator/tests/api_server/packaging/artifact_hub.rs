//! What Artifact Hub is told of the charts is so.

use std::collections::BTreeSet;

use kube::CustomResourceExt;
use serde_json::Value;
use shopkeeper_api::Store;

use super::{documents, of_kind, read, rendered};

const CAPABILITIES: &str = "docs/src/capabilities.md";
/// Our own programs in a shop.
const SERVICES: [&str; 5] = ["catalog", "cart", "order", "user", "gateway-exporter"];

pub(super) fn chart(name: &str) -> Value {
    documents(&read(&format!("{name}/Chart.yaml"))).remove(0)
}

/// What an annotation of the operator's chart says.
pub(super) fn annotation(name: &str) -> String {
    let chart = chart("charts/shopkeeper");
    let said = chart["annotations"][format!("artifacthub.io/{name}")].as_str();
    said.unwrap_or_else(|| panic!("there is no annotation {name}")).to_owned()
}

fn list(name: &str) -> Vec<Value> {
    let items = documents(&annotation(name)).remove(0);
    items.as_array().expect("a list").clone()
}

/// All images that the operator runs or lets run with the chart's default values.
async fn images() -> BTreeSet<String> {
    let documents = documents(&rendered("charts/shopkeeper", "shopkeeper", &["--skip-tests"]).await);
    let container = &of_kind(&documents, "Deployment")["spec"]["template"]["spec"]["containers"][0];
    let env = |name: &str| {
        let all = container["env"].as_array().expect("an environment").iter();
        all.filter(|it| it["name"] == name).find_map(|it| it["value"].as_str()).expect("a variable").to_owned()
    };
    let others =
        container["env"].as_array().expect("an environment").iter().filter(|it| {
            it["name"].as_str().is_some_and(|name| name.starts_with("DEFAULT_") && name.ends_with("_IMAGE"))
        });
    let (registry, tag) = (env("DEFAULT_IMAGE_REGISTRY"), env("DEFAULT_IMAGE_TAG"));
    let own = SERVICES.map(|service| format!("{registry}/{service}:{tag}"));
    let others = others.filter_map(|it| it["value"].as_str()).map(ToOwned::to_owned);
    let operator = container["image"].as_str().expect("an image").to_owned();
    own.into_iter().chain(others).chain([operator]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn artifact_hub_is_told_every_image_of_the_chart_and_no_other() {
    let told = list("images");
    let images_told: BTreeSet<String> =
        told.iter().map(|image| image["image"].as_str().expect("an image").to_owned()).collect();
    assert_eq!(images_told, images().await);
    assert_eq!(images_told.len(), told.len(), "an image is there twice");
}

#[test]
fn the_example_on_artifact_hub_is_the_sample_that_the_api_server_takes() {
    let sample = documents(&read("samples/demo.yaml"));
    assert_eq!(list("crdsExamples"), [of_kind(&sample, "Store").clone()]);
}

#[test]
fn artifact_hub_is_told_the_definition_as_it_is() {
    let crd = serde_json::to_value(Store::crd()).expect("JSON");
    let crds = list("crds");
    let [told] = &crds[..] else { panic!("there is one definition") };
    assert_eq!(told["name"], crd["metadata"]["name"]);
    assert_eq!(told["kind"], crd["spec"]["names"]["kind"]);
    assert_eq!(told["displayName"], crd["spec"]["names"]["kind"]);
    assert_eq!(told["version"], crd["spec"]["versions"][0]["name"]);
    assert_eq!(told["description"], crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["description"]);
}

#[test]
fn the_charts_have_the_version_of_the_programs() {
    for name in ["charts/shopkeeper", "charts/store"] {
        let chart = chart(name);
        for field in ["version", "appVersion"] {
            assert_eq!(chart[field], env!("CARGO_PKG_VERSION"), "{field} of {name}");
        }
        // Before 1.0 nothing else is promised.
        assert_eq!(chart["annotations"]["artifacthub.io/prerelease"], "true", "{name}");
    }
}

#[test]
fn the_changes_on_artifact_hub_are_in_the_list_of_changes() {
    let page = read("CHANGELOG.md").split_whitespace().collect::<Vec<_>>().join(" ");
    for change in list("changes") {
        let kinds = ["added", "changed", "deprecated", "removed", "fixed", "security"];
        assert!(kinds.iter().any(|kind| change["kind"] == *kind), "{change}");
        let description = change["description"].as_str().expect("a description");
        assert!(page.contains(description), "CHANGELOG.md does not say: {description}");
    }
}

#[test]
fn the_capability_level_is_the_one_that_the_page_claims() {
    let level = annotation("operatorCapabilities");
    assert!(read(CAPABILITIES).contains(&format!("What is claimed is **{level}**")), "{level}");
}

#[test]
fn the_runbooks_on_artifact_hub_are_where_alerts_lead() {
    let crd = serde_json::to_string(&Store::crd()).expect("JSON");
    let links = list("links");
    let [link] = &links[..] else { panic!("there is one link") };
    assert!(crd.contains(link["url"].as_str().expect("an address")), "{link}");
}
