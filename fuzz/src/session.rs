//! Whole sessions: frames, answers, opens, closes and passing time, in any order, on several connections.

use fathometer_engine::detector::CATALOGUE;
use fathometer_engine::engine::{Config, Engine, NoStopwatch};
use fathometer_engine::input::{Body, Input, LinkId};
use fathometer_engine::instrument::{InstrumentId, Venue};
use fathometer_engine::metric::Value;
use fathometer_engine::output::{Outbox, Output};
use fathometer_engine::units::Nanos;

const START: Nanos = Nanos(1_780_000_000_000_000_000);
const LINKS: [(&str, Venue, &str); 4] = [
    ("b", Venue::Binance, "wss://stream.binance.com:9443/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker"),
    ("u", Venue::BinanceUsdm, "wss://fstream.binance.com/public/stream?streams=btcusdt@depth@100ms"),
    ("c", Venue::BinanceCoinm, "wss://dstream.binance.com/stream?streams=btcusd_perp@depth@100ms"),
    ("o", Venue::Okx, "wss://ws.okx.com:8443/ws/v5/public"),
];

/// A session as text, a line per input: `b`, `u`, `c`, `o` and a frame of that venue; the capital and a request, a tab and
/// the answer; `t` and milliseconds that pass; `@` and nanoseconds at which the clock stands; `x` and a number: that link
/// closes; `n` and a number: it opens anew; and, first of all, `=` and a configuration as a tape carries it.
struct Session<'a> {
    engine: Engine,
    at: Nanos,
    lines: std::slice::Split<'a, u8, fn(&u8) -> bool>,
}

impl<'a> Session<'a> {
    fn new(data: &'a [u8]) -> Self {
        let is_end: fn(&u8) -> bool = |byte| *byte == b'\n';
        let mut config =
            Config { sample_ms: 10, ladder_ms: 20, relief_ms: 30, status_ms: 50, audit_ms: 1_000, ..Config::default() };
        let told = data.strip_prefix(b"=").and_then(|rest| rest.split(is_end).next());
        if let Some(told) = told.and_then(|told| serde_json::from_slice::<Config>(told).ok()) {
            config = told;
        }
        let mut session = Session { engine: Engine::new(config), at: START, lines: data.split(is_end) };
        let mut out = Outbox::default();
        for (index, _) in LINKS.iter().enumerate() {
            session.step(index, open(index), &mut out);
        }
        session
    }

    fn step(&mut self, link: usize, body: Body<'_>, out: &mut Outbox) {
        out.clear();
        let input = Input { at: self.at, link: LinkId(link as u32), body };
        self.engine.step(&input, out, &mut NoStopwatch);
        sound(&self.engine, out);
    }

    /// Takes the next line; `false` at the end.
    fn next(&mut self, out: &mut Outbox) -> bool {
        out.clear();
        let Some(line) = self.lines.next() else { return false };
        let Some((kind, rest)) = line.split_at_checked(1) else { return true };
        let number = || std::str::from_utf8(rest).ok().and_then(|text| text.parse::<i64>().ok());
        let venue = LINKS.iter().position(|(letter, ..)| letter.as_bytes().eq_ignore_ascii_case(kind));
        self.at = self.at.plus(1_000_000);
        match (kind, venue) {
            (_, Some(link)) if kind[0].is_ascii_lowercase() => self.step(link, Body::Text(rest), out),
            (_, Some(link)) => {
                let Some(tab) = rest.iter().position(|byte| *byte == b'\t') else { return true };
                let Ok(request) = std::str::from_utf8(&rest[..tab]) else { return true };
                let body = Body::Reply { sent: START, request, status: 200, body: &rest[tab + 1..] };
                self.step(link, body, out);
            }
            (b"t", _) => {
                self.at = self.at.plus(number().unwrap_or(0).clamp(0, 60_000) * 1_000_000);
                self.step(usize::MAX, Body::Tick, out);
            }
            (b"@", _) => self.at = Nanos(number().unwrap_or(START.0).clamp(0, 4 * START.0)),
            (b"x", _) => self.step(number().unwrap_or(0) as usize % 4, Body::Close { reason: "over" }, out),
            (b"n", _) => {
                let link = number().unwrap_or(0) as usize % 4;
                self.step(link, open(link), out);
            }
            _ => {}
        }
        true
    }
}

fn open(index: usize) -> Body<'static> {
    let (_, venue, url) = LINKS[index];
    Body::Open { venue, leg: fathometer_engine::input::Leg::A, url }
}

/// Runs a session to its end; half way the engine is written down and a second one goes on from there.
///
/// # Panics
/// When an output contradicts itself or the second engine the first.
pub fn engine(data: &[u8]) {
    let mut session = Session::new(data);
    let (mut out, mut out_again) = (Outbox::default(), Outbox::default());
    let half = data.split(|byte| *byte == b'\n').count() / 2;
    for _ in 0..half {
        session.next(&mut out);
    }
    let state = session.engine.checkpoint().expect("a state can be written down");
    let engine = Engine::restore(&state).expect("and read again");
    let mut again = Session { engine, at: session.at, lines: session.lines.clone() };
    while session.next(&mut out) && again.next(&mut out_again) {
        assert_eq!(format!("{out:?}"), format!("{out_again:?}"), "a restart changes what is said");
    }
}

/// Restores a state that may be damaged and goes on from it. With its checksum put right it is only read: a state that is
/// vouched for is believed.
pub fn checkpoint(data: &[u8]) {
    let mut right = data.to_vec();
    if let Some((head, state)) = right.split_at_mut_checked(12) {
        head[8..].copy_from_slice(&crc32fast::hash(state).to_le_bytes());
        drop(Engine::restore(&right));
    }
    let Ok(engine) = Engine::restore(data) else { return };
    let (session, at) = (session(40, true), engine.now().plus(1));
    let mut session = Session { engine, ..Session::new(session.as_bytes()) };
    session.at = at;
    let mut out = Outbox::default();
    while session.next(&mut out) {}
}

/// What is said hangs together: spans within the arenas, numbers that are numbers, instruments that exist.
fn sound(engine: &Engine, out: &Outbox) {
    let known = |id: &InstrumentId| assert!((id.0 as usize) < engine.registry().all().len());
    for item in &out.items {
        match item {
            Output::Market { stamped, .. } => known(&stamped.instrument),
            Output::Sample { instrument, start, len, .. } => {
                known(instrument);
                let values = &out.values[*start as usize..(*start + *len) as usize];
                assert!(values.iter().all(|v| !matches!(v, Value::Is(x) if !x.is_finite())), "{values:?}");
            }
            Output::Ladder { instrument, span, .. } => {
                known(instrument);
                let (bids, asks) = (&out.levels[span.bids()], &out.levels[span.asks()]);
                assert!(bids.windows(2).all(|pair| pair[0].price > pair[1].price), "{bids:?}");
                assert!(asks.windows(2).all(|pair| pair[0].price < pair[1].price), "{asks:?}");
            }
            Output::Relief { instrument, width, first, span, .. } => {
                known(instrument);
                assert!(*width > 0 && span.asks <= span.end);
                let rows = &out.levels[span.start as usize..span.end as usize];
                for (number, row) in rows.iter().enumerate() {
                    assert!(row.size.0 >= 0 && row.price.0 == (first + number as i64) * width, "{row:?}");
                }
            }
            Output::Alert(alert) => {
                known(&alert.instrument);
                assert!(usize::from(alert.detector) < CATALOGUE.len() && !alert.text.is_empty(), "{alert:?}");
                assert!(alert.evidence.iter().all(|measure| measure.value.is_finite()), "{alert:?}");
            }
            Output::Board(board) => {
                known(&board.instrument);
                assert!(board.lines.len() <= CATALOGUE.len());
            }
            Output::Group(group) => {
                group.members.iter().for_each(known);
                assert!(group.mids.iter().flatten().all(|mid| mid.is_finite()), "{group:?}");
            }
            Output::Status(status) => known(&status.instrument),
            Output::Instrument { instrument, .. } => known(instrument),
            Output::Fault(fault) => fault.instrument.iter().for_each(known),
            Output::Action(_) => {}
        }
    }
}

/// A session in which every venue gets its book, follows it, loses an update half way if `gap`, and recovers.
fn session(updates: u32, gap: bool) -> String {
    let mut text = String::new();
    let levels = |from: i64, step: i64| -> String {
        (0..30).map(|n| format!("[\"{}.5\",\"{}.25\"]", from + step * n, n + 1)).collect::<Vec<_>>().join(",")
    };
    let (bids, asks) = (levels(70_000, -1), levels(70_001, 1));
    text += &format!(
        "o{{\"arg\":{{\"channel\":\"books\",\"instId\":\"BTC-USDT\"}},\"action\":\"snapshot\",\"data\":[{{\"asks\":[{asks}],\"bids\":[{bids}],\"ts\":\"1780000000000\",\"checksum\":0,\"prevSeqId\":-1,\"seqId\":100}}]}}\n"
    );
    for n in 0..updates {
        let (id, lost) = (100 + n, if gap && n > updates / 2 { 7 } else { 0 });
        let (price, size) = (69_990 + n % 25, n % 7);
        text += &format!(
            "b{{\"stream\":\"btcusdt@depth@100ms\",\"data\":{{\"e\":\"depthUpdate\",\"E\":1780000000{n:03},\"s\":\"BTCUSDT\",\"U\":{0},\"u\":{0},\"b\":[[\"{price}.5\",\"{size}.1\"]],\"a\":[[\"{1}.5\",\"{size}\"]]}}}}\n",
            id + lost,
            price + 20
        );
        text += &format!(
            "b{{\"stream\":\"btcusdt@bookTicker\",\"data\":{{\"u\":{id},\"s\":\"BTCUSDT\",\"b\":\"70000.5\",\"B\":\"1.25\",\"a\":\"70001.5\",\"A\":\"1.25\"}}}}\n"
        );
        text += &format!(
            "u{{\"e\":\"depthUpdate\",\"E\":1780000000{n:03},\"T\":1780000000{n:03},\"s\":\"BTCUSDT\",\"U\":{0},\"u\":{0},\"pu\":{1},\"b\":[[\"{price}.5\",\"{size}.1\"]],\"a\":[]}}\n",
            id + lost,
            id + lost - 1
        );
        text += &format!(
            "o{{\"arg\":{{\"channel\":\"books\",\"instId\":\"BTC-USDT\"}},\"action\":\"update\",\"data\":[{{\"asks\":[[\"{}.5\",\"{size}\",\"0\",\"1\"]],\"bids\":[],\"ts\":\"1780000000{n:03}\",\"checksum\":0,\"prevSeqId\":{},\"seqId\":{}}}]}}\n",
            price + 20,
            id + lost,
            id + lost + 1
        );
        text += &format!(
            "b{{\"stream\":\"btcusdt@trade\",\"data\":{{\"e\":\"trade\",\"E\":1780000000{n:03},\"s\":\"BTCUSDT\",\"t\":{id},\"p\":\"70000.5\",\"q\":\"0.5\",\"T\":1780000000{n:03},\"m\":{}}}}}\n",
            n % 2 == 0
        );
        if n % 10 == 3 {
            text += &format!(
                "B/api/v3/depth?symbol=BTCUSDT&limit=5000\t{{\"lastUpdateId\":{id},\"bids\":[{bids}],\"asks\":[{asks}]}}\n"
            );
            text += &format!(
                "U/fapi/v1/depth?symbol=BTCUSDT&limit=1000\t{{\"lastUpdateId\":{id},\"E\":1,\"T\":1,\"bids\":[{bids}],\"asks\":[{asks}]}}\n"
            );
            text += "t250\n";
        }
    }
    text + "x0\nt3000\nn0\nt8000\n"
}

/// Sessions that go well and that do not.
pub fn seeds() -> Vec<Vec<u8>> {
    let config = serde_json::to_string(&Config::default()).unwrap_or_default();
    let sessions = [session(8, false), session(30, true), format!("={config}\n{}", session(4, false))];
    sessions.into_iter().map(String::into_bytes).collect()
}

/// States of engines in the middle of things.
pub fn states() -> Vec<Vec<u8>> {
    let text = [session(20, false), session(12, true)];
    let written = |text: &String| {
        let (mut session, mut out) = (Session::new(text.as_bytes()), Outbox::default());
        for _ in 0..text.lines().count().saturating_sub(4) {
            session.next(&mut out);
        }
        session.engine.checkpoint().ok()
    };
    text.iter().filter_map(written).chain(Engine::new(Config::default()).checkpoint()).collect()
}
