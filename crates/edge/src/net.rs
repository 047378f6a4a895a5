//! The one way out: every connection, WebSocket or HTTP, is dialed here, so that certificates, proxies and messages are the same.

mod address;
mod error;
mod http;
mod proxy;
mod stream;
mod tls;

pub use address::Address;
pub use error::{NetError, Stage};
pub use http::{BODY_BYTES_MAX, HttpClient, HttpReply};
pub use stream::Stream;

use proxy::Proxy;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use stream::Tcp;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

/// What is said as `User-Agent`; some web firewalls refuse those who say nothing.
pub const USER_AGENT: &str = concat!("fathometer/", env!("CARGO_PKG_VERSION"));

/// How long the next address of a host waits for the one before it (RFC 8305 recommends 250 ms).
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// How connections are made, as a person sets it.
#[derive(Clone, Debug)]
pub struct DialOptions {
    /// PEM file with certificate authorities to trust in addition to the built-in ones and those of `SSL_CERT_FILE`.
    pub ca_file: Option<PathBuf>,
    /// `http://[user:password@]host:port` of an HTTP CONNECT proxy; without it `HTTPS_PROXY` and `ALL_PROXY` are asked.
    pub proxy: Option<String>,
    /// Most time for name, connection, proxy and TLS together.
    pub connect_timeout: Duration,
}

impl Default for DialOptions {
    fn default() -> Self {
        DialOptions { ca_file: None, proxy: None, connect_timeout: Duration::from_secs(10) }
    }
}

/// Opens connections; cheap to clone.
#[derive(Clone)]
pub struct Dialer {
    tls: TlsConnector,
    proxy: Option<Arc<Proxy>>,
    no_proxy: Arc<proxy::Exceptions>,
    connect_timeout: Duration,
}

impl Dialer {
    /// Reads certificates and proxy settings once.
    ///
    /// # Errors
    /// A CA file that cannot be read or holds no certificate; a proxy address that is not one.
    pub fn new(options: &DialOptions) -> Result<Dialer, NetError> {
        let (proxy, no_proxy) = proxy::settings(options.proxy.as_deref(), &|name| std::env::var(name).ok())?;
        Ok(Dialer {
            tls: tls::connector(options.ca_file.as_deref())?,
            proxy: proxy.map(Arc::new),
            no_proxy: Arc::new(no_proxy),
            connect_timeout: options.connect_timeout,
        })
    }

    /// A connection to `host:port`, encrypted if `tls`.
    ///
    /// # Errors
    /// Which stage failed, at which host, and why.
    pub async fn dial(&self, host: &str, port: u16, tls: bool) -> Result<Stream, NetError> {
        let stage = std::sync::Mutex::new(Stage::Dns);
        let reached = |now: Stage| *stage.lock().unwrap_or_else(|e| e.into_inner()) = now;
        let dialing = self.dial_reporting(host, port, tls, &reached);
        match tokio::time::timeout(self.connect_timeout, dialing).await {
            Ok(result) => result,
            Err(_) => {
                let stage = *stage.lock().unwrap_or_else(|e| e.into_inner());
                let detail = format!("no answer within {} s", self.connect_timeout.as_secs_f32());
                Err(NetError::new(&format!("{host}:{port}"), stage, detail))
            }
        }
    }

    async fn dial_reporting(
        &self,
        host: &str,
        port: u16,
        tls: bool,
        reached: &(dyn Fn(Stage) + Send + Sync),
    ) -> Result<Stream, NetError> {
        let tcp = match &self.proxy {
            Some(proxy) if !self.no_proxy.cover(host) => {
                reached(Stage::Proxy);
                proxy.tunnel(host, port).await?
            }
            _ => connect(host, port, reached).await?,
        };
        if !tls {
            return Ok(Stream::Plain(Tcp::new(tcp)));
        }
        reached(Stage::Tls);
        let at = format!("{host}:{port}");
        let name = rustls_pki_types::ServerName::try_from(host.to_owned())
            .map_err(|e| NetError::new(&at, Stage::Address, e.to_string()))?;
        let stream = self.tls.connect(name, Tcp::new(tcp)).await;
        Ok(Stream::Tls(Box::new(stream.map_err(|e| tls::error(&at, &e))?)))
    }
}

/// A TCP connection to the first of the host's addresses that answers. The receive buffer is left to the kernel: its own
/// tuning reaches several MiB, while a size set by hand is capped lower (`net.core.rmem_max`) and switches the tuning off.
async fn connect(host: &str, port: u16, reached: &(dyn Fn(Stage) + Send + Sync)) -> Result<TcpStream, NetError> {
    let at = format!("{host}:{port}");
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let found = tokio::net::lookup_host((bare, port)).await;
    let addresses: Vec<SocketAddr> = found.map_err(|e| NetError::new(&at, Stage::Dns, e.to_string()))?.collect();
    if addresses.is_empty() {
        return Err(NetError::new(&at, Stage::Dns, "the name has no address".into()));
    }
    reached(Stage::Connect);
    let mut tries = JoinSet::new();
    for (i, address) in addresses.into_iter().enumerate() {
        tries.spawn(async move {
            tokio::time::sleep(NEXT_ADDRESS_AFTER * u32::try_from(i).unwrap_or(u32::MAX)).await;
            TcpStream::connect(address).await.map_err(|e| format!("{address}: {e}"))
        });
    }
    let mut why = Vec::new();
    while let Some(done) = tries.join_next().await {
        match done {
            Ok(Ok(tcp)) => {
                // Small frames (pongs, subscriptions) must not wait for company.
                tcp.set_nodelay(true).map_err(|e| NetError::new(&at, Stage::Connect, e.to_string()))?;
                return Ok(tcp);
            }
            Ok(Err(detail)) => why.push(detail),
            Err(e) => why.push(e.to_string()),
        }
    }
    why.truncate(4);
    Err(NetError::new(&at, Stage::Connect, why.join("; ")))
}
