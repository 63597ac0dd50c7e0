#[test]
fn the_openapi_document_is_the_one_that_was_reviewed() {
    insta::assert_json_snapshot!(shop_user::routes::openapi());
}
