//! The cookie `shop_admin`.

use std::time::Duration;

use http::header::{COOKIE, InvalidHeaderValue};
use http::{HeaderMap, HeaderValue};

/// The name of the cookie.
const NAME: &str = "shop_admin";

/// How many cookies of this name are looked at.
const MOST: usize = 4;

/// What is in the cookies of this name. There may be several, since whoever has a neighbouring host name can set one too.
pub(crate) fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> + Send {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let cookies = lines.flat_map(|line| line.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    cookies.filter_map(|(name, value)| (name == NAME && !value.is_empty()).then_some(value)).take(MOST)
}

/// Sets it for so long. No script can read it, and no other site's form is sent with it.
pub(super) fn set(token: &str, kept: Duration, secure: bool) -> Result<HeaderValue, InvalidHeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{NAME}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}", kept.as_secs());
    let mut cookie = HeaderValue::try_from(text)?;
    cookie.set_sensitive(true);
    Ok(cookie)
}

/// Takes it back.
pub(super) fn taken_back(secure: bool) -> Result<HeaderValue, InvalidHeaderValue> {
    set("", Duration::ZERO, secure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tokens_are_found_among_other_cookies_and_nonsense() {
        let found = |lines: &[&str]| {
            let lines = lines.iter().map(|line| (COOKIE, HeaderValue::from_str(line).expect("a header")));
            tokens(&lines.collect()).map(ToOwned::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(found(&["a=b; shop_admin=x.y.z; c=d"]), ["x.y.z"]);
        assert_eq!(found(&["shop_admin=1; shop_cart=2", "shop_admin=3"]), ["1", "3"]);
        for none in ["", "shop_admin", "shop_admin=", "my_shop_admin=x", "Shop_Admin=x", "a=shop_admin; b"] {
            assert!(found(&[none]).is_empty(), "{none}");
        }
    }

    #[test]
    fn it_is_secure_where_the_outside_is() {
        let text = |secure| set("x.y.z", Duration::from_secs(60), secure).expect("a header");
        assert_eq!(text(false), "shop_admin=x.y.z; Path=/; HttpOnly; SameSite=Lax; Max-Age=60");
        assert_eq!(text(true), "shop_admin=x.y.z; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure");
        assert!(text(true).is_sensitive(), "no log shows it");
        assert_eq!(taken_back(false).expect("a header"), "shop_admin=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
        assert!(set("x\r\nset-cookie: y", Duration::ZERO, false).is_err());
    }
}
