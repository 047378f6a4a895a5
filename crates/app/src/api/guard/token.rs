//! The token: where it is read from, where askers may put it, and a comparison whose time tells nothing.

use super::access::Access;
use crate::api::problem::Problem;
use crate::failure::Failure;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use sha2::{Digest, Sha256};
use std::path::Path;
use subtle::ConstantTimeEq;

/// Shortest token, characters: below, one could be guessed.
const LENGTH_MIN: usize = 16;
const LENGTH_MAX: usize = 512;

/// The protocol that a browser offers beside its token, and that the answer names.
pub const PROTOCOL: &str = "fathometer";
/// What the offered protocol that carries the token begins with.
const CARRIER: &str = "token.";

/// Paths that tell nothing of the market: the page's own files, which ask for the token, and the description of the API.
const OPEN: [&str; 6] =
    ["/", "/favicon.ico", "/api/v1/openapi.json", "/api/v1/docs", "/api/v1/docs.js", "/api/v1/docs.css"];
const OPEN_FOLDER: &str = "/assets/";

/// A token, as its hash: equal lengths, so that a comparison takes equally long whatever is compared.
pub struct Token([u8; 32]);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// The token of a file, else that one.
    ///
    /// # Errors
    /// The file cannot be read; what it holds is no token.
    pub fn given(file: Option<&Path>, text: Option<&str>) -> Result<Option<Self>, Failure> {
        let (text, whence) = match (file, text) {
            (Some(file), _) => {
                let text = std::fs::read_to_string(file).map_err(|error| {
                    Failure::input(format!("--token-file {}: {error}; make one: openssl rand -hex 32", file.display()))
                })?;
                (text, format!("--token-file {}", file.display()))
            }
            (None, Some(text)) => (text.to_owned(), "FATHOMETER_TOKEN".to_owned()),
            (None, None) => return Ok(None),
        };
        Token::new(text.trim()).map(Some).ok_or_else(|| {
            Failure::input(format!(
                "{whence}: a token has {LENGTH_MIN} to {LENGTH_MAX} letters, digits, `-`, `.`, `_` or `~`; make one: \
                 openssl rand -hex 32"
            ))
        })
    }

    fn new(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        let good = (LENGTH_MIN..=LENGTH_MAX).contains(&text.len()) && text.bytes().all(allowed);
        good.then(|| Token(Sha256::digest(text).into()))
    }

    fn is(&self, given: &[u8]) -> bool {
        let given: [u8; 32] = Sha256::digest(given).into();
        self.0.ct_eq(&given).into()
    }
}

/// Whether an asker knows the token, if there is one.
///
/// # Errors
/// It does not.
pub fn check(access: &Access, request: &Request) -> Result<(), Problem> {
    let Some(token) = &access.token else { return Ok(()) };
    let path = request.uri().path();
    if OPEN.contains(&path) || path.starts_with(OPEN_FOLDER) {
        return Ok(());
    }
    let headers = request.headers();
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer);
    let is_upgrade = headers.contains_key(header::UPGRADE);
    // A browser's WebSocket cannot send headers of its own: it offers the token as a protocol, or has it in its address.
    let offered = offered(headers).find_map(|name| name.strip_prefix(CARRIER)).filter(|_| is_upgrade);
    let queried = query_token(request.uri().query()).filter(|_| is_upgrade);
    let given = bearer.or(offered).or(queried);
    let detail = match given {
        Some(given) if token.is(given.as_bytes()) => return Ok(()),
        Some(_) => "the token is not the one this server was started with",
        None => "this server wants a token",
    };
    let remedy = "send `Authorization: Bearer TOKEN`; a browser's WebSocket offers the protocols `fathometer` and \
                  `token.TOKEN`, or has ?token=TOKEN in its address";
    Err(Problem::new(StatusCode::UNAUTHORIZED, "token", "A token is wanted", detail, remedy))
}

/// Whether a WebSocket offers our protocol, so that the answer has to name it.
pub fn offers_protocol(headers: &HeaderMap) -> bool {
    offered(headers).any(|name| name == PROTOCOL)
}

fn offered(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter();
    lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).map(str::trim)
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Tokens hold nothing that a query would have to escape.
fn query_token(query: Option<&str>) -> Option<&str> {
    query?.split('&').find_map(|pair| pair.strip_prefix("token="))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    const TOKEN: &str = "0123456789abcdef-._~";

    fn ask(path: &str, headers: &[(&str, &str)]) -> Result<(), u16> {
        let access = Access { token: Token::new(TOKEN), ..Access::default() };
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&access, &request.body(Body::empty()).unwrap()).map_err(|problem| problem.status)
    }

    #[test]
    fn the_token_is_wanted_everywhere_but_on_the_page_itself() {
        let bearer = format!("bEARER {TOKEN}");
        assert_eq!(ask("/health", &[("authorization", &bearer)]), Ok(()));
        for wrong in ["Bearer 0123456789abcdef", "Bearer ", "Basic MDEy", TOKEN, ""] {
            assert_eq!(ask("/api/v1/time", &[("authorization", wrong)]), Err(401), "{wrong}");
        }
        for path in ["/health", "/metrics", "/api/v1/instruments", "/ws/btcusdt", "/api/v1/docsx", "/assetsx"] {
            assert_eq!(ask(path, &[]), Err(401), "{path}");
        }
        for path in ["/", "/assets/index.js", "/api/v1/docs", "/api/v1/openapi.json"] {
            assert_eq!(ask(path, &[]), Ok(()), "{path}");
        }
    }

    #[test]
    fn a_websocket_may_offer_it_or_have_it_in_its_address() {
        let (upgrade, protocols) = (("upgrade", "websocket"), format!("fathometer, token.{TOKEN}"));
        let offer = ("sec-websocket-protocol", protocols.as_str());
        let query = format!("/api/v1/stream?format=json&token={TOKEN}");
        assert_eq!(ask("/api/v1/stream", &[upgrade, offer]), Ok(()));
        assert_eq!(ask(&query, &[upgrade]), Ok(()));
        assert_eq!(ask("/api/v1/stream?token=wrong", &[upgrade]), Err(401));
        assert_eq!(ask("/api/v1/stream", &[upgrade, ("sec-websocket-protocol", "token.wrong")]), Err(401));
        // Addresses are logged on their way: for plain requests there are headers.
        assert_eq!(ask(&query, &[]), Err(401));
    }

    #[test]
    fn a_token_that_could_be_guessed_is_refused() {
        for bad in ["", "short", "with space in the middle", "umlaut-äöüäöüäöü"] {
            assert!(Token::new(bad).is_none(), "{bad}");
            assert!(Token::given(None, Some(bad)).is_err());
        }
        assert!(Token::given(Some(Path::new("/nowhere/token")), None).unwrap_err().text.contains("/nowhere/token"));
        assert!(Token::given(None, None).unwrap().is_none());
    }
}
