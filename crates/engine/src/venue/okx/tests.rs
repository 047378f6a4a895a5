//! Every kind of message; the scanner against the general parser; recordings, proven by their checksums.

use super::checksum::{Texts, checksum};
use super::{decode, decode_general, fast};
use crate::book::Book;
use crate::event::{Bbo, Control, Depth, DepthKind, Event, Liquidation, Trade};
use crate::input::Body;
use crate::instrument::{Contract, Venue};
use crate::registry::Registry;
use crate::units::{Decimal, Level, Nanos, Price, Scale, Side, Size};
use crate::venue::Decoded;
use proptest::prelude::*;
use std::path::PathBuf;

fn text(frame: &str, registry: &mut Registry) -> Decoded {
    let mut out = Decoded::default();
    decode(&Body::Text(frame.as_bytes()), registry, &mut out);
    out
}

fn reply(request: &str, status: u16, body: &str, registry: &mut Registry) -> Decoded {
    let mut out = Decoded::default();
    let body = Body::Reply { sent: Nanos(0), request, status, body: body.as_bytes() };
    decode(&body, registry, &mut out);
    out
}

fn knowing(symbols: &[&str]) -> Registry {
    let mut registry = Registry::default();
    for symbol in symbols {
        registry.resolve(Venue::Okx, symbol.as_bytes());
    }
    registry
}

fn level(price: i64, size: i64) -> Level {
    Level { price: Price(price), size: Size(size) }
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

const UPDATE: &str = r#"{"arg":{"channel":"books","instId":"COIN-EUR"},"action":"update","data":[{"asks":[["312.54","18.5","0","1"],["312.61","0","0","0"]],"bids":[["310","7","0","2"]],"ts":"1780000000123","checksum":-1234567890,"seqId":7001,"prevSeqId":6990}]}"#;
const TRADES: &str = r#"{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"count":"2","instId":"BTC-USDT","px":"70123.4","seqId":41,"side":"sell","source":"0","sz":"3.39","tradeId":"900100","ts":"1780000000456"},{"instId":"BTC-USDT","tradeId":"900101","px":"70125","sz":"1","side":"buy","ts":"1780000000457"}]}"#;
const BBO: &str = r#"{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["70124.5","1.5","0","15"]],"bids":[],"ts":"1780000000789","seqId":12}]}"#;

#[test]
fn a_book_update_the_first_time_and_again() {
    let mut registry = Registry::default();
    for time in ["by the general parser, which learns the units", "by the scanner"] {
        let out = text(UPDATE, &mut registry);
        assert_eq!(out.levels, [level(31000, 70), level(31254, 185), level(31261, 0)], "{time}");
        let Event::Depth(Depth { kind, first_id, last_id, prev_id, checksum, limit, span }) = out.events[0].event
        else {
            panic!("{:?}", out.events)
        };
        assert_eq!((kind, first_id, last_id, prev_id), (DepthKind::Diff, 7001, 7001, 6990));
        assert_eq!((checksum, limit, span.bids(), span.asks()), (Some(-1234567890), 400, 0..1, 1..3));
        assert_eq!(out.events[0].ts_venue, Some(Nanos::from_millis(1780000000123)));
    }
    assert_eq!(registry.all()[0].scale, Scale { price: 2, size: 1 });
    assert!(fast::frame(UPDATE.as_bytes(), &registry, &mut Decoded::default()).is_some());
}

#[test]
fn a_checksum_of_zero_says_nothing_and_ids_may_be_missing() {
    let frame = UPDATE.replace("-1234567890", "0").replace(r#","seqId":7001,"prevSeqId":6990"#, "");
    let Event::Depth(depth) = text(&frame, &mut Registry::default()).events[0].event else { panic!() };
    assert_eq!((depth.checksum, depth.first_id, depth.last_id, depth.prev_id), (None, -1, -1, -1));
}

#[test]
fn texts_that_are_not_the_shortest_are_kept_for_the_checksum_only() {
    let odd = UPDATE.replace("312.54", "312.540").replace("\"7\"", "\"7e0\"");
    let mut registry = Registry::default();
    for _ in 0..2 {
        let out = text(&odd, &mut registry);
        assert_eq!(out.texts, [(0, "310".into(), "7e0".into()), (1, "312.540".into(), "18.5".into())]);
        assert_eq!(out.levels[1], level(31254, 185));
    }
    assert!(text(&odd.replace("-1234567890", "0"), &mut registry).texts.is_empty());
}

#[test]
fn full_pushes_of_few_levels_are_partial_books() {
    let frame = r#"{"arg":{"channel":"books5","instId":"BTC-USDT"},"data":[{"asks":[["2","3","0","6"]],"bids":[["1","5","0","2"]],"instId":"BTC-USDT","ts":"1780000001000","seqId":5555}]}"#;
    let Event::Depth(depth) = text(frame, &mut Registry::default()).events[0].event else { panic!() };
    assert_eq!((depth.kind, depth.last_id, depth.prev_id, depth.limit), (DepthKind::Partial, 5555, -1, 5));
}

#[test]
fn best_prices_and_trades() {
    let mut registry = Registry::default();
    for _ in 0..2 {
        let out = text(BBO, &mut registry);
        assert_eq!(out.events[0].event, Event::Bbo(Bbo { id: 12, bid: level(0, 0), ask: level(701245, 15) }));
        assert_eq!(out.events[0].ts_engine, Some(Nanos::from_millis(1780000000789)));
    }
    let (mut registry, one, other) = (Registry::default(), 900100, 900101);
    for _ in 0..2 {
        let out = text(TRADES, &mut registry);
        let trade = |id, price, size, taker_buy, aggregate| {
            Event::Trade(Trade { id, price: Price(price), size: Size(size), taker_buy, aggregate })
        };
        let events: Vec<Event> = out.events.into_iter().map(|e| e.event).collect();
        assert_eq!(events, [trade(one, 701234, 339, false, true), trade(other, 701250, 100, true, false)]);
    }
    assert!(fast::frame(TRADES.as_bytes(), &registry, &mut Decoded::default()).is_some());
}

#[test]
fn units_that_become_finer_in_a_frame_hold_for_all_of_it() {
    let frame = TRADES.replace("70125\"", "70125.125\"");
    let mut registry = Registry::default();
    let prices: Vec<i64> = text(&frame, &mut registry)
        .events
        .iter()
        .map(|e| if let Event::Trade(t) = &e.event { t.price.0 } else { panic!() })
        .collect();
    assert_eq!(prices, [70_123_400, 70_125_125]);
}

/// Frames whose news is one number.
fn numbers() -> Vec<(&'static str, Event)> {
    vec![
        (
            r#"{"arg":{"channel":"mark-price","instId":"X-USDT-SWAP"},"data":[{"instId":"X-USDT-SWAP","instType":"SWAP","markPx":"70111.1","ts":"1780000002000"}]}"#,
            Event::Mark(dec("70111.1")),
        ),
        (
            r#"{"arg":{"channel":"index-tickers","instId":"X-USDT"},"data":[{"instId":"X-USDT","idxPx":"70122.2","high24h":"1","ts":"1780000002000"}]}"#,
            Event::Index(dec("70122.2")),
        ),
        (
            r#"{"arg":{"channel":"funding-rate","instId":"X-USDT-SWAP"},"data":[{"fundingRate":"0.0000123456789012","fundingTime":"1780012800000","instId":"X-USDT-SWAP","nextFundingRate":"","ts":"1780000003000"}]}"#,
            Event::Funding { rate: dec("0.0000123456789012"), next: Nanos::from_millis(1780012800000) },
        ),
        (
            r#"{"arg":{"channel":"open-interest","instId":"X-USDT-SWAP"},"data":[{"instId":"X-USDT-SWAP","instType":"SWAP","oi":"4321000","oiCcy":"1.5","ts":"1780000004000"}]}"#,
            Event::OpenInterest(dec("4321000")),
        ),
    ]
}

#[test]
fn marks_indices_funding_and_open_interest() {
    for (frame, event) in numbers() {
        let mut registry = Registry::default();
        for _ in 0..2 {
            let out = text(frame, &mut registry);
            assert_eq!((out.events.len(), &out.events[0].event), (1, &event));
            assert!(out.events[0].ts_venue.is_some());
        }
        assert!(fast::frame(frame.as_bytes(), &registry, &mut Decoded::default()).is_some());
    }
}

#[test]
fn liquidations_only_of_known_instruments_and_on_the_grid_of_the_book() {
    let frame = r#"{"arg":{"channel":"liquidation-orders","instType":"SWAP"},"data":[{"details":[{"bkLoss":"0","bkPx":"0.00612351","ccy":"","posSide":"short","side":"buy","sz":"13","ts":"1780000005000"}],"instFamily":"GRAIN-USDT","instId":"GRAIN-USDT-SWAP","instType":"SWAP","uly":"GRAIN-USDT"}]}"#;
    assert!(text(frame, &mut Registry::default()).events.is_empty());
    let order = |registry: &mut Registry| {
        let Event::Liquidation(order) = text(frame, registry).events.remove(0).event else { panic!() };
        (order, registry.all()[0].scale.price)
    };
    let mut registry = knowing(&["GRAIN-USDT-SWAP"]);
    let exact = Liquidation { price: Price(612351), size: Size(13), buy: true };
    assert_eq!(order(&mut registry), (exact, 8));

    let mut registry = knowing(&["GRAIN-USDT-SWAP"]);
    let id = registry.find(Venue::Okx, b"GRAIN-USDT-SWAP").unwrap();
    let told = crate::instrument::Instrument { tick: Some(dec("0.000001")), ..registry.get(id).clone() };
    registry.update(id, &told);
    assert_eq!(order(&mut registry), (Liquidation { price: Price(6124), ..exact }, 6));
}

#[test]
fn instruments_are_told_over_both_ways_and_only_if_known() {
    let item = r#"{"instType":"SWAP","instId":"BTC-USDT-SWAP","instFamily":"BTC-USDT","ctVal":"0.01","ctMult":"1","ctValCcy":"BTC","ctType":"linear","tickSz":"0.1","lotSz":"0.01","state":"preopen"}"#;
    let frame = format!(r#"{{"arg":{{"channel":"instruments","instType":"SWAP"}},"data":[{item}]}}"#);
    let body = format!(r#"{{"code":"0","msg":"","data":[{item}]}}"#);
    assert!(text(&frame, &mut Registry::default()).events.is_empty());
    let mut registry = knowing(&["BTC-USDT-SWAP"]);
    let streamed = text(&frame, &mut registry).events;
    let fetched = reply("/api/v5/public/instruments?instType=SWAP", 200, &body, &mut registry).events;
    assert_eq!(streamed, fetched);
    let Event::Instrument(told) = &streamed[0].event else { panic!() };
    assert_eq!((told.contract, told.tick), (Contract::Linear(dec("0.01")), Some(dec("0.1"))));
    assert_eq!(streamed[1].event, Event::Status { state: "preopen".to_owned(), may_cross: true });
}

#[test]
fn what_is_said_of_the_connection() {
    let words = |code, text: &str| Control::Error { code, text: text.to_owned() };
    for (frame, control) in [
        ("pong", Control::Pong),
        (r#"{"event":"subscribe","arg":{"channel":"books","instId":"A-B"},"connId":"1"}"#, Control::Ack),
        (r#"{"event":"unsubscribe","arg":{"channel":"books","instId":"A-B"}}"#, Control::Ack),
        (r#"{"event":"channel-conn-count","channel":"orders","connCount":"2"}"#, Control::Ack),
        (r#"{"event":"error","msg":"Wrong \"URL\"","code":"60018","connId":"1"}"#, words(60018, "Wrong \"URL\"")),
        (r#"{"event":"notice","code":"64008","msg":"soon"}"#, Control::Closing { text: "soon".to_owned() }),
        (r#"{"event":"notice","code":"1","msg":"hello"}"#, Control::Unknown),
        (r#"{"arg":{"channel":"candle1m","instId":"A-B"},"data":[["1","2"]]}"#, Control::Unknown),
    ] {
        let out = text(frame, &mut Registry::default());
        assert_eq!((&out.controls[..], out.events.len()), (&[control][..], 0), "{frame}");
    }
    let quiet = r#"{"arg":{"channel":"tickers","instId":"A-B"},"data":[{"askPx":""}]}"#;
    let out = text(quiet, &mut Registry::default());
    assert!(out.controls.is_empty() && out.events.is_empty());
}

#[test]
fn what_cannot_be_read_says_why_and_leaves_nothing_behind() {
    let changed = |from: &str, to: &str| UPDATE.replace(from, to);
    for (frame, why) in [
        (String::new(), "not JSON"),
        ("ping".to_owned(), "not JSON"),
        ("[1]".to_owned(), "neither an event nor"),
        (changed("\"update\"", "\"delta\""), "books: action is neither"),
        (changed("\"asks\":[[", "\"asks\":[7,["), "a level of asks is not a list"),
        (changed("[\"312.54\",\"18.5\",\"0\",\"1\"]", "[\"312.54\"]"), "a level of asks has no price and size"),
        (changed("312.54", "-312.54"), "a negative price"),
        (changed("312.54", "abc"), "not a decimal number: abc"),
        (changed("312.54", "99999999999999999999"), "overflow: 9999"),
        (changed("312.54", "1125899906842625"), "overflow"),
        (changed("1780000000123", "yesterday"), "ts is not a time"),
        (changed("-1234567890", "4294967296"), "checksum is not 32 bits"),
        (changed("7001", "\"x\""), "seqId is not a whole number"),
        (TRADES.replace("buy", "bid"), "trades: side is neither"),
        (TRADES.replace("\"px\"", "\"price\""), "trades: px is missing"),
    ] {
        let mut registry = Registry::default();
        let out = text(&frame, &mut registry);
        let text = match &out.controls[..] {
            [Control::Malformed { text }] if !why.starts_with("overflow") => text,
            [Control::Overflow { text }] if why.starts_with("overflow") => text,
            other => panic!("{frame}: {other:?}"),
        };
        assert!(text.contains(why), "{frame}: {text}");
        assert!(out.events.is_empty() && out.levels.is_empty() && out.texts.is_empty());
    }
    let mut out = Decoded::default();
    decode(&Body::Binary(&[0]), &mut Registry::default(), &mut out);
    assert!(matches!(out.controls[..], [Control::Malformed { .. }]));
}

#[test]
fn a_number_that_does_not_fit_does_not_change_the_units() {
    let mut registry = Registry::default();
    text(UPDATE, &mut registry);
    let scale = registry.all()[0].scale;
    text(&UPDATE.replace("312.54", "0.000000000000000001"), &mut registry);
    assert_eq!(registry.all()[0].scale, scale);
}

#[test]
fn keys_that_are_new_are_counted_and_ignored() {
    let frame = UPDATE.replace("\"ts\"", "\"nonRpi\":[],\"ts\"");
    let out = text(&frame, &mut Registry::default());
    assert_eq!((out.events.len(), out.unknown_keys), (1, 1));
}

#[test]
fn answers_over_http() {
    let mut registry = knowing(&["BTC-USDT"]);
    let out =
        reply("/api/v5/public/time", 200, r#"{"code":"0","msg":"","data":[{"ts":"1780000006000"}]}"#, &mut registry);
    assert_eq!(out.controls, [Control::Time(Nanos::from_millis(1780000006000))]);

    let book = r#"{"code":"0","msg":"","data":[{"asks":[["70010.8","0.6","0","1"]],"bids":[["70010.3","0.3","0","2"]],"ts":"1780000007000","seqId":424242}]}"#;
    let out = reply("/api/v5/market/books?instId=BTC-USDT&sz=400", 200, book, &mut registry);
    let Event::Depth(depth) = out.events[0].event else { panic!() };
    assert_eq!((depth.kind, depth.last_id, depth.limit), (DepthKind::Snapshot, 424242, 400));
    assert_eq!(out.levels, [level(700103, 3), level(700108, 6)]);

    let interest = r#"{"code":"0","data":[{"instId":"A-USD-220520","oi":"7","ts":"1"},{"instId":"BTC-USDT","oi":"8","ts":"1"}],"msg":""}"#;
    let out = reply("/api/v5/public/open-interest?instType=FUTURES", 200, interest, &mut registry);
    assert_eq!((out.events.len(), &out.events[0].event), (1, &Event::OpenInterest(dec("8"))));

    for (status, body, code, words) in [
        (429, r#"{"code":"50011","msg":"Too Many Requests"}"#, 50011, "HTTP 429: Too Many Requests"),
        (
            200,
            r#"{"code":"51001","msg":"Instrument does not exist","data":[]}"#,
            51001,
            "HTTP 200: Instrument does not exist",
        ),
        (503, "<html>", 503, "HTTP 503: no reason given"),
    ] {
        let out = reply("/api/v5/public/time", status, body, &mut registry);
        assert_eq!(out.controls, [Control::Error { code, text: words.to_owned() }]);
    }
    let out = reply("/api/v5/public/time", 200, "<html>", &mut registry);
    assert!(matches!(out.controls[..], [Control::Malformed { .. }]));
}

/// Frames of the recordings, file by file; empty, and said so, where the recordings are absent.
fn recorded(files: &[&str]) -> Vec<Vec<String>> {
    let folder = std::env::var_os("FATHOMETER_REALDATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/realdata")), PathBuf::from);
    let frames = |file: &&str| match std::fs::read_to_string(folder.join(file)) {
        Ok(all) => all
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_digit())) // the others tell of connections
            .filter_map(|line| Some(line.split_once(": ")?.1.to_owned()))
            .collect(),
        Err(e) => {
            eprintln!("skipped: {file} is not in {} ({e}); set FATHOMETER_REALDATA", folder.display());
            Vec::new()
        }
    };
    files.iter().map(frames).collect()
}

const OLD: [&str; 3] = [
    "bmoscon-cryptofeed/history/906605df/OKEX.ws.1.0",
    "bmoscon-cryptofeed/history/906605df/OKEX.ws.2.0",
    "bmoscon-cryptofeed/history/906605df/OKEX.ws.3.0",
];
const NEWER: &str = "bmoscon-cryptofeed/master/OKX.ws.1.0";

/// Books that match their checksum, of those that have one.
fn proven(frames: &[String]) -> (u32, u32) {
    let (mut registry, mut out) = (Registry::default(), Decoded::default());
    let mut books: Vec<(Book, Texts, Scale)> = Vec::new();
    let (mut good, mut all) = (0, 0);
    for frame in frames {
        decode(&Body::Text(frame.as_bytes()), &mut registry, &mut out);
        assert!(!out.controls.iter().any(|c| matches!(c, Control::Malformed { .. } | Control::Unknown)), "{frame}");
        for stamped in &out.events {
            let Event::Depth(depth) = &stamped.event else { continue };
            let at = stamped.instrument.0 as usize;
            books.resize_with(books.len().max(at + 1), Default::default);
            let (book, texts, scale) = &mut books[at];
            let now = registry.get(stamped.instrument).scale;
            assert!(book.rescale(*scale, now));
            *scale = now;
            if depth.kind == DepthKind::Snapshot {
                book.clear();
            }
            for (side, range) in [(Side::Bid, depth.span.bids()), (Side::Ask, depth.span.asks())] {
                for level in &out.levels[range] {
                    book.set(side, *level);
                }
            }
            texts.apply(depth, &out.levels, &out.texts, now);
            all += u32::from(depth.checksum.is_some());
            good += u32::from(depth.checksum == Some(checksum(book, now, texts)));
        }
    }
    (good, all)
}

#[test]
fn every_recorded_book_matches_its_checksum() {
    for (frames, expected) in recorded(&[OLD[0], OLD[1], OLD[2], NEWER]).iter().zip([1504, 1446, 1422, 290]) {
        if !frames.is_empty() {
            assert_eq!(proven(frames), (expected, expected));
        }
    }
}

/// Holds the scanner to the general parser; whether the scanner took the frame.
fn agree(frame: &[u8], registry: &mut Registry) -> bool {
    let (mut scanned, mut parsed) = (Decoded::default(), Decoded::default());
    let taken = fast::frame(frame, registry, &mut scanned).is_some();
    let before = registry.all().to_vec();
    decode_general(frame, registry, &mut parsed);
    if taken {
        assert_eq!(before, registry.all());
        assert_eq!(scanned.events, parsed.events, "{}", String::from_utf8_lossy(frame));
        assert_eq!((scanned.controls, scanned.levels), (parsed.controls, parsed.levels));
        assert_eq!((scanned.texts, scanned.unknown_keys), (parsed.texts, parsed.unknown_keys));
    }
    taken
}

/// Frame shapes of today, for what the old recordings lack.
fn samples() -> Vec<String> {
    let zero = UPDATE.replace("-1234567890", "0");
    let mut samples: Vec<String> = numbers().into_iter().map(|(frame, _)| frame.to_owned()).collect();
    samples.extend([
        UPDATE.to_owned(),
        zero.replace("312.54", "312.540"),
        zero,
        TRADES.to_owned(),
        BBO.to_owned(),
        UPDATE.replace("update", "snapshot").replace("\"books\"", "\"books50-l2-tbt\""),
    ]);
    samples
}

#[test]
fn the_scanner_reads_recordings_as_the_general_parser_does() {
    for frames in recorded(&[OLD[0], NEWER]) {
        let mut registry = Registry::default();
        let taken = frames.iter().filter(|frame| agree(frame.as_bytes(), &mut registry)).count();
        let wanted = frames.iter().filter(|f| f.contains("\"books") || f.contains("\"trades")).count();
        assert!(taken * 10 >= wanted * 8, "the scanner took {taken} of {wanted}");
    }
}

/// A registry that has seen the frames once, so that the scanner is ready for them.
fn warmed(frames: &[String]) -> Registry {
    let mut registry = Registry::default();
    for frame in frames {
        text(frame, &mut registry);
    }
    registry
}

/// Damages a frame at a place: replaces, removes, inserts or repeats bytes.
fn damage(frame: &mut Vec<u8>, how: u8, place: usize, byte: u8) {
    let at = place % frame.len().max(1);
    if frame.is_empty() {
        return;
    }
    match how % 5 {
        0 => frame[at] = byte,
        1 => drop(frame.remove(at)),
        2 => frame.insert(at, byte),
        3 => frame.truncate(at.max(1)),
        _ => {
            let end = (at + usize::from(byte)).min(frame.len());
            let part = frame[at..end].to_vec();
            frame.splice(at..at, part);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]
    #[test]
    fn the_scanner_takes_no_damaged_frame_that_the_general_parser_reads_otherwise(
        which in any::<prop::sample::Index>(),
        damages in prop::collection::vec((any::<u8>(), any::<usize>(), prop_oneof![any::<u8>(), prop::sample::select(&b"\"{}[],:0123456789.-eE\\ "[..])]), 1..4),
    ) {
        let frames = samples();
        let mut registry = warmed(&frames);
        let mut frame = which.get(&frames).clone().into_bytes();
        for (how, place, byte) in damages {
            damage(&mut frame, how, place, byte);
        }
        agree(&frame, &mut registry);
    }
}
