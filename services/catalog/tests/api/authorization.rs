//! Who may do what, taken from the OpenAPI document, so that no route is forgotten.

use serde_json::{Value, json};
use shop_auth::Role;
use shop_catalog::routes;

use crate::support::Catalog;

#[tokio::test]
async fn every_operation_asks_for_the_role_that_its_document_names() {
    let catalog = Catalog::with_products(8).await;
    let document = serde_json::to_value(routes::openapi()).expect("the document is JSON");
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().expect("the document has paths") {
        let mut path = path.replace("{id}", "1");
        for id in ["{order_id}", "{comment_id}", "{sale_id}"] {
            path = path.replace(id, &shop_types::OrderId::generate().to_string());
        }
        for (method, operation) in methods.as_object().expect("a path has methods") {
            operations += 1;
            let wanted = operation["security"][0].as_object().and_then(|schemes| schemes.keys().next());
            let status = async |authorization: Option<String>| {
                let mut request = catalog.request(&method.to_uppercase(), &path).json(&json!({"no": "sense"}));
                if let Some(authorization) = authorization {
                    request = request.header("Authorization", authorization);
                }
                catalog.send(request).await.status
            };
            let got = [
                status(None).await,
                status(Some("Bearer made-up".to_owned())).await,
                status(Some("Service made-up-made-up-made-up".to_owned())).await,
                status(Some(catalog.bearer(Role::User))).await,
                status(Some(catalog.bearer(Role::Admin))).await,
            ];
            let for_admins = operation["tags"][0] == "admin";
            match wanted.map(String::as_str) {
                Some("bearer") if for_admins => assert_eq!(got[..4], [401, 401, 401, 403], "{method} {path}"),
                Some("bearer") => {
                    assert_eq!(got[..3], [401; 3], "{method} {path}");
                    assert!(!matches!(got[3], 401 | 403), "{method} {path} is for every user");
                }
                Some("service") => assert_eq!(got, [401; 5], "{method} {path}"),
                Some(other) => panic!("{method} {path} asks for {other}"),
                None => assert_eq!(got, [got[0]; 5], "{method} {path} is for everyone"),
            }
            assert!(wanted.is_some() || !path.starts_with("/internal/"), "{path} is open");
            assert!(wanted.is_some() || method == "get", "{method} {path} is open");
            let refusal = Value::from(got[4]);
            assert!(got[4] != 401 || wanted.is_some_and(|wanted| wanted == "service"), "{method} {path}: {refusal}");
        }
    }
    assert_eq!(operations, 34);
}
