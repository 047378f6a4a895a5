//! The other side: a WebSocket server, an HTTP server, certificates, and the engine's end of the inbox.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use fathometer_edge::feed::{FeedOptions, Feeds, VenuePlan};
use fathometer_edge::inbox::{InboxLimits, InboxSender, InboxStats, Received, ReceivedBody, inbox};
use fathometer_engine::input::NO_LINK;
use fathometer_engine::instrument::Venue;
use fathometer_engine::venue::rules::Budget;
use fathometer_engine::venue::{Heartbeat, LinkPlan};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request as Upgrade, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

/// Longest a test waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}
pub(crate) type Peer = WebSocketStream<Box<dyn Io>>;

/// Status and `Retry-After` of upgrades to refuse.
type Refusals = Arc<Mutex<VecDeque<(u16, Option<u64>)>>>;
/// Status and headers of answers to give.
type Answers = Arc<Mutex<VecDeque<(u16, Vec<(&'static str, String)>)>>>;

/// Hands every connection to the test; refuses upgrades for which an answer is queued.
pub(crate) struct WsServer {
    pub(crate) url: String,
    pub(crate) refuse: Refusals,
    pub(crate) attempts: Arc<Mutex<Vec<Instant>>>,
    peers: mpsc::UnboundedReceiver<Peer>,
}

impl WsServer {
    pub(crate) async fn start() -> WsServer {
        Self::start_with(None).await
    }

    pub(crate) async fn start_with(tls: Option<TlsAcceptor>) -> WsServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "wss" } else { "ws" };
        let url = format!("{scheme}://127.0.0.1:{}/stream", listener.local_addr().unwrap().port());
        let (tx, peers) = mpsc::unbounded_channel();
        let refuse: Refusals = Arc::default();
        let attempts: Arc<Mutex<Vec<Instant>>> = Arc::default();
        let server = WsServer { url, refuse: refuse.clone(), attempts: attempts.clone(), peers };
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (tls, tx, refuse, attempts) = (tls.clone(), tx.clone(), refuse.clone(), attempts.clone());
                tokio::spawn(async move {
                    let io: Box<dyn Io> = match tls {
                        None => Box::new(tcp),
                        Some(tls) => match tls.accept(tcp).await {
                            Ok(io) => Box::new(io),
                            Err(_) => return,
                        },
                    };
                    attempts.lock().unwrap().push(Instant::now());
                    #[allow(clippy::result_large_err)]
                    let answer = |_: &Upgrade, yes: Response| match refuse.lock().unwrap().pop_front() {
                        None => Ok(yes),
                        Some((status, retry_after)) => {
                            let mut no = ErrorResponse::new(Some("this place is not served".into()));
                            *no.status_mut() = status.try_into().unwrap();
                            if let Some(seconds) = retry_after {
                                no.headers_mut().insert("retry-after", seconds.into());
                            }
                            Err(no)
                        }
                    };
                    if let Ok(peer) = accept_hdr_async(io, answer).await {
                        let _ = tx.send(peer);
                    }
                });
            }
        });
        server
    }

    pub(crate) async fn peer(&mut self) -> Peer {
        timeout(PATIENCE, self.peers.recv()).await.expect("nobody connected").unwrap()
    }

    pub(crate) async fn nobody_for(&mut self, time: Duration) -> bool {
        timeout(time, self.peers.recv()).await.is_err()
    }
}

/// What an HTTP test server saw and shall say: the next queued answer for a path, else 200 with the path as its body.
#[derive(Clone, Default)]
pub(crate) struct Script {
    pub(crate) answers: Answers,
    pub(crate) seen: Arc<Mutex<Vec<(Instant, String)>>>,
    pub(crate) connections: Arc<AtomicU64>,
    pub(crate) slow: Arc<AtomicBool>,
}

impl Script {
    pub(crate) fn say(&self, status: u16, headers: &[(&'static str, &str)]) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.answers.lock().unwrap().push_back((status, headers));
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|(_, path)| path.clone()).collect()
    }

    /// Starts to serve; the base URL.
    pub(crate) async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(self.clone());
        let connections = self.connections.clone();
        let listener = axum::serve::ListenerExt::tap_io(listener, move |_| {
            connections.fetch_add(1, Ordering::SeqCst);
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        base
    }
}

async fn answer(State(script): State<Script>, request: Request) -> impl IntoResponse {
    let path = request.uri().to_string();
    script.seen.lock().unwrap().push((Instant::now(), path.clone()));
    if script.slow.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let (status, said) = script.answers.lock().unwrap().pop_front().unwrap_or((200, Vec::new()));
    let mut headers = HeaderMap::new();
    for (name, value) in said {
        headers.insert(name, value.parse().unwrap());
    }
    (StatusCode::from_u16(status).unwrap(), headers, path)
}

/// A certificate for this machine, signed by an authority of its own, whose PEM file it returns.
pub(crate) fn certificates(names: &[&str]) -> (TlsAcceptor, PathBuf, tempfile::TempDir) {
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let mut ca = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_cert = ca.self_signed(&ca_key).unwrap();
    let issuer = rcgen::Issuer::new(ca, ca_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    let cert = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, ca_cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), file, folder)
}

pub(crate) fn link(url: &str) -> LinkPlan {
    LinkPlan {
        venue: Venue::Binance,
        url: url.to_owned(),
        hello: Vec::new(),
        frames_per_second_max: 4,
        heartbeat: Heartbeat::ServerPing,
        rotate_seconds: 23 * 3600,
        silence_seconds: 60,
        symbols: vec!["BTCUSDT".into()],
        depth: true,
    }
}

pub(crate) fn venue(links: Vec<LinkPlan>, rest: &str) -> VenuePlan {
    VenuePlan {
        venue: Venue::Binance,
        rest: rest.to_owned(),
        links,
        budget: Budget { weight_per_minute: 4000, in_flight_max: 4 },
        time: None,
        startup: Vec::new(),
        periodic: Vec::new(),
    }
}

/// Impatient, so that tests are quick.
pub(crate) fn options() -> FeedOptions {
    let mut options = FeedOptions::default();
    options.backoff.min = Duration::from_millis(50);
    options.backoff.max = Duration::from_millis(100);
    options.request_backoff.min = Duration::from_millis(20);
    options.request_backoff.max = Duration::from_millis(50);
    options.open_spacing = Duration::ZERO;
    options.rotate_overlap = Duration::from_millis(100);
    options
}

/// The engine's end of the inbox, with a thread of its own as in the program.
pub(crate) struct Engine {
    inputs: mpsc::UnboundedReceiver<Received>,
    pub(crate) ticks: Arc<AtomicU64>,
    pub(crate) asleep: Arc<AtomicBool>,
    sender: InboxSender,
}

impl Engine {
    pub(crate) fn listen(plan: VenuePlan, options: FeedOptions) -> (Engine, Feeds) {
        Self::listen_within(plan, options, InboxLimits::default())
    }

    pub(crate) fn listen_within(plan: VenuePlan, options: FeedOptions, limits: InboxLimits) -> (Engine, Feeds) {
        let (sender, mut receiver) = inbox(limits);
        let (tx, inputs) = mpsc::unbounded_channel();
        let (ticks, asleep) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let engine = Engine { inputs, ticks: ticks.clone(), asleep: asleep.clone(), sender: sender.clone() };
        std::thread::spawn(move || {
            let mut batch = VecDeque::new();
            loop {
                while asleep.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                if receiver.recv(&mut batch, Duration::from_millis(20)).is_err() {
                    return;
                }
                for received in batch.drain(..) {
                    if received.body == ReceivedBody::Tick {
                        assert_eq!(received.link, NO_LINK);
                        ticks.fetch_add(1, Ordering::SeqCst);
                    } else if tx.send(received).is_err() {
                        return;
                    }
                }
            }
        });
        let feeds = Feeds::start(vec![plan], options, sender, &tokio::runtime::Handle::current()).unwrap();
        (engine, feeds)
    }

    /// The next input that is not a tick.
    pub(crate) async fn next(&mut self) -> Received {
        timeout(PATIENCE, self.inputs.recv()).await.expect("nothing came").expect("the engine ended")
    }

    pub(crate) async fn nothing_for(&mut self, time: Duration) -> bool {
        timeout(time, self.inputs.recv()).await.is_err()
    }

    pub(crate) fn stats(&self) -> InboxStats {
        self.sender.stats()
    }
}

/// Waits until `what` holds.
pub(crate) async fn until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < PATIENCE, "it never came true");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub(crate) fn text(received: &Received) -> &str {
    match &received.body {
        ReceivedBody::Text(bytes) => std::str::from_utf8(bytes).unwrap(),
        other => panic!("not a text: {other:?}"),
    }
}

pub(crate) fn is_open(received: &Received) -> bool {
    matches!(received.body, ReceivedBody::Open { .. })
}

pub(crate) fn close_reason(received: &Received) -> &str {
    match &received.body {
        ReceivedBody::Close { reason } => reason,
        other => panic!("not a close: {other:?}"),
    }
}
