//! Through an HTTP CONNECT proxy, as the customary environment variables ask for it.

use super::address::Address;
use super::error::{NetError, Stage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest head of a proxy's answer, bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// A proxy.
pub(super) struct Proxy {
    address: Address,
    /// `Proxy-Authorization` value, if the URL carried a user.
    authorization: Option<String>,
}

/// Hosts that are dialed without the proxy (`NO_PROXY`).
#[derive(Debug, Default)]
pub(super) struct Exceptions {
    /// Lower-case names or suffixes; `*` stands for all.
    names: Vec<String>,
    /// A proxy from the environment is not meant for this machine itself; one given on purpose may be.
    loopback: bool,
}

impl Exceptions {
    /// Whether `host` is dialed without the proxy.
    pub(super) fn cover(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        (self.loopback && local)
            || self.names.iter().any(|name| {
                name == "*" || host == *name || host.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('.'))
            })
    }
}

/// The proxy in force and its exceptions: what a person gave, else the environment.
pub(super) fn settings(
    given: Option<&str>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<(Option<Proxy>, Exceptions), NetError> {
    let set = |name: &str| env(name).filter(|v| !v.is_empty());
    let either = |upper: &str| set(upper).or_else(|| set(&upper.to_lowercase()));
    let names = either("NO_PROXY").unwrap_or_default();
    let names =
        names.split(',').map(|n| n.trim().trim_start_matches("*.").trim_start_matches('.').to_ascii_lowercase());
    let names = names.filter(|n| !n.is_empty()).collect();
    let url = given.map(str::to_owned).or_else(|| either("HTTPS_PROXY")).or_else(|| either("ALL_PROXY"));
    let proxy = url.map(|u| Proxy::parse(&u)).transpose()?;
    Ok((proxy, Exceptions { names, loopback: given.is_none() }))
}

impl Proxy {
    fn parse(url: &str) -> Result<Proxy, NetError> {
        let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let (scheme, rest) = url.split_once("://").unwrap_or(("", &url));
        let (user, place) = rest.rsplit_once('@').map_or((None, rest), |(user, place)| (Some(user), place));
        if scheme != "http" {
            let detail = format!("proxies of kind {scheme}:// are not supported; give the address of an http:// proxy");
            return Err(NetError::new(place, Stage::Address, detail));
        }
        let address = Address::parse(&format!("http://{place}"))?;
        Ok(Proxy { address, authorization: user.map(|u| format!("Basic {}", base64(&percent_decoded(u)))) })
    }

    /// A connection through the proxy to `host:port`.
    pub(super) async fn tunnel(&self, host: &str, port: u16) -> Result<TcpStream, NetError> {
        let to = Address { host: host.to_owned(), port, tls: false, path: String::new() }.authority();
        let via = self.address.authority();
        let bad = |detail: String| NetError::new(&to, Stage::Proxy, format!("{via}: {detail}"));
        let mut tcp =
            super::connect(&self.address.host, self.address.port, &|_| {}).await.map_err(|e| bad(e.detail))?;
        let authorization = self.authorization.as_ref().map(|a| format!("Proxy-Authorization: {a}\r\n"));
        let request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{}\r\n", authorization.unwrap_or_default());
        tcp.write_all(request.as_bytes()).await.map_err(|e| bad(e.to_string()))?;
        let head = read_head(&mut tcp).await.map_err(|e| bad(e.to_string()))?;
        let line = head.lines().next().unwrap_or_default();
        match line.split(' ').nth(1) {
            Some(status) if status.len() == 3 && status.starts_with('2') => Ok(tcp),
            Some("407") => Err(bad("it wants a user and password (http://user:password@host:port)".into())),
            _ => Err(bad(format!("it answered {line:?}"))),
        }
    }
}

/// Up to the empty line, and not a byte further: what follows belongs to the tunnel.
async fn read_head(tcp: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HEAD_BYTES_MAX {
            return Err(std::io::Error::other("its answer has no end"));
        }
        head.push(tcp.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let (mut out, mut i) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&c) = bytes.get(i) {
        let hex = text.get(i + 1..i + 3).filter(|_| c == b'%').and_then(|h| u8::from_str_radix(h, 16).ok());
        out.push(hex.unwrap_or(c));
        i += if hex.is_some() { 3 } else { 1 };
    }
    out
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let six = (word >> (18 - 6 * i)) as usize & 63;
            out.push(if i <= chunk.len() { char::from(ALPHABET[six]) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_from_the_person_then_from_the_environment() {
        let env = |name: &str| match name {
            "ALL_PROXY" => Some("socks.example:1".to_owned()),
            "https_proxy" => Some("http://me:p%40ss@proxy.example:3128".to_owned()),
            "NO_PROXY" => Some("internal, .corp.example,*.lab".to_owned()),
            _ => None,
        };
        let (proxy, except) = settings(None, &env).unwrap();
        let proxy = proxy.unwrap();
        assert_eq!(proxy.address.authority(), "proxy.example:3128");
        assert_eq!(proxy.authorization.as_deref(), Some("Basic bWU6cEBzcw=="));
        for (host, direct) in [
            ("api.binance.com", false),
            ("internal", true),
            ("notinternal", false),
            ("a.corp.example", true),
            ("X.LAB", true),
            ("127.0.0.1", true),
        ] {
            assert_eq!(except.cover(host), direct, "{host}");
        }
        let (proxy, except) = settings(Some("127.0.0.1:8080"), &env).unwrap();
        assert_eq!(proxy.unwrap().address.port, 8080);
        assert!(!except.cover("127.0.0.1"));
        assert!(settings(None, &|_| None).unwrap().0.is_none());
    }

    #[test]
    fn a_socks_proxy_is_refused_without_showing_the_password() {
        let error = settings(Some("socks5://me:secret@host:1"), &|_| None).err().unwrap().to_string();
        assert!(error.contains("socks5") && error.contains("host:1") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn base64_of_rfc_4648() {
        for (text, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(text.as_bytes()), coded);
        }
    }
}
