//! Where a request was sent to, and which page it comes from: names that others point at this machine, and scripts of other
//! sites, get nothing.

use super::access::Access;
use crate::api::problem::Problem;
use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode, header};
use std::net::IpAddr;

/// Whether the request names this server as it may be named: an address, `localhost`, or a listed name. A name that
/// somebody else's DNS points here (rebinding) is none of these.
///
/// # Errors
/// It does not.
pub fn check_host(access: &Access, request: &Request) -> Result<(), Problem> {
    let mut named = request.headers().get_all(header::HOST).into_iter();
    let (Some(host), None) = (named.next(), named.next()) else {
        return Err(Problem::malformed("there is not exactly one Host header", "send one: `Host: 127.0.0.1:8050`"));
    };
    let host = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
    let allowed = |authority: &Authority| !authority.as_str().contains('@') && may_be_named(access, authority.host());
    // An absolute request line names the host a second time.
    let twice = request.uri().authority().is_none_or(allowed);
    if host.as_ref().is_some_and(allowed) && twice {
        return Ok(());
    }
    let name = host.map_or_else(|| "that".to_owned(), |host| host.host().to_owned());
    let remedy = "ask by address or as localhost; for another name start the server with --allow-host NAME";
    let title = "This server does not go by that name";
    let detail = format!("{name} is no name of this server");
    Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, "host", title, detail, remedy))
}

fn may_be_named(access: &Access, host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match address {
        // Nobody's DNS can stand behind an address; what listens to this machine only is asked as such.
        Ok(address) => address.is_loopback() || !access.local,
        Err(_) => {
            let name = host.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || access.hosts.contains(&name)
        }
    }
}

/// Whether a request comes from no page, from our own, or from a listed one.
///
/// # Errors
/// It comes from elsewhere.
pub fn check_origin(access: &Access, request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    let foreign = match headers.get(header::ORIGIN) {
        Some(origin) if access.lists(origin) => None,
        Some(origin) if headers.get_all(header::ORIGIN).into_iter().nth(1).is_none() => {
            let origin = origin.to_str().unwrap_or("null");
            (!is_own(origin, headers)).then(|| origin.chars().take(100).collect::<String>())
        }
        Some(_) => Some("several at once".to_owned()),
        None => is_cross_site(request).then(|| "another site".to_owned()),
    };
    let Some(foreign) = foreign else { return Ok(()) };
    let remedy = "open the page on this server itself, or start the server with --allow-origin ORIGIN";
    let detail = format!("the request comes from {foreign}");
    Err(Problem::new(StatusCode::FORBIDDEN, "origin", "Pages of other sites may not ask", detail, remedy))
}

/// The page was served under the very name that it asks now.
fn is_own(origin: &str, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let page = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    matches!((page, host), (Some(page), Some(host)) if page.eq_ignore_ascii_case(host))
}

/// A browser says that another site has it ask without naming itself (`<script>`, `<img>`); a link to us is no such thing.
fn is_cross_site(request: &Request) -> bool {
    let is = |name: &str, value: &str| request.headers().get(name).is_some_and(|is| is.as_bytes() == value.as_bytes());
    let link = request.method() == Method::GET && is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document");
    is("sec-fetch-site", "cross-site") && !link
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn request(headers: &[(&str, &str)]) -> Request {
        let mut request = Request::builder().uri("/health");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).unwrap()
    }

    fn host(access: &Access, host: &str) -> Result<(), u16> {
        check_host(access, &request(&[("host", host)])).map_err(|problem| problem.status)
    }

    #[test]
    fn only_names_that_nobody_else_can_point_here() {
        let local = Access::local();
        for good in ["127.0.0.1:8050", "localhost", "LOCALHOST:9", "[::1]:8050", "localhost.", "127.0.0.2"] {
            assert_eq!(host(&local, good), Ok(()), "{good}");
        }
        for bad in
            ["evil.example:8050", "127.0.0.1.evil.example", "user@127.0.0.1", "10.0.0.1", "", "a b", "localhost.evil"]
        {
            assert_eq!(host(&local, bad), Err(421), "{bad}");
        }
        let wide = Access { hosts: vec!["books.example.org".into()], ..Access::default() };
        for good in ["10.0.0.1:8050", "Books.Example.org", "books.example.org.:443"] {
            assert_eq!(host(&wide, good), Ok(()), "{good}");
        }
        assert_eq!(host(&wide, "other.example.org"), Err(421));
        assert_eq!(check_host(&local, &request(&[])).unwrap_err().status, 400);
        let two = request(&[("host", "localhost"), ("host", "localhost")]);
        assert_eq!(check_host(&local, &two).unwrap_err().status, 400);
        let absolute = Request::builder().uri("http://evil.example/health").header("host", "localhost");
        assert_eq!(check_host(&local, &absolute.body(Body::empty()).unwrap()).unwrap_err().status, 421);
    }

    #[test]
    fn only_our_own_page_and_listed_ones() {
        let access = Access { origins: vec!["https://desk.example".into()], ..Access::local() };
        let host = ("host", "127.0.0.1:8050");
        let ask = |headers: &[(&str, &str)]| check_origin(&access, &request(headers)).map_err(|problem| problem.status);
        assert_eq!(ask(&[host]), Ok(()));
        for good in ["http://127.0.0.1:8050", "https://127.0.0.1:8050", "https://desk.example"] {
            assert_eq!(ask(&[host, ("origin", good)]), Ok(()), "{good}");
        }
        for bad in [
            "http://127.0.0.1:8051",
            "http://localhost:8050",
            "null",
            "https://evil.example",
            "",
            "https://desk.example.evil",
        ] {
            assert_eq!(ask(&[host, ("origin", bad)]), Err(403), "{bad}");
        }
        assert_eq!(ask(&[host, ("origin", "http://127.0.0.1:8050"), ("origin", "https://evil.example")]), Err(403));
        let cross = ("sec-fetch-site", "cross-site");
        assert_eq!(ask(&[host, cross, ("sec-fetch-mode", "no-cors")]), Err(403));
        assert_eq!(ask(&[host, cross, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")]), Ok(()));
        assert_eq!(ask(&[host, cross, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")]), Err(403));
    }
}
