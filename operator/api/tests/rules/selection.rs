//! The fields by which Stores are selected.

use kube::CustomResourceExt;
use shopkeeper_api::Store;

use crate::schema;

#[test]
fn the_fields_that_stores_are_selected_by_are_such_as_the_api_server_can_compare() {
    let fields = Store::crd().spec.versions.swap_remove(0).selectable_fields.unwrap_or_default();
    let paths: Vec<String> = fields.into_iter().map(|field| field.json_path).collect();
    let expected =
        [".spec.profile", ".spec.suspend", ".spec.dataRetention", ".spec.gateway.host", ".status.versions.shop"];
    assert_eq!(paths, expected, "no more than eight of them can be");
    for path in paths {
        let schema = schema();
        let field = path.split('.').skip(1).fold(schema, |schema, name| &schema["properties"][name]);
        let comparable = ["string", "boolean", "integer"].iter().any(|it| field["type"] == *it);
        assert!(comparable, "{path}: {field}");
    }
}
