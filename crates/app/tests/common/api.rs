//! A small market of which every number is known, an engine's thread that answers, and a server on a free port.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "each test file uses its part")]

use fathometer::api::limits::Limits;
use fathometer::api::{Api, server};
use fathometer::cli::serve::ServeArgs;
use fathometer::live::state::State;
use fathometer::player::booth::Booth;
use fathometer::runner::Runner;
use fathometer::view::{Mode, View};
use fathometer_edge::clock;
use fathometer_engine::alert::{self, Alert, AlertId, Severity};
use fathometer_engine::detector::Measure;
use fathometer_engine::engine::Config;
use fathometer_engine::input::{Body, Input, Leg, LinkId};
use fathometer_engine::instrument::{InstrumentId, Venue};
use fathometer_engine::metric::catalogue;
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// The instrument whose book is known; `btcusdt` means the two others, of which nothing was ever heard.
pub(crate) const KNOWN: &str = "okx:BTC-USDT";
/// An alert of that instrument that fires.
pub(crate) const ALERT: &str = "00000000000000a1";
const WATCHED: [(Venue, &str); 3] =
    [(Venue::Okx, "BTC-USDT"), (Venue::Binance, "BTCUSDT"), (Venue::BinanceUsdm, "BTCUSDT")];

/// Mid 100; asks 50 at 101 and 1,000 at 102; bids 1,000 at 99 and 100 at 90; update 7.
const BOOK: &str = r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[["101.0","50","0","1"],["102.0","1000","0","1"]],"bids":[["99.0","1000","0","1"],["90.0","100","0","1"]],"ts":"TS","checksum":0,"seqId":7,"prevSeqId":-1}]}"#;
const TRADES: &str = r#"{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"count":"1","instId":"BTC-USDT","px":"101.0","seqId":41,"side":"buy","source":"0","sz":"3.5","tradeId":"900100","ts":"TS"},{"count":"1","instId":"BTC-USDT","px":"99.0","seqId":42,"side":"sell","source":"0","sz":"1","tradeId":"900101","ts":"TS"}]}"#;

/// A server, and what it serves.
pub(crate) struct Rig {
    pub(crate) address: SocketAddr,
    pub(crate) state: Arc<State>,
    pub(crate) api: Arc<Api>,
    /// The PEM text of the certificate, where TLS is served.
    pub(crate) certificate: String,
    stop: CancellationToken,
    over: Arc<AtomicBool>,
    engine: Option<JoinHandle<()>>,
    runtime: Runtime,
}

/// What the engine says of the alert.
pub(crate) fn alert(state: alert::State) -> Alert {
    Alert {
        id: AlertId(0xa1),
        at: clock::now(),
        instrument: InstrumentId(0),
        detector: 0,
        key: 1,
        severity: Severity::Warning,
        state,
        since: Nanos(NANOS_PER_SECOND),
        fired: (state != alert::State::Pending).then_some(Nanos(2 * NANOS_PER_SECOND)),
        count: 3,
        text: "bids stand at or above asks".to_owned(),
        evidence: vec![Measure::new("overlap_bps", 1.5, Some(0.0)).with_zscore(2.5)],
    }
}

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// The fees that are built in.
fn fees() -> Vec<fathometer_engine::cost::fees::Table> {
    fathometer::config::Config::load(fathometer::config::Sources::default()).unwrap().fees
}

impl Rig {
    pub(crate) fn new() -> Self {
        Rig::with(ServeArgs::default(), Limits::default())
    }

    pub(crate) fn with(args: ServeArgs, limits: Limits) -> Self {
        Rig::playing(args, limits, Booth::default())
    }

    /// The same with recordings beside it.
    pub(crate) fn playing(args: ServeArgs, limits: Limits, booth: Booth) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let instruments = WATCHED.map(|(venue, symbol)| (venue, symbol.to_owned())).to_vec();
        let config = Config { instruments, ..Config::default() };
        let state = Arc::new(State::new(View::new(Mode::Live, &catalogue(&config.metrics))));
        let mut runner = Runner::new(config);
        feed(&mut runner, &state);
        state.hub.alerts.lock().take(&alert(alert::State::Firing), KNOWN);
        let over = Arc::new(AtomicBool::new(false));
        let engine = std::thread::spawn({
            let (state, over) = (state.clone(), over.clone());
            move || {
                while !over.load(Ordering::Relaxed) {
                    state.questions.answer(&runner.engine);
                    std::thread::sleep(Duration::from_millis(1));
                }
                state.questions.end();
            }
        });
        let mut bound = runtime.block_on(server::bind("127.0.0.1:0".parse().unwrap(), &args)).unwrap();
        let url = bound.url().unwrap();
        let address = url.rsplit('/').next().unwrap().parse().unwrap();
        let mut api = Api::new(state.clone(), std::mem::take(&mut bound.access)).playing(booth).charging(fees());
        api.limits = limits;
        let (api, stop) = (Arc::new(api), CancellationToken::new());
        runtime.spawn(server::serve(bound, api.clone(), stop.clone()));
        Rig { address, state, api, certificate: String::new(), stop, over, engine: Some(engine), runtime }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    /// The JSON of a path that answers 200.
    pub(crate) fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    /// A request with the usual Host, unless `headers` brings its own.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request += &format!("Host: {}\r\n", self.address);
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            request += &format!("Content-Length: {}\r\n", body.len());
        }
        let mut bytes = (request + "\r\n").into_bytes();
        bytes.extend(body);
        self.raw(&bytes)
    }

    /// Sends bytes as they are, and reads to the end.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let _ = stream.write_all(bytes); // a server that has read enough may have closed already
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        Answer::read(&all)
    }

    /// An upgrade to a WebSocket: the status, and the head of the answer.
    pub(crate) fn upgrade(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let usual = [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let mut request = format!("GET {path} HTTP/1.1\r\n");
        let host = ("Host", self.address.to_string());
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request += &format!("{}: {}\r\n", host.0, host.1);
        }
        for (name, value) in usual.iter().chain(headers) {
            request += &format!("{name}: {value}\r\n");
        }
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all((request + "\r\n").as_bytes()).unwrap();
        let mut all = Vec::new();
        let mut piece = [0; 4096];
        while !all.windows(4).any(|four| four == b"\r\n\r\n") {
            match stream.read(&mut piece) {
                Ok(0) | Err(_) => break,
                Ok(count) => all.extend(&piece[..count]),
            }
        }
        Answer::read(&all)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
        self.over.store(true, Ordering::Relaxed);
        if let Some(engine) = self.engine.take() {
            let _ = engine.join();
        }
    }
}

impl Answer {
    fn read(all: &[u8]) -> Self {
        let end = all.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(end) = end else { return Answer { status: 0, head: String::new(), body: all.to_vec() } };
        let head = String::from_utf8_lossy(&all[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let mut body = all[end + 4..].to_vec();
        if head.to_lowercase().contains("transfer-encoding: chunked") {
            body = joined(&body);
        }
        Answer { status, head, body }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The kind of a refusal, which has to be a whole problem.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let told = self.json();
        assert_eq!(told["status"], self.status, "{told}");
        for field in ["title", "detail", "remedy"] {
            assert!(told[field].as_str().is_some_and(|text| text.len() > 5), "{field}: {told}");
        }
        told["type"].as_str().unwrap().strip_prefix("/api/v1/docs#").unwrap().to_owned()
    }
}

fn joined(mut chunked: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = chunked.windows(2).position(|two| two == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&chunked[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            break;
        }
        whole.extend(&chunked[end + 2..end + 2 + length]);
        chunked = &chunked[end + 2 + length + 2..];
    }
    whole
}

/// Half a minute of the market, up to now.
fn feed(runner: &mut Runner, state: &State) {
    const SECONDS: i64 = 30;
    let start = clock::now().plus(-SECONDS * NANOS_PER_SECOND);
    let link = LinkId(0);
    let mut step = |at: Nanos, body: Body<'_>| {
        runner.step(&Input { at, link, body });
        let outbox = runner.outbox();
        state.hub.apply(outbox);
        let mut view = state.view();
        outbox.items.iter().for_each(|output| view.apply(output, outbox));
    };
    let url = "wss://ws.okx.com:8443/ws/v5/public";
    step(start, Body::Open { venue: Venue::Okx, leg: Leg::A, url });
    let text = |frame: &str, at: Nanos| frame.replace("TS", &(at.0 / 1_000_000 - 5).to_string());
    step(start, Body::Text(text(BOOK, start).as_bytes()));
    step(start.plus(1), Body::Text(text(TRADES, start).as_bytes()));
    for tick in 1..=SECONDS * 4 {
        step(start.plus(tick * NANOS_PER_SECOND / 4), Body::Tick);
    }
}
