//! What the OpenAPI documents of all services have in common, and how they are served.

use std::collections::BTreeSet;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::Value;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, OpenApi, OpenApiBuilder};

use crate::conditional::{ETag, conditional};

/// Where routes are that the gateway does not lead to.
const INTERNAL: &str = "/internal/";

/// A route that answers the part of the document that is for everybody: without what services have for each other. It is `GET` and asks
/// for nothing.
pub fn route<S: Clone + Send + Sync + 'static>(document: &OpenApi, path: &str) -> Router<S> {
    // A document that can't be written as JSON can't be made: this is a derived type.
    let text = serde_json::to_value(document).map(|document| public(document).to_string()).unwrap_or_default();
    let etag = ETag::of_content(text.as_bytes());
    let text = Bytes::from(text);
    let answer = async move |headers: HeaderMap| {
        let answer = conditional(&headers, &etag, || ([(CONTENT_TYPE, "application/json")], text.clone()));
        ([(CACHE_CONTROL, "public, no-cache")], answer).into_response()
    };
    Router::new().route(path, get(answer))
}

/// The document without internal routes, and without what only they speak of.
fn public(mut document: Value) -> Value {
    if let Some(paths) = document["paths"].as_object_mut() {
        paths.retain(|path, _| !path.starts_with(INTERNAL));
    }
    if let Some(schemes) = document.pointer_mut("/components/securitySchemes").and_then(Value::as_object_mut) {
        schemes.remove("service");
    }
    let mut spoken_of = BTreeSet::new();
    mentioned(&document["paths"], &document, &mut spoken_of);
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.retain(|name, _| spoken_of.contains(name));
    }
    document
}

/// Adds the schemas that `part` of the document refers to, and those that they refer to.
fn mentioned(part: &Value, document: &Value, names: &mut BTreeSet<String>) {
    match part {
        Value::Object(members) => {
            let name =
                members.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix("#/components/schemas/"));
            if let Some(name) = name
                && names.insert(name.to_owned())
            {
                mentioned(&document["components"]["schemas"][name], document, names);
            }
            members.values().for_each(|member| mentioned(member, document, names));
        }
        Value::Array(items) => items.iter().for_each(|item| mentioned(item, document, names)),
        _ => {}
    }
}

/// The document of a service before there is a route in it: who it is, and the ways in which callers say who they are.
pub fn document(title: &str, description: &str) -> OpenApi {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let service = ApiKey::Header(ApiKeyValue::with_description("Authorization", "`Service <token>`, between services"));
    let mut components = Components::new();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    components.add_security_scheme("service", SecurityScheme::ApiKey(service));
    let info =
        InfoBuilder::new().title(title).version(env!("CARGO_PKG_VERSION")).description(Some(description)).build();
    OpenApiBuilder::new().info(info).components(Some(components)).build()
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use http::header::{ETAG, IF_NONE_MATCH};
    use http_body_util::BodyExt as _;
    use serde_json::json;
    use tower::ServiceExt as _;

    use super::*;

    fn with_internal() -> OpenApi {
        let to = |schema: &str| json!({"content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/{schema}")}}}});
        let operation =
            |schema: &str| json!({"responses": {"200": {"description": "", "content": to(schema)["content"]}}});
        let mut document = serde_json::to_value(document("Test", "For tests.")).expect("JSON");
        document["paths"] = json!({
            "/api/things": {"get": operation("Thing")},
            "/internal/secrets": {"get": operation("Secret")},
        });
        document["components"]["schemas"] = json!({
            "Thing": {"type": "object", "properties": {"part": {"$ref": "#/components/schemas/Part"}}},
            "Part": {"type": "object", "properties": {"whole": {"$ref": "#/components/schemas/Thing"}}},
            "Secret": {"type": "string"},
        });
        serde_json::from_value(document).expect("a document")
    }

    #[tokio::test]
    async fn the_document_for_everybody_has_nothing_internal_and_is_not_sent_twice() {
        let app: Router = route(&with_internal(), "/api/openapi.json");
        let ask = async |tag: &str| {
            let request = http::Request::get("/api/openapi.json").header(IF_NONE_MATCH, tag);
            let request = request.body(axum::body::Body::empty()).expect("valid");
            app.clone().oneshot(request).await.expect("infallible")
        };
        let response = ask("\"another\"").await;
        let tag = response.headers()[ETAG].to_str().expect("text").to_owned();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        let found: Value = serde_json::from_slice(&body).expect("JSON");
        assert!(found["paths"]["/api/things"].is_object());
        assert!(!found.to_string().contains("ecret") && !found.to_string().contains("Service"), "{found}");
        let schemas: Vec<_> = found["components"]["schemas"].as_object().expect("schemas").keys().collect();
        assert_eq!(schemas, ["Part", "Thing"]);
        assert_eq!(ask(&tag).await.status(), StatusCode::NOT_MODIFIED);
    }
}
