//! A URL taken apart: whom to dial, and whether encrypted.

use super::error::{NetError, Stage};
use hyper::Uri;

/// Where a URL points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Host name or IP, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Whether encrypted (`wss`, `https`).
    pub tls: bool,
    /// Path, without a trailing slash; empty for the root.
    pub path: String,
}

impl Address {
    /// Of a `ws`, `wss`, `http` or `https` URL.
    ///
    /// # Errors
    /// Stage `Address` with what is wrong.
    pub fn parse(url: &str) -> Result<Address, NetError> {
        let bad = |detail: &str| NetError::new(url, Stage::Address, detail.to_owned());
        let uri: Uri = url.parse().map_err(|e| bad(&format!("{e}")))?;
        let tls = match uri.scheme_str() {
            Some("wss" | "https") => true,
            Some("ws" | "http") => false,
            _ => return Err(bad("it must begin with wss://, ws://, https:// or http://")),
        };
        let host = uri.host().filter(|h| !h.is_empty()).ok_or_else(|| bad("it names no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Address { host, port, tls, path: uri.path().trim_end_matches('/').to_owned() })
    }

    /// `host:port`, an IPv6 host in brackets.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let a = Address::parse("wss://stream.binance.com:9443/stream?streams=a/b").unwrap();
        assert_eq!((a.host.as_str(), a.port, a.tls, a.path.as_str()), ("stream.binance.com", 9443, true, "/stream"));
        assert_eq!(Address::parse("http://[::1]/x/").unwrap().authority(), "[::1]:80");
        for bad in ["", "stream.binance.com", "ftp://x", "wss:///x", "wss://a b"] {
            assert_eq!(Address::parse(bad).unwrap_err().stage, Stage::Address, "{bad}");
        }
    }
}
