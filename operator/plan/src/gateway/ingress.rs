//! The Ingress that leads to the gateway.

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend, IngressSpec,
    IngressTLS, ServiceBackendPort,
};

use crate::{Component, Shop, meta};

pub(super) fn ingress(shop: &Shop, asked: &shopkeeper_api::Ingress) -> Ingress {
    let component = Component::Gateway;
    let host = &shop.gateway.host;
    let mut metadata = meta::owned(shop, shop.child(component), component);
    if !asked.annotations.is_empty() {
        metadata.annotations.get_or_insert_default().extend(asked.annotations.clone());
    }
    let gateway = IngressBackend {
        service: Some(IngressServiceBackend {
            name: shop.child(component),
            port: Some(ServiceBackendPort { name: Some("http".into()), number: None }),
        }),
        resource: None,
    };
    let path = HTTPIngressPath { path: Some("/".into()), path_type: "Prefix".into(), backend: gateway };
    let rule = IngressRule { host: Some(host.clone()), http: Some(HTTPIngressRuleValue { paths: vec![path] }) };
    let tls =
        shop.gateway.tls.as_ref().map(|tls| {
            vec![IngressTLS { hosts: Some(vec![host.clone()]), secret_name: Some(tls.secret_name.clone()) }]
        });
    Ingress {
        metadata,
        spec: Some(IngressSpec {
            ingress_class_name: asked.class_name.clone(),
            rules: Some(vec![rule]),
            tls,
            default_backend: None,
        }),
        ..Ingress::default()
    }
}
