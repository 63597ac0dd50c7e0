//! Heads of requests that nobody in the shop could understand or wants to keep, refused before anybody has to.

use http::{HeaderMap, StatusCode, Uri};

use crate::Problem;

/// The longest path with its query; what nginx lets through.
const LONGEST: usize = 8 * 1024;

/// The most headers, and the most bytes in all of them; what nginx lets through, and more headers than anybody sends. The server
/// takes somewhat more, so that it is us who answer.
const MOST_HEADERS: usize = 100;
const MOST_HEADER_BYTES: usize = 32 * 1024;

/// Whether there are not too many headers, nor too long ones.
pub(crate) fn check_headers(headers: &HeaderMap) -> Result<(), Problem> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() <= MOST_HEADERS && bytes <= MOST_HEADER_BYTES {
        return Ok(());
    }
    let problem = Problem::new(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "headers-too-large",
        "The request has too many headers or too long ones",
    );
    Err(problem.detail(format!("there may be {MOST_HEADERS} headers with {MOST_HEADER_BYTES} bytes together")))
}

/// Whether an address can be understood: not too long, and text once its percent-signs are resolved.
pub(crate) fn check_address(uri: &Uri) -> Result<(), Problem> {
    let (path, query) = (uri.path(), uri.query().unwrap_or_default());
    if path.len() + query.len() > LONGEST {
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "uri-too-long", "The address is too long")
            .detail(format!("path and query may have up to {LONGEST} bytes")));
    }
    if is_text(path.as_bytes()) && is_text(query.as_bytes()) {
        Ok(())
    } else {
        Err(Problem::bad_request("the address is not text in UTF-8, or has the sign NUL in it"))
    }
}

/// Whether this is UTF-8 without NUL when its percent-signs are resolved. A percent-sign that begins nothing stands for itself.
pub(crate) fn is_text(encoded: &[u8]) -> bool {
    if !encoded.contains(&b'%') {
        // Nothing to resolve; and most of what there is.
        return !encoded.contains(&0) && std::str::from_utf8(encoded).is_ok();
    }
    let decoded: Vec<u8> = percent_encoding::percent_decode(encoded).collect();
    !decoded.contains(&0) && std::str::from_utf8(&decoded).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_text_of_a_sensible_length() {
        let check =
            |uri: &str| check_address(&uri.parse().expect("an address")).map_err(|problem| problem.status().as_u16());
        for fine in ["/", "/api/products?q=%D0%A5%D0%BB%D0%B5%D0%B1&limit=5", "/x?q=100%", "/x?q=%zz"] {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
        for nonsense in ["/a%00", "/x?q=%00", "/%ff", "/x?q=%C3%28", "/x?q=%ed%a0%80"] {
            assert_eq!(check(nonsense), Err(400), "{nonsense}");
        }
        assert_eq!(check(&format!("/x?q={}", "a".repeat(LONGEST))), Err(414));
        assert_eq!(check(&format!("/{}", "a/".repeat(LONGEST))), Err(414));
    }
}
