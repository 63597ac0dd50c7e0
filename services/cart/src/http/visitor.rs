//! Who asks for a cart: somebody who has logged in, or whoever has the cookie of a cart; and that cookie.
//!
//! A request with an access token and a cookie is the first of somebody who has just logged in: the cart of the cookie is taken into the
//! user's before anything else, and the cookie is taken back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{COOKIE, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use shop_auth::{CurrentUser, OptionalUser};
use shop_runtime::conditional::IfMatch;
use shop_runtime::{ClientIp, Problem};
use shop_types::UserId;

use crate::app::App;
use crate::domain::owner::{CartOwner, CartToken};
use crate::error::Error;
use crate::store::carts::Standing;

/// The name of the cookie.
const COOKIE_NAME: &str = "shop_cart";

/// What becomes of the cookie with the answer, whatever the answer is.
#[derive(Clone, Debug, Default)]
struct CookieChange(Arc<Mutex<Option<HeaderValue>>>);

/// Sends the cookie along with the answer if it was changed.
pub(crate) async fn keep_cookie(mut request: Request, next: Next) -> Response {
    let change = CookieChange::default();
    request.extensions_mut().insert(change.clone());
    let mut response = next.run(request).await;
    let cookie = change.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Who asks, as the request says.
#[derive(Debug)]
pub(crate) struct Guest {
    /// The user, if the request has an access token.
    pub(crate) user: Option<CurrentUser>,
    /// The secret of an anonymous cart, if the request has the cookie. It may be made up.
    pub(crate) token: Option<CartToken>,
    client: ClientIp,
    secure: bool,
    cookie: CookieChange,
}

/// Who asks, after the cart of before the login was taken into the user's.
#[derive(Debug)]
pub(crate) struct Visitor {
    guest: Guest,
    cookie_kept: Duration,
}

impl Guest {
    /// Takes the cookie back.
    pub(crate) fn clear_cookie(&self) {
        self.change_cookie("", Duration::ZERO);
    }

    fn change_cookie(&self, value: &str, kept: Duration) {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!("{COOKIE_NAME}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}", kept.as_secs());
        let mut cookie = HeaderValue::from_str(&text).ok();
        if let Some(cookie) = &mut cookie {
            cookie.set_sensitive(true);
        }
        *self.cookie.0.lock().unwrap_or_else(PoisonError::into_inner) = cookie;
    }
}

impl FromRequestParts<App> for Guest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let OptionalUser(user) = OptionalUser::from_request_parts(parts, app).await?;
        let Ok(client) = ClientIp::from_request_parts(parts, app).await;
        let cookie = parts.extensions.get::<CookieChange>().cloned().unwrap_or_default();
        let secure = parts.headers.get("x-forwarded-proto").is_some_and(|proto| proto.as_bytes() == b"https");
        Ok(Self { user, token: token(&parts.headers), client, secure, cookie })
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let guest = Guest::from_request_parts(parts, app).await?;
        let visitor = Self { guest, cookie_kept: app.times.anonymous_carts_kept };
        visitor.merge(app).await;
        Ok(visitor)
    }
}

impl Visitor {
    /// Who asks for something that only users get, before anything was merged.
    pub(crate) const fn unmerged(guest: Guest, app: &App) -> Self {
        Self { guest, cookie_kept: app.times.anonymous_carts_kept }
    }

    /// Takes the cart of the cookie into the user's, if the request has both. If that can't be done now, the cookie stays, and the next
    /// request tries again: nothing is lost meanwhile, and what the customer asked for is done.
    pub(crate) async fn merge(&self, app: &App) {
        let Guest { user: Some(user), token: Some(token), .. } = &self.guest else { return };
        match app.carts.merge(user.id, token.cart(), &IfMatch::default()).await {
            Ok(_) => self.guest.clear_cookie(),
            Err(error) => tracing::warn!(error = %shop_runtime::Chain(&error), "can't merge an anonymous cart now"),
        }
    }

    /// The cart to read; none if there is neither token nor cookie.
    pub(crate) fn cart(&self) -> Option<CartOwner> {
        match &self.guest {
            Guest { user: Some(user), .. } => Some(user.id.into()),
            Guest { token: Some(token), .. } => Some(token.cart().into()),
            Guest { user: None, token: None, .. } => None,
        }
    }

    /// Whether the request has the cookie of a cart.
    pub(crate) const fn has_cookie(&self) -> bool {
        self.guest.token.is_some()
    }

    /// The user, for what needs one.
    pub(crate) fn user(&self) -> Result<UserId, Error> {
        self.guest.user.as_ref().map(|user| user.id).ok_or(Error::LoginNeeded)
    }

    /// The cart to put something into: if there is none yet, one with a secret that nobody has chosen. `put` gets it, and only if it
    /// worked, the cookie is sent, every time anew, since the cart is kept for so long from its last change on.
    pub(crate) async fn put<T>(
        &self,
        app: &App,
        put: impl AsyncFnOnce(CartOwner) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if let Some(user) = &self.guest.user {
            return put(user.id.into()).await;
        }
        let token = self.own_token(app).await?;
        let done = put(token.cart().into()).await.inspect_err(|error| self.forget_merged(error))?;
        self.guest.change_cookie(&token.expose(), self.cookie_kept);
        Ok(done)
    }

    /// The same for what takes something out; none if there is no cart to take it out of.
    pub(crate) async fn take<T>(
        &self,
        app: &App,
        take: impl AsyncFnOnce(CartOwner) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let Some(owner) = self.cart() else { return Ok(None) };
        if let (None, Some(token)) = (&self.guest.user, &self.guest.token)
            && app.carts.standing(token.cart()).await?.is_none()
        {
            return Ok(None);
        }
        take(owner).await.inspect_err(|error| self.forget_merged(error)).map(Some)
    }

    /// The secret of a cart that is there, or a new one: a cart is never made under a secret that somebody else may have planted.
    async fn own_token(&self, app: &App) -> Result<CartToken, Error> {
        let Some(token) = &self.guest.token else { return self.new_token(app).await };
        match app.carts.standing(token.cart()).await? {
            Some(Standing::Open) => Ok(token.clone()),
            Some(Standing::Merged) => {
                self.guest.clear_cookie();
                Err(Error::CartMerged)
            }
            None => self.new_token(app).await,
        }
    }

    /// The secret of a cart that is not there yet. Anybody can ask for one without being known, and each stays for weeks, so there are only
    /// so many for an address. What comes of it in the end does not matter: whoever is refused for their stock has asked, too.
    async fn new_token(&self, app: &App) -> Result<CartToken, Error> {
        app.new_carts.check(&self.guest.client.to_string()).await.map_err(Error::TooManyCarts)?;
        Ok(CartToken::generate())
    }

    fn forget_merged(&self, error: &Error) {
        if matches!(error, Error::CartMerged) {
            self.guest.clear_cookie();
        }
    }
}

/// The secret in the cookie; what cannot be one is as good as none.
fn token(headers: &HeaderMap) -> Option<CartToken> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(|line| line.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    cookies.find_map(|(name, value)| (name == COOKIE_NAME).then(|| value.parse().ok()).flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token_of(lines: &[&str]) -> Option<String> {
        let lines = lines.iter().map(|line| (COOKIE, HeaderValue::from_str(line).expect("a header")));
        token(&lines.collect()).map(|token| token.expose())
    }

    #[test]
    fn the_secret_is_found_among_other_cookies_and_nonsense_is_none() {
        let secret = "ab".repeat(32);
        assert_eq!(token_of(&[&format!("a=b; shop_cart={secret}; c=d")]), Some(secret.clone()));
        assert_eq!(token_of(&["a=b", &format!("shop_cart={secret}")]), Some(secret.clone()));
        assert_eq!(token_of(&[&format!("shop_cart=x; shop_cart={secret}")]), Some(secret.clone()));
        for bad in ["", "shop_cart", "shop_cart=", "shop_cart=x", &format!("my_shop_cart={secret}")] {
            assert_eq!(token_of(&[bad]), None, "{bad}");
        }
        assert_eq!(token_of(&[]), None);
    }
}
