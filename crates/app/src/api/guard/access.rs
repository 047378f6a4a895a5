//! Who is let in: as flags say it, checked before anything listens.

use super::token::Token;
use crate::cli::serve::ServeArgs;
use crate::failure::Failure;
use axum::http::HeaderValue;
use std::net::SocketAddr;

/// Who is let in.
#[derive(Debug, Default)]
pub struct Access {
    /// What askers have to know; `None`: nothing.
    pub token: Option<Token>,
    /// Names besides addresses and `localhost` under which this server is asked, lower case, without port.
    pub hosts: Vec<String>,
    /// Pages of other sites that may ask, as browsers write their origin: `https://example.org`.
    pub origins: Vec<String>,
    /// Whether it listens to this machine only.
    pub local: bool,
}

impl Access {
    /// For this machine only, without a token.
    pub fn local() -> Self {
        Access { local: true, ..Access::default() }
    }

    /// What the flags mean for a server at that address.
    ///
    /// # Errors
    /// The address can be reached from outside and nothing protects it; a token, host or origin that is none.
    pub fn of(args: &ServeArgs, address: SocketAddr) -> Result<Self, Failure> {
        let local = address.ip().is_loopback();
        let token = Token::given(args.token_file.as_deref(), args.token.as_ref().map(|token| token.0.as_str()))?;
        if !local && token.is_none() && !args.insecure {
            return Err(Failure::usage(format!(
                "--listen {address} can be reached from other machines, and everybody there could read all of this: give \
                 askers a token with --token-file FILE (or FATHOMETER_TOKEN), or say --insecure if that is meant; without \
                 --listen only this machine is served"
            )));
        }
        let hosts = args.allow_host.iter().map(|host| host_name(host)).collect::<Result<_, _>>()?;
        let origins = args.allow_origin.iter().map(|origin| page_origin(origin)).collect::<Result<_, _>>()?;
        Ok(Access { token, hosts, origins, local })
    }

    /// Whether a page of that origin is listed.
    pub fn lists(&self, origin: &HeaderValue) -> bool {
        self.origins.iter().any(|listed| listed.as_bytes().eq_ignore_ascii_case(origin.as_bytes()))
    }
}

fn host_name(text: &str) -> Result<String, Failure> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
    if plain {
        return Ok(text.to_ascii_lowercase());
    }
    Err(Failure::usage(format!("--allow-host {text}: wants a name without scheme and port, like books.example.org")))
}

fn page_origin(text: &str) -> Result<String, Failure> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(['/', '?', '#', '@', '*']) && rest.is_ascii() => {
            Ok(text.to_ascii_lowercase())
        }
        _ => Err(Failure::usage(format!(
            "--allow-origin {text}: wants what browsers send as Origin, like https://example.org or http://localhost:5173"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::serve::Secret;

    fn of(args: ServeArgs, address: &str) -> Result<Access, String> {
        Access::of(&args, address.parse().unwrap()).map_err(|failure| failure.text)
    }

    #[test]
    fn what_can_be_reached_from_outside_wants_a_token_or_a_word() {
        for address in ["0.0.0.0:8050", "[::]:8050", "192.168.1.2:80"] {
            let text = of(ServeArgs::default(), address).unwrap_err();
            assert!(text.contains("--token-file") && text.contains("--insecure"), "{text}");
            assert!(of(ServeArgs { insecure: true, ..ServeArgs::default() }, address).unwrap().token.is_none());
            let args = ServeArgs { token: Some(Secret("0123456789abcdef".into())), ..ServeArgs::default() };
            assert!(of(args, address).unwrap().token.is_some());
        }
        for address in ["127.0.0.1:8050", "127.9.9.9:1", "[::1]:8050"] {
            assert!(of(ServeArgs::default(), address).unwrap().local);
        }
    }

    #[test]
    fn hosts_and_origins_are_what_browsers_send() {
        for origin in ["example.org", "https://example.org/", "https://*", "ftp://x", "http://", "null"] {
            let args = ServeArgs { allow_origin: vec![origin.into()], ..ServeArgs::default() };
            assert!(of(args, "127.0.0.1:1").is_err(), "{origin}");
        }
        for host in ["https://example.org", "example.org:80", ""] {
            let args = ServeArgs { allow_host: vec![host.into()], ..ServeArgs::default() };
            assert!(of(args, "127.0.0.1:1").is_err(), "{host}");
        }
        let args = ServeArgs { allow_origin: vec!["http://LOCALHOST:5173".into()], ..ServeArgs::default() };
        let access = of(args, "127.0.0.1:1").unwrap();
        assert!(access.lists(&HeaderValue::from_static("http://localhost:5173")));
        assert!(!access.lists(&HeaderValue::from_static("http://localhost:5174")));
    }
}
