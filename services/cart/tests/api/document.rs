//! The OpenAPI document, as it was when somebody last looked at it.

use shop_cart::routes;

#[test]
fn the_document_changes_only_on_purpose() {
    insta::assert_json_snapshot!(routes::openapi());
}
