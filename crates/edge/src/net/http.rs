//! HTTP/1.1 GET and POST over dialed connections, which are kept open and used again.

use super::{Address, Dialer, NetError, Stage, Stream, USER_AGENT};
use crate::clock;
use bytes::Bytes;
use fathometer_engine::units::Nanos;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{HeaderMap, Method, Request, header};
use hyper_util::rt::TokioIo;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Longest body that is read, bytes; all instruments of a venue take about 20 MiB.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most idle connections that are kept.
const IDLE_MAX: usize = 8;
/// How long an idle connection is trusted, ns: shorter than what servers and NAT boxes customarily allow.
const IDLE_NANOS_MAX: i64 = 50 * fathometer_engine::units::NANOS_PER_SECOND;

/// An answer.
#[derive(Clone, Debug)]
pub struct HttpReply {
    /// When the request left, by our clock.
    pub sent: Nanos,
    /// When the answer was complete.
    pub received: Nanos,
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl HttpReply {
    /// A header that holds a whole number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.headers.get(name)?.to_str().ok()?.trim().parse().ok()
    }

    /// How long the server asks us to stay away.
    pub fn retry_after(&self) -> Option<Duration> {
        self.number("retry-after").map(Duration::from_secs)
    }
}

struct Idle {
    since: Nanos,
    sender: SendRequest<Full<Bytes>>,
}

/// What is asked.
struct Asked<'a> {
    method: Method,
    path: &'a str,
    /// What is said of it in errors.
    shown: &'a str,
    headers: &'a [(&'static str, String)],
    body: Bytes,
}

/// Asks one server; cheap to clone.
#[derive(Clone)]
pub struct HttpClient {
    dialer: Dialer,
    address: Arc<Address>,
    timeout: Duration,
    /// At most `IDLE_MAX`; beyond it a connection is closed after its answer.
    idle: Arc<Mutex<Vec<Idle>>>,
}

impl HttpClient {
    /// For the server at `base` (`https://api.binance.com`, a path in it is put before every request's).
    ///
    /// # Errors
    /// `base` is not an address.
    pub fn new(dialer: Dialer, base: &str, timeout: Duration) -> Result<HttpClient, NetError> {
        Ok(HttpClient { dialer, address: Arc::new(Address::parse(base)?), timeout, idle: Arc::default() })
    }

    /// Whom it asks, `host:port`.
    pub fn host(&self) -> String {
        self.address.authority()
    }

    /// The answer to a GET of path and query, whatever its status.
    ///
    /// # Errors
    /// No answer came: which stage failed and why.
    pub async fn get(&self, path: &str) -> Result<HttpReply, NetError> {
        let body = Bytes::new();
        self.ask(&Asked { method: Method::GET, path, shown: path, headers: &[], body }).await
    }

    /// The answer to a POST to path and query, whatever its status. It may arrive twice, where a connection breaks before the
    /// answer. Path and headers may hold secrets: no error tells them.
    ///
    /// # Errors
    /// No answer came: which stage failed and why.
    pub async fn post(
        &self,
        path: &str,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<HttpReply, NetError> {
        self.ask(&Asked { method: Method::POST, path, shown: "a message", headers, body }).await
    }

    async fn ask(&self, asked: &Asked<'_>) -> Result<HttpReply, NetError> {
        if let Some(sender) = self.take_idle() {
            // The server may have closed it at this very moment: that is no failure yet.
            match self.exchange(sender, asked).await {
                Err(e) if e.stage == Stage::Talk => tracing::debug!("a kept connection was stale: {e}"),
                done => return done,
            }
        }
        let address = &self.address;
        let stream = self.dialer.dial(&address.host, address.port, address.tls).await?;
        let sender = self.open(stream).await.map_err(|e| self.broke(&e))?;
        self.exchange(sender, asked).await
    }

    fn take_idle(&self) -> Option<SendRequest<Full<Bytes>>> {
        let now = clock::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|i| !i.sender.is_closed() && now.since(i.since) < IDLE_NANOS_MAX);
        idle.pop().map(|i| i.sender)
    }

    async fn open(&self, stream: Stream) -> hyper::Result<SendRequest<Full<Bytes>>> {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends by itself once the sender is dropped or the server closes.
        tokio::spawn(async move {
            if let Err(e) = connection.await {
                tracing::debug!("a kept connection ended: {e}");
            }
        });
        Ok(sender)
    }

    async fn exchange(&self, mut sender: SendRequest<Full<Bytes>>, asked: &Asked<'_>) -> Result<HttpReply, NetError> {
        let shown = asked.shown;
        let path = match format!("{}{}", self.address.path, asked.path) {
            path if path.starts_with('/') => path,
            path => format!("/{path}"),
        };
        let request = Request::builder()
            .method(asked.method.clone())
            .uri(path)
            .header(header::HOST, self.address.authority())
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::ACCEPT, "application/json");
        let request = asked.headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let request = request
            .body(Full::new(asked.body.clone()))
            .map_err(|e| NetError::new(&self.host(), Stage::Address, format!("{shown}: {e}")))?;
        let talk = async {
            sender.ready().await.map_err(|e| self.broke(&e))?;
            let sent = clock::now();
            let (head, body) = sender.send_request(request).await.map_err(|e| self.broke(&e))?.into_parts();
            let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
            let body = body.map_err(|e| NetError::new(&self.host(), Stage::Talk, e.to_string()))?.to_bytes();
            let received = clock::now();
            Ok(HttpReply { sent, received, status: head.status.as_u16(), headers: head.headers, body })
        };
        let reply = match tokio::time::timeout(self.timeout, talk).await {
            Ok(reply) => reply?,
            Err(_) => {
                let detail = format!("no answer to {shown} within {} s", self.timeout.as_secs_f32());
                // Not `Talk`: asking at once a second time would double the wait.
                return Err(NetError::new(&self.host(), Stage::Silence, detail));
            }
        };
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(Idle { since: reply.received, sender });
        }
        Ok(reply)
    }

    fn broke(&self, error: &hyper::Error) -> NetError {
        let cause = std::error::Error::source(error).map(|s| format!(": {s}")).unwrap_or_default();
        NetError::new(&self.host(), Stage::Talk, format!("{error}{cause}"))
    }
}
