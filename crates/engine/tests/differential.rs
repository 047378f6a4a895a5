//! The fast scanners against the general decoders: on every real frame, and on frames damaged at random, both have to
//! understand the same.
#![allow(clippy::unwrap_used, clippy::panic)] // tests

use fathometer_engine::event::{Control, Event};
use fathometer_engine::input::Body;
use fathometer_engine::instrument::Venue;
use fathometer_engine::registry::Registry;
use fathometer_engine::units::{Decimal, Scale};
use fathometer_engine::venue::{Decoded, binance, decode, okx};
use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Damaged frames in all; `FATHOMETER_DAMAGED` overrides.
const DAMAGED: usize = 200_000;
/// Frames of each file that damage is done to; the plain comparison takes all.
const KEPT: usize = 400;

type Frame = (Venue, Vec<u8>);

/// Made up after the venues' documents: every kind of message, in today's shape.
fn written() -> Vec<Frame> {
    let spot = [
        r#"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1767225600000,"s":"BTCUSDT","U":101,"u":105,"b":[["60000.10000000","1.50000000"],["59999.00000000","0.00000000"]],"a":[["60001.00000000","0.25000000"]]}}"#,
        r#"{"e":"depthUpdate","E":1767225600000,"s":"BTCUSDT","U":101,"u":105,"b":[],"a":[]}"#,
        r#"{"stream":"btcusdt@depth5@100ms","data":{"lastUpdateId":160,"bids":[["60000.1","10"]],"asks":[["60001","10"]]}}"#,
        r#"{"stream":"btcusdt@depth5@100ms","data":{"asks":[["60001","10"]],"lastUpdateId":161,"bids":[["60000.1","10"]]}}"#,
        r#"{"u":400900217,"s":"BTCUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}"#,
        r#"{"e":"trade","E":1672515782136,"s":"BTCUSDT","t":12345,"p":"0.001","q":"100","T":1672515782136,"m":true,"M":true}"#,
        r#"{"result":null,"id":"a1-b2"}"#,
        r#"{"error":{"code":2,"msg":"Invalid request"},"id":1}"#,
        r#"{"code":3,"msg":"Invalid JSON"}"#,
        r#"{"e":"serverShutdown","E":1770123456789}"#,
        r#"[{"e":"24hrMiniTicker","E":1,"s":"BTCUSDT","c":"1","o":"1","h":"1","l":"1","v":"1","q":"1"}]"#,
    ];
    let usdm = [
        r#"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1767225600000,"T":1767225599990,"s":"BTCUSDT","ps":"BTCUSDT","st":1,"U":101,"u":105,"pu":99,"b":[["60000.10","1.500"]],"a":[["60001.00","0"]]}}"#,
        r#"{"e":"aggTrade","E":1,"s":"BTCUSDT","a":5,"p":"100","q":"1","nq":"1","f":700,"l":700,"T":1,"m":false,"st":1}"#,
        r#"{"e":"markPriceUpdate","E":1562305380000,"s":"BTCUSDT","p":"11794.15","ap":"11794.2","P":"11784.62","i":"11784.62659091","r":"0.00038167","T":1562306400000}"#,
        r#"{"e":"forceOrder","E":1568014460893,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"0.014","p":"9910","ap":"9910","X":"FILLED","l":"0.014","z":"0.014","T":1568014460893}}"#,
        r#"{"e":"contractInfo","E":1669647330476,"s":"BTCUSDT","ps":"BTCUSDT","ct":"PERPETUAL","dt":4133404800000,"ot":1569398400000,"cs":"TRADING","bks":[{"bs":1}]}"#,
    ];
    let okx = [
        r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[["101.5","2","0","1"]],"bids":[["100","0","0","0"],["99.25","1.5","0","2"]],"ts":"1767225600000","checksum":0,"seqId":11,"prevSeqId":10}]}"#,
        r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[["8476.98","415","0","13"]],"bids":[["8476.97","256.10","0","12"]],"ts":"1597026383085","checksum":-855196043,"prevSeqId":-1,"seqId":123456}]}"#,
        r#"{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["101","2","0","1"]],"bids":[["100","7","0","1"]],"ts":"1767225600000","seqId":11}]}"#,
        r#"{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"130639474","px":"42219.9","sz":"0.12060306","side":"buy","ts":"1630048897897","count":"3","source":"0","seqId":1234}]}"#,
        r#"{"event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"},"connId":"a4d3ae55"}"#,
    ];
    let of = |venue: Venue, frames: &[&str]| frames.iter().map(|f| (venue, f.as_bytes().to_vec())).collect::<Vec<_>>();
    [of(Venue::Binance, &spot), of(Venue::BinanceUsdm, &usdm), of(Venue::Okx, &okx)].concat()
}

/// Frames of the real recordings, by file; none, with a word about it, where there are no recordings.
fn recorded() -> Vec<Vec<Frame>> {
    let folder = std::env::var_os("FATHOMETER_REALDATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/realdata"), PathBuf::from);
    if !folder.is_dir() {
        eprintln!("NOT RUN on recordings: none at {} (set FATHOMETER_REALDATA)", folder.display());
        return Vec::new();
    }
    let gz = |name: &str, venue| frames(venue, &unzipped(&folder.join("nkaz001-hftbacktest").join(name)));
    let plain =
        |name: &str, venue| frames(venue, &std::fs::read(folder.join("bmoscon-cryptofeed").join(name)).unwrap());
    vec![
        gz("examples/spot/btcusdt_20240808.gz", Venue::Binance),
        gz("examples/spot/btcusdt_20240809.gz", Venue::Binance),
        gz("examples/usdm/ethusdt_20240808.gz", Venue::BinanceUsdm),
        gz("history/usdm_btcusdt_20230404.dat.gz", Venue::BinanceUsdm),
        plain("history/1312c062/BINANCE_FUTURES-1125a2.0", Venue::BinanceUsdm),
        plain("history/cb63e8da/BINANCE.ws.1.0", Venue::Binance),
        plain("master/OKX.ws.1.0", Venue::Okx),
        plain("history/906605df/OKEX.ws.1.0", Venue::Okx),
    ]
}

fn unzipped(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// What stands behind a line's receive time, where it is a frame.
fn frames(venue: Venue, text: &[u8]) -> Vec<Frame> {
    let frame = |line: &[u8]| {
        let space = line.iter().position(|b| *b == b' ')?;
        let frame = line.get(space + 1..)?;
        frame.starts_with(b"{").then(|| (venue, frame.to_vec()))
    };
    text.split(|b| *b == b'\n').filter_map(frame).collect()
}

/// What a decoder understood, in a form in which units do not matter.
fn understood(frame: &Frame, registry: &mut Registry, fast: bool) -> Vec<String> {
    let (venue, bytes) = frame;
    let mut out = Decoded::default();
    match (fast, venue) {
        (true, _) => decode(*venue, &Body::Text(bytes), registry, &mut out),
        (false, Venue::Okx) => okx::decode_general(bytes, registry, &mut out),
        (false, _) => binance::decode_general(*venue, bytes, registry, &mut out),
    }
    let mut said = Vec::new();
    for stamped in &out.events {
        let info = registry.get(stamped.instrument);
        let head = format!("{} {:?} {:?}", info.symbol, stamped.ts_venue, stamped.ts_engine);
        said.push(match &stamped.event {
            Event::Depth(d) => {
                let show = |range: std::ops::Range<usize>| {
                    out.levels[range].iter().map(|l| level(l.price.0, l.size.0, info.scale)).collect::<Vec<_>>()
                };
                let (bids, asks) = (show(d.span.bids()), show(d.span.asks()));
                let ids = (d.kind, d.first_id, d.last_id, d.prev_id, d.checksum, d.limit);
                let texts: Vec<_> = out.texts.iter().map(|(i, price, size)| (i - d.span.start, price, size)).collect();
                format!("{head} {ids:?} {bids:?} {asks:?} {texts:?}")
            }
            Event::Trade(t) => {
                let level = level(t.price.0, t.size.0, info.scale);
                format!("{head} trade {} {level} {} {}", t.id, t.taker_buy, t.aggregate)
            }
            Event::Bbo(b) => {
                let show = |l: &fathometer_engine::units::Level| level(l.price.0, l.size.0, info.scale);
                format!("{head} bbo {} {} {}", b.id, show(&b.bid), show(&b.ask))
            }
            Event::Liquidation(l) => format!("{head} {} {}", level(l.price.0, l.size.0, info.scale), l.buy),
            other => format!("{head} {other:?}"),
        });
    }
    said.extend(out.controls.iter().map(|control| match control {
        Control::Malformed { .. } => "malformed".to_owned(), // the words may differ
        other => format!("{other:?}"),
    }));
    said.push(format!("unknown keys: {}", out.unknown_keys > 0)); // one that stands twice may count once
    said
}

fn level(price: i64, size: i64, scale: Scale) -> String {
    format!("{} x {}", Decimal::new(price, scale.price), Decimal::new(size, scale.size))
}

/// Both ways on one frame, each with a registry of its own that went through all frames before.
struct Pair {
    fast: Registry,
    general: Registry,
    accepted: u64,
}

impl Pair {
    fn new() -> Self {
        Pair { fast: Registry::default(), general: Registry::default(), accepted: 0 }
    }

    fn check(&mut self, frame: &Frame) {
        let (a, b) = (understood(frame, &mut self.fast, true), understood(frame, &mut self.general, false));
        assert_eq!(a, b, "{}", String::from_utf8_lossy(&frame.1));
        self.accepted += u64::from(!a[0].starts_with("malformed"));
    }

    /// As if neither had seen a frame that was damaged.
    fn forget(&mut self, fast: &Registry, general: &Registry) {
        (self.fast, self.general) = (fast.clone(), general.clone());
    }
}

#[test]
fn both_decoders_understand_every_real_frame_alike() {
    let mut pair = Pair::new();
    for frame in &written() {
        pair.check(frame);
    }
    let mut frames = 0;
    for file in recorded() {
        let mut pair = Pair::new();
        frames += file.len();
        file.iter().for_each(|frame| pair.check(frame));
        assert!(pair.accepted > 0);
    }
    eprintln!("{frames} real frames");
}

struct Rng(u64);

impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }
}

/// Bytes that mean something to a decoder, more often than any other.
const TELLING: &[u8] = b"\"\"{}[],:.-+eE0123456789\\ \tutnabsUpx\x00\x7f\x80\xff";

fn damage(frame: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..=rng.below(2) {
        let at = rng.below(frame.len());
        let byte = if rng.below(4) == 0 { rng.below(256) as u8 } else { TELLING[rng.below(TELLING.len())] };
        match rng.below(6) {
            0 => frame.truncate(at),
            1 if !frame.is_empty() => {
                frame.remove(at);
            }
            2 => frame.insert(at, byte),
            3 if !frame.is_empty() => frame[at] ^= 1 << rng.below(8),
            4 if !frame.is_empty() => {
                // A piece stands twice, or is gone.
                let end = at + rng.below((frame.len() - at).min(40));
                let piece: Vec<u8> = frame[at..end].to_vec();
                if rng.below(2) == 0 {
                    frame.splice(at..at, piece);
                } else {
                    frame.drain(at..end);
                }
            }
            _ if !frame.is_empty() => frame[at] = byte,
            _ => {}
        }
    }
}

#[test]
fn both_decoders_understand_damaged_frames_alike() {
    let mut whole = written();
    for mut file in recorded() {
        // Short and long ones from all over the file; very long ones only cost time.
        file.retain(|(_, frame)| frame.len() < 3_000);
        let step = (file.len() / KEPT).max(1);
        whole.extend(file.into_iter().step_by(step));
    }
    let mut pair = Pair::new();
    whole.iter().for_each(|frame| pair.check(frame));
    let (fast, general) = (pair.fast.clone(), pair.general.clone());
    pair.accepted = 0;
    let count = std::env::var("FATHOMETER_DAMAGED").ok().and_then(|n| n.parse().ok()).unwrap_or(DAMAGED);
    let (mut rng, mut shapes) = (Rng(11), HashSet::new());
    for i in 0..count {
        let (venue, mut bytes) = whole[rng.below(whole.len())].clone();
        damage(&mut bytes, &mut rng);
        shapes.insert(bytes.len());
        pair.check(&(venue, bytes));
        if i % 16 == 0 {
            pair.forget(&fast, &general); // damage invents symbols and decimals; let it not pile up
        }
    }
    eprintln!("{count} damaged frames, {} of them still readable, {} lengths", pair.accepted, shapes.len());
    assert!(pair.accepted > count as u64 / 20);
}
