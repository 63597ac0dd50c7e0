use super::*;

fn headers(name: &HeaderName, values: &[&str]) -> HeaderMap {
    values.iter().map(|value| (name.clone(), HeaderValue::from_str(value).expect("a header"))).collect()
}

fn status(if_none_match: &[&str], etag: &ETag) -> StatusCode {
    let response = conditional(&headers(&IF_NONE_MATCH, if_none_match), etag, || "body");
    assert_eq!(response.headers()[ETAG], etag.to_string());
    response.status()
}

#[test]
fn who_has_this_state_already_is_not_sent_it_again() {
    let etag = ETag::strong(7);
    for has_it in ["\"7\"", "W/\"7\"", "*", "\"1\", \"7\"", "\"a,b\",\"7\""] {
        assert_eq!(status(&[has_it], &etag), StatusCode::NOT_MODIFIED, "{has_it}");
    }
    assert_eq!(status(&["\"1\"", "\"7\""], &etag), StatusCode::NOT_MODIFIED, "on two lines");
    for has_it_not in ["\"8\"", "7", "\"7", "", "\"7\" \"8\"", "*, \"7\"", "w/\"7\""] {
        assert_eq!(status(&[has_it_not], &etag), StatusCode::OK, "{has_it_not}");
    }
    assert_eq!(status(&[], &etag), StatusCode::OK);
}

#[test]
fn a_refusal_has_no_tag() {
    let response = conditional(&HeaderMap::new(), &ETag::strong(7), || Problem::not_found("gone"));
    assert!(!response.headers().contains_key(ETAG));
}

#[test]
fn a_change_is_made_only_to_the_state_that_was_seen() {
    let if_match = |value: &str| IfMatch::of(&headers(&IF_MATCH, &[value])).expect("readable");
    let seventh = ETag::strong(7);
    assert!(IfMatch::default().allows(None) && IfMatch::default().allows(Some(&seventh)));
    assert!(if_match("\"7\"").allows(Some(&seventh)));
    assert!(if_match("\"6\", \"7\"").allows(Some(&seventh)));
    assert!(if_match("*").allows(Some(&seventh)));
    assert!(!if_match("*").allows(None));
    assert!(!if_match("\"6\"").allows(Some(&seventh)));
    assert!(if_match("W/\"7\"").allows(Some(&seventh)), "the gateway has compressed the answer");
    assert!(!if_match("W/\"6\"").allows(Some(&seventh)));
    assert!(!if_match("\"7\"").allows(Some(&ETag::weak(7))));
    let refusal = if_match("\"6\"").check(Some(&seventh)).expect_err("it is another state");
    assert_eq!((refusal.status().as_u16(), refusal.slug()), (412, "precondition-failed"));
    assert_eq!(refusal.to_json(None)["current_etag"], "\"7\"");
}

#[test]
fn a_condition_that_cannot_be_read_is_refused_and_never_ignored() {
    for nonsense in ["7", "\"7", "", "*, \"7\"", "\"7\"; \"8\"", "\"a b\""] {
        let refusal = IfMatch::of(&headers(&IF_MATCH, &[nonsense])).expect_err(nonsense);
        assert_eq!(refusal.status(), StatusCode::BAD_REQUEST, "{nonsense}");
    }
}

#[test]
fn a_tag_has_only_signs_that_a_header_can_carry() {
    for name in ["a b", "\"", "ü", "a\r\nb"] {
        let tag = ETag::strong(name);
        assert_eq!(tag.to_string().parse(), Ok(tag));
    }
}
