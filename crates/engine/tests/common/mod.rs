//! A small language for stories: feed one thing, and compare in full what the engine said and how the first book stands.
#![allow(dead_code, unreachable_pub)] // every test binary uses its own part

use fathometer_engine::engine::{Config, Engine, NoStopwatch};
use fathometer_engine::event::{DepthKind, Event};
use fathometer_engine::input::{Body, Input, Leg, LinkId, NO_LINK, REPLACED};
use fathometer_engine::instrument::{InstrumentId, Venue};
use fathometer_engine::metric::{Value, column};
use fathometer_engine::output::{Action, Counters, Fault, Outbox, Output, Status, Validity};
use fathometer_engine::units::{Decimal, Nanos, Side};
use std::collections::BTreeMap;

/// The first connection.
pub const A: LinkId = LinkId(0);
/// The second connection for the same streams.
pub const B: LinkId = LinkId(1);
/// When every story begins: 2026-01-01 00:00:00 UTC, ms.
pub const START_MS: i64 = 1_767_225_600_000;

/// Something that arrives.
#[derive(Clone, Debug)]
pub enum What {
    Text(String),
    Binary(Vec<u8>),
    Reply(String, u16, String),
    Close,
    /// The connection has a successor.
    Replaced,
    Open(Venue, Leg, String),
    Checkpoint(Vec<u8>),
}

/// An engine, its clock, and what it said last.
pub struct Bench {
    pub engine: Engine,
    pub venue: Venue,
    pub now_ms: i64,
    pub faults: Vec<Fault>,
    /// Values of the newest sample, by instrument.
    samples: BTreeMap<InstrumentId, Vec<Value>>,
    seen: BTreeMap<InstrumentId, Validity>,
    config: Config,
}

impl Bench {
    /// An engine with link A open; books are not compared with snapshots on their own account.
    pub fn new(venue: Venue) -> Self {
        Bench::with(venue, Config { audit_ms: 0, ..Config::default() })
    }

    /// The same, otherwise configured.
    pub fn with(venue: Venue, config: Config) -> Self {
        let engine = Engine::new(config.clone());
        let (samples, seen) = (BTreeMap::new(), BTreeMap::new());
        let mut bench = Bench { engine, venue, now_ms: START_MS, faults: Vec::new(), samples, seen, config };
        bench.feed(A, &What::Open(venue, Leg::A, "wss://venue/stream".into()));
        bench
    }

    /// With a second connection open.
    pub fn redundant(venue: Venue) -> Self {
        let mut bench = Bench::new(venue);
        bench.feed(B, &What::Open(venue, Leg::B, "wss://venue/stream".into()));
        bench
    }

    /// One thing on link A, 10 ms after the last; everything said, then the state, must be `expected`.
    #[track_caller]
    pub fn a(&mut self, what: What, expected: &str) {
        self.on(A, what, expected);
    }

    /// One thing on link B.
    #[track_caller]
    pub fn b(&mut self, what: What, expected: &str) {
        self.on(B, what, expected);
    }

    #[track_caller]
    fn on(&mut self, link: LinkId, what: What, expected: &str) {
        self.now_ms += 10;
        let said = self.feed(link, &what);
        let told = format!("{said}| {}", self.state());
        assert_eq!(told.trim_start(), expected, "after {what:?}\nfaults: {:#?}", self.faults);
    }

    /// Ticks every 100 ms for so long; everything said, with the time since the beginning in ms, must be `expected`.
    #[track_caller]
    pub fn wait(&mut self, ms: i64, expected: &str) {
        let (mut said, begin) = (String::new(), self.now_ms);
        while self.now_ms < begin + ms {
            self.now_ms += 100;
            let one = self.step(NO_LINK, Body::Tick);
            if !one.is_empty() {
                said += &format!("{}: {one}", self.now_ms - begin);
            }
        }
        assert_eq!(said.trim_end(), expected, "while waiting {ms} ms\nfaults: {:#?}", self.faults);
    }

    /// Feeds one thing; what was said.
    pub fn feed(&mut self, link: LinkId, what: &What) -> String {
        let sent = Nanos::from_millis(self.now_ms - 5);
        match what {
            What::Text(text) => self.step(link, Body::Text(text.as_bytes())),
            What::Binary(bytes) => self.step(link, Body::Binary(bytes)),
            What::Reply(request, status, body) => {
                self.step(link, Body::Reply { sent, request, status: *status, body: body.as_bytes() })
            }
            What::Close => self.step(link, Body::Close { reason: "the story wants it" }),
            What::Replaced => self.step(link, Body::Close { reason: REPLACED }),
            What::Open(venue, leg, url) => self.step(link, Body::Open { venue: *venue, leg: *leg, url }),
            What::Checkpoint(bytes) => self.step(link, Body::Checkpoint(bytes)),
        }
    }

    fn step(&mut self, link: LinkId, body: Body<'_>) -> String {
        let mut out = Outbox::default();
        let input = Input { at: Nanos::from_millis(self.now_ms), link, body };
        self.engine.step(&input, &mut out, &mut NoStopwatch);
        let mut said = String::new();
        for output in &out.items {
            if let Some(word) = self.word(output, &out) {
                said += &word;
                said.push(' ');
            }
        }
        said
    }

    /// What one output is in the small language; `None` for what comes on a grid.
    fn word(&mut self, output: &Output, out: &Outbox) -> Option<String> {
        let (id, word) = match output {
            Output::Market { valid, stamped, .. } => {
                let word = match &stamped.event {
                    Event::Depth(depth) if depth.kind == DepthKind::Snapshot => "book",
                    Event::Depth(_) => "diff",
                    Event::Trade(_) => "trade",
                    Event::Bbo(_) => "bbo",
                    Event::Mark(_) => "mark",
                    Event::Index(_) => "index",
                    Event::Funding { .. } => "funding",
                    Event::Status { .. } => "status",
                    _ => "other",
                };
                (stamped.instrument, format!("{word}{}", if *valid { "" } else { "?" }))
            }
            Output::Status(status) => {
                let before = self.seen.insert(status.instrument, status.validity).unwrap_or(Validity::Empty);
                if before == status.validity {
                    return None;
                }
                (status.instrument, format!("->{}", name(status.validity)))
            }
            Output::Fault(fault) => {
                self.faults.push((**fault).clone());
                (fault.instrument.unwrap_or(InstrumentId(0)), format!("!{:?}", fault.kind).to_lowercase())
            }
            Output::Action(Action::Snapshot { instrument, urgent, link }) => {
                let word = if *urgent { "SNAPSHOT" } else { "COMPARISON" };
                (*instrument, format!("{word}{}", leg(*link)))
            }
            Output::Action(Action::Resubscribe { link, instrument }) => {
                (*instrument, format!("RESUBSCRIBE{}", leg(*link)))
            }
            Output::Action(Action::Reconnect { link }) => (InstrumentId(0), format!("RECONNECT{}", leg(*link))),
            Output::Action(Action::Rotate { link }) => (InstrumentId(0), format!("ROTATE{}", leg(*link))),
            Output::Sample { instrument, start, len, .. } => {
                let values = out.values[*start as usize..(*start + *len) as usize].to_vec();
                self.samples.insert(*instrument, values);
                return None;
            }
            // Alerts are no matter of books: the detectors have their own tests.
            Output::Alert(_)
            | Output::Board(_)
            | Output::Group(_)
            | Output::Ladder { .. }
            | Output::Relief { .. }
            | Output::Instrument { .. } => {
                return None;
            }
        };
        // The first instrument goes without saying.
        if id == InstrumentId(0) {
            return Some(word);
        }
        Some(format!("{}:{word}", self.engine.registry().get(id).symbol))
    }

    /// State of the first instrument: validity, last id, best bid and ask.
    pub fn state(&self) -> String {
        self.state_of(0)
    }

    /// State of an instrument.
    pub fn state_of(&self, number: u32) -> String {
        let id = InstrumentId(number);
        let (Some(status), Some(book)) = (self.engine.status(id), self.engine.book(id)) else { return "-".into() };
        let scale = self.engine.registry().get(id).scale;
        let best = |side| {
            book.best(side).map_or("-".into(), |l| {
                format!("{}x{}", Decimal::new(l.price.0, scale.price), Decimal::new(l.size.0, scale.size))
            })
        };
        format!("{} {} {}/{}", name(status.validity), status.last_update_id, best(Side::Bid), best(Side::Ask))
    }

    /// Status of the first instrument.
    pub fn status(&self) -> Status {
        self.engine.status(InstrumentId(0)).unwrap()
    }

    /// Counters of the first instrument.
    pub fn counters(&self) -> Counters {
        self.status().counters
    }

    /// The first instrument's book, `price x size` of each level, best first.
    pub fn book(&self) -> String {
        let id = InstrumentId(0);
        self.engine.book(id).unwrap().canonical_text(self.engine.registry().get(id).scale).replace('\n', ", ")
    }

    /// A metric in the newest sample of an instrument.
    pub fn value(&self, number: u32, id: &str) -> Value {
        self.samples[&InstrumentId(number)][column(&self.config.metrics, id).unwrap()]
    }

    /// Number of an instrument.
    pub fn number(&self, venue: Venue, symbol: &str) -> u32 {
        self.engine.registry().find(venue, symbol.as_bytes()).unwrap().0
    }
}

fn name(validity: Validity) -> String {
    format!("{validity:?}").to_lowercase()
}

fn leg(link: LinkId) -> &'static str {
    if link == B { "(B)" } else { "" }
}

/// `100x1 99.5x2` as JSON pairs.
pub fn levels(text: &str) -> String {
    let pair = |level: &str| {
        let (price, size) = level.split_once('x').unwrap();
        format!(r#"["{price}","{size}"]"#)
    };
    format!("[{}]", text.split_whitespace().map(pair).collect::<Vec<_>>().join(","))
}

/// Binance's depth update; `pu` below 0 is left out, as spot does.
pub fn diff_of(symbol: &str, first: i64, last: i64, pu: i64, bids: &str, asks: &str) -> What {
    let pu = if pu < 0 { String::new() } else { format!(r#""T":{START_MS},"pu":{pu},"#) };
    What::Text(format!(
        r#"{{"stream":"{}@depth@100ms","data":{{"e":"depthUpdate","E":{START_MS},{pu}"s":"{symbol}","U":{first},"u":{last},"b":{},"a":{}}}}}"#,
        symbol.to_lowercase(),
        levels(bids),
        levels(asks)
    ))
}

/// Spot, BTCUSDT.
pub fn spot(first: i64, last: i64, bids: &str, asks: &str) -> What {
    diff_of("BTCUSDT", first, last, -1, bids, asks)
}

/// Futures, BTCUSDT.
pub fn futures(first: i64, last: i64, pu: i64, bids: &str, asks: &str) -> What {
    diff_of("BTCUSDT", first, last, pu, bids, asks)
}

/// Binance's answer with a book.
pub fn snapshot_of(venue: Venue, symbol: &str, limit: u32, last: i64, bids: &str, asks: &str) -> What {
    let path = if venue == Venue::Binance { "/api/v3/depth" } else { "/fapi/v1/depth" };
    let body = format!(r#"{{"lastUpdateId":{last},"bids":{},"asks":{}}}"#, levels(bids), levels(asks));
    What::Reply(format!("{path}?symbol={symbol}&limit={limit}"), 200, body)
}

/// Spot, BTCUSDT.
pub fn spot_snapshot(last: i64, bids: &str, asks: &str) -> What {
    snapshot_of(Venue::Binance, "BTCUSDT", 5000, last, bids, asks)
}

/// Futures, BTCUSDT.
pub fn futures_snapshot(last: i64, bids: &str, asks: &str) -> What {
    snapshot_of(Venue::BinanceUsdm, "BTCUSDT", 1000, last, bids, asks)
}

/// Binance's best bid and ask, without type and time as on spot.
pub fn ticker(id: i64, bid: &str, ask: &str) -> What {
    let ((b, bs), (a, az)) = (bid.split_once('x').unwrap(), ask.split_once('x').unwrap());
    What::Text(format!(r#"{{"u":{id},"s":"BTCUSDT","b":"{b}","B":"{bs}","a":"{a}","A":"{az}"}}"#))
}

/// Binance's trade.
pub fn trade(id: i64, price: &str, size: &str) -> What {
    What::Text(format!(
        r#"{{"e":"trade","E":{START_MS},"s":"BTCUSDT","t":{id},"p":"{price}","q":"{size}","T":{START_MS},"m":true,"M":true}}"#
    ))
}

/// OKX's `books` message of BTC-USDT.
pub fn okx(action: &str, prev: i64, seq: i64, checksum: i32, bids: &str, asks: &str) -> What {
    let four = |text: &str| levels(text).replace("\"]", "\",\"0\",\"1\"]");
    What::Text(format!(
        r#"{{"arg":{{"channel":"books","instId":"BTC-USDT"}},"action":"{action}","data":[{{"asks":{},"bids":{},"ts":"{START_MS}","checksum":{checksum},"seqId":{seq},"prevSeqId":{prev}}}]}}"#,
        four(asks),
        four(bids)
    ))
}

/// The beginning of a subscription.
pub fn okx_book(seq: i64, bids: &str, asks: &str) -> What {
    okx("snapshot", -1, seq, 0, bids, asks)
}

/// OKX's answer with a book.
pub fn okx_reply(seq: i64, bids: &str, asks: &str) -> What {
    let quads = |text| levels(text).replace("\"]", "\",\"0\",\"1\"]");
    let (bids, asks) = (quads(bids), quads(asks));
    let body = format!(
        r#"{{"code":"0","msg":"","data":[{{"asks":{asks},"bids":{bids},"ts":"1767225600000","seqId":{seq}}}]}}"#
    );
    What::Reply("/api/v5/market/books?instId=BTC-USDT&sz=400".to_owned(), 200, body)
}

/// A change.
pub fn okx_update(prev: i64, seq: i64, bids: &str, asks: &str) -> What {
    okx("update", prev, seq, 0, bids, asks)
}

/// Any text.
pub fn text(text: &str) -> What {
    What::Text(text.to_owned())
}
