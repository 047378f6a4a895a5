//! Why a connection or a request failed: what happened, at which host, and what to do.

use fathometer_engine::venue::rules::advice;
use std::fmt;
use std::time::Duration;

/// How far a connection came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The address itself makes no sense.
    Address,
    /// Reading certificate files.
    Certificates,
    /// Looking up the name.
    Dns,
    /// Reaching the host.
    Connect,
    /// Getting through the proxy.
    Proxy,
    /// Agreeing on encryption.
    Tls,
    /// Becoming a WebSocket.
    Handshake,
    /// The other side answered with that HTTP status.
    Http(u16),
    /// Talking, once connected.
    Talk,
    /// Connected, but no answer in time.
    Silence,
}

/// A connection or request that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetError {
    /// Host and port, or the file.
    pub host: String,
    /// How far it came.
    pub stage: Stage,
    /// What the system or the other side said.
    pub detail: String,
    /// How long the other side asked us to stay away.
    pub retry_after: Option<Duration>,
}

impl NetError {
    /// An error without a `Retry-After`.
    pub fn new(host: &str, stage: Stage, detail: String) -> Self {
        NetError { host: host.to_owned(), stage, detail, retry_after: None }
    }

    /// Whether trying again is of no use until a person acts: the place or address is refused.
    pub fn is_refusal(&self) -> bool {
        matches!(self.stage, Stage::Http(403 | 451))
    }

    /// Whether the other side told us to slow down.
    pub fn is_throttle(&self) -> bool {
        matches!(self.stage, Stage::Http(429 | 418))
    }
}

impl std::error::Error for NetError {}

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, detail) = (&self.host, &self.detail);
        match self.stage {
            Stage::Address => write!(f, "{host} is not an address that can be dialed: {detail}"),
            Stage::Certificates => {
                write!(f, "certificates of {host} cannot be used: {detail}; --ca-file wants a PEM file")
            }
            Stage::Dns => write!(
                f,
                "the name in {host} cannot be looked up: {detail}; check its spelling and this machine's DNS, \
                 or set HTTPS_PROXY if only a proxy reaches the internet"
            ),
            Stage::Connect => write!(
                f,
                "{host} cannot be reached: {detail}; check that it listens and that no firewall is between, \
                 or set HTTPS_PROXY if only a proxy reaches the internet"
            ),
            Stage::Proxy => {
                write!(f, "the proxy did not let us through to {host}: {detail}; check HTTPS_PROXY and NO_PROXY")
            }
            Stage::Tls if detail.contains("UnknownIssuer") => write!(
                f,
                "{host} shows a certificate of an authority that is not trusted ({detail}); if that authority is yours \
                 (a company proxy, a local venue), give its PEM file with --ca-file or SSL_CERT_FILE"
            ),
            Stage::Tls if detail.contains("NotValidForName") || detail.contains("not valid for name") => {
                write!(f, "{host} shows a certificate for another name ({detail}); check the address")
            }
            Stage::Tls if detail.contains("Expired") || detail.contains("NotValidYet") => {
                write!(f, "{host} shows a certificate that is not valid today ({detail}); check this machine's date")
            }
            Stage::Tls => write!(
                f,
                "no encryption could be agreed with {host}: {detail}; check that this port speaks TLS \
                 (ws:// and http:// are without)"
            ),
            Stage::Handshake => write!(f, "{host} answers, but not as a WebSocket: {detail}; check path and port"),
            Stage::Http(status) => {
                write!(f, "{host} answered HTTP {status}")?;
                if !detail.is_empty() {
                    write!(f, " ({detail})")?;
                }
                write!(f, "{}", advice(status))
            }
            Stage::Silence => write!(f, "{host} is connected but does not answer: {detail}"),
            Stage::Talk => write!(f, "the connection to {host} broke: {detail}"),
        }
    }
}
