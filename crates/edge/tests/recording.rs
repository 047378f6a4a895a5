//! Recordings of every kind become the same stream of inputs as if they had been heard.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fathometer_edge::recording::{self, RecordingError, Source};
use fathometer_edge::tape::{Fsync, Options, Writer};
use fathometer_engine::input::{Body, Input};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// One line per input, for comparing: time, link, what.
fn told(input: &Input<'_>) -> String {
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    let body = match input.body {
        Body::Open { venue, url, .. } => format!("open {} {url}", venue.name()),
        Body::Text(frame) => format!("text {}", text(frame)),
        Body::Reply { request, status, body, .. } => format!("reply {status} {request} {}", text(body)),
        Body::Close { reason } => format!("close {reason}"),
        other => format!("{other:?}"),
    };
    format!("{} {} {body}", input.at.0, input.link.0)
}

fn all(source: &mut Source) -> Vec<String> {
    let mut inputs = Vec::new();
    while let Some(input) = source.next().unwrap() {
        inputs.push(told(&input));
    }
    inputs
}

/// Files with these contents, in the order given; a name ending in `gz` is compressed.
fn files(dir: &Path, contents: &[(&str, &str)]) -> Vec<PathBuf> {
    let write = |(name, content): &(&str, &str)| {
        let path = dir.join(name);
        let bytes = if name.ends_with("gz") { gzip(content.as_bytes()) } else { content.as_bytes().to_vec() };
        std::fs::write(&path, bytes).unwrap();
        path
    };
    contents.iter().map(write).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What files with these contents become, and what was skipped.
fn check(contents: &[(&str, &str)], expected: &[&str]) -> recording::Skipped {
    let dir = tempfile::tempdir().unwrap();
    let mut source = recording::open(&files(dir.path(), contents)).unwrap();
    assert_eq!(all(&mut source), expected);
    source.skipped()
}

fn refused(content: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    recording::open(&files(dir.path(), &[("file", content)])).err().unwrap().to_string()
}

const SPOT: &str = "1723161254000000001 {\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"s\":\"BTCUSDT\",\"p\":\"6\",\"M\":true}}
1723161254000000002 {\"lastUpdateId\":5,\"bids\":[[\"6\",\"1\"]],\"asks\":[]}
";

#[test]
fn a_collector_file_of_spot_plain_or_gzip() {
    let expected = [
        "1723161254000000001 0 open binance wss://stream.binance.com:9443/stream?streams=btcusdt@trade",
        "1723161254000000001 0 text {\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"s\":\"BTCUSDT\",\"p\":\"6\",\"M\":true}}",
        "1723161254000000002 0 reply 200 /api/v3/depth?symbol=BTCUSDT&limit=100 {\"lastUpdateId\":5,\"bids\":[[\"6\",\"1\"]],\"asks\":[]}",
    ];
    assert_eq!(check(&[("a", SPOT)], &expected).count, 0);
    assert_eq!(check(&[("a.gz", SPOT)], &expected).count, 0);
    assert_eq!(check(&[("a", &SPOT.replace('\n', "\r\n"))], &expected).count, 0);
    assert_eq!(check(&[("a", SPOT.trim_end())], &expected).count, 0);
}

#[test]
fn microseconds_usdm_and_coinm() {
    let usdm = "1680652700423575 {\"e\":\"depthUpdate\",\"s\":\"BTCUSDT\",\"pu\":1}\n1680652700423576 {\"lastUpdateId\": 5, \"E\": 1, \"T\": 1, \"bids\": [], \"asks\": []}\n";
    check(
        &[("a", usdm)],
        &[
            "1680652700423575000 0 open binance-usdm wss://fstream.binance.com/stream",
            "1680652700423575000 0 text {\"e\":\"depthUpdate\",\"s\":\"BTCUSDT\",\"pu\":1}",
            "1680652700423576000 0 reply 200 /fapi/v1/depth?symbol=BTCUSDT&limit=100 {\"lastUpdateId\": 5, \"E\": 1, \"T\": 1, \"bids\": [], \"asks\": []}",
        ],
    );
    let coinm = "1680652700423576000 {\"lastUpdateId\":5,\"symbol\":\"BTCUSD_PERP\",\"pair\":\"BTCUSD\",\"T\":1,\"bids\":[],\"asks\":[]}\n";
    check(
        &[("a", coinm)],
        &[
            "1680652700423576000 0 open binance-coinm wss://dstream.binance.com/stream",
            "1680652700423576000 0 reply 200 /dapi/v1/depth?symbol=BTCUSD_PERP&limit=100 {\"lastUpdateId\":5,\"symbol\":\"BTCUSD_PERP\",\"pair\":\"BTCUSD\",\"T\":1,\"bids\":[],\"asks\":[]}",
        ],
    );
}

#[test]
fn a_day_goes_on_in_the_next_file_on_the_same_link_and_another_symbol_has_its_own() {
    let frame = |at: u64, s: &str| format!("{at} {{\"e\":\"trade\",\"s\":\"{s}\",\"M\":true}}\n");
    let (day1, day2) = (frame(1723161254000000001, "BTCUSDT"), frame(1723161600000000001, "BTCUSDT"));
    let other = frame(1723161254000000002, "ETHUSDT") + &frame(1723161600000000002, "ETHUSDT");
    check(
        &[("1", &day1), ("2", &day2), ("3", &other)],
        &[
            "1723161254000000001 0 open binance wss://stream.binance.com:9443/stream",
            "1723161254000000001 0 text {\"e\":\"trade\",\"s\":\"BTCUSDT\",\"M\":true}",
            "1723161600000000001 0 text {\"e\":\"trade\",\"s\":\"BTCUSDT\",\"M\":true}",
            "1723161254000000002 1 open binance wss://stream.binance.com:9443/stream",
            "1723161254000000002 1 text {\"e\":\"trade\",\"s\":\"ETHUSDT\",\"M\":true}",
            "1723161600000000002 1 text {\"e\":\"trade\",\"s\":\"ETHUSDT\",\"M\":true}",
        ],
    );
}

#[test]
fn a_session_with_answers_in_a_file_of_their_own() {
    let http =
        "https://www.binance.com/api/v3/depth?symbol=XMRBTC&limit=5000 -> 1628952396.25: {\"lastUpdateId\":1}\n\n";
    let sockets = "configuration: {\"ticker\":[]}
wss://stream.binance.com:9443/stream?streams=xmrbtc@depth <-> 1628952395.5
wss://stream.binance.com:9443/stream?streams=xmrbtc@depth <- 1628952395.6: {\"method\":\"SUBSCRIBE\"}
1628952395.799805: {\"stream\":\"xmrbtc@depth\"}
what is this
1628952397.5: {\"stream\":\"xmrbtc@depth\"}
wss://stream.binance.com:9443/stream?streams=xmrbtc@depth <-> 1628952398
1628952399: {\"stream\":\"xmrbtc@depth\"}
";
    let skipped = check(
        &[("http", http), ("ws", sockets)],
        &[
            "1628952395500000000 0 open binance wss://stream.binance.com:9443/stream?streams=xmrbtc@depth",
            "1628952395799805000 0 text {\"stream\":\"xmrbtc@depth\"}",
            "1628952396250000000 0 reply 200 /api/v3/depth?symbol=XMRBTC&limit=5000 {\"lastUpdateId\":1}",
            "1628952397500000000 0 text {\"stream\":\"xmrbtc@depth\"}",
            "1628952398000000000 0 close the recorder opened the connection anew",
            "1628952398000000000 1 open binance wss://stream.binance.com:9443/stream?streams=xmrbtc@depth",
            "1628952399000000000 1 text {\"stream\":\"xmrbtc@depth\"}",
        ],
    );
    assert_eq!(skipped.count, 1);
    let (file, line, why) = &skipped.examples[0];
    assert!(file.ends_with("ws") && *line == 5 && why.contains("what is this"), "{skipped:?}");
}

#[test]
fn sockets_of_two_venues_have_links_of_their_own() {
    let okx = "wss://ws.okx.com:8443/ws/v5/public <-> 1628952395.5\n1628952395.7: {\"arg\":{\"channel\":\"books\",\"instId\":\"BTC-USDT\"},\"data\":[]}\n";
    let usdm = "wss://fstream.binance.com/ws <-> 1628952395.6\n1628952395.8: {\"result\":null}\n";
    check(
        &[("okx", okx), ("usdm", usdm)],
        &[
            "1628952395500000000 0 open okx wss://ws.okx.com:8443/ws/v5/public",
            "1628952395700000000 0 text {\"arg\":{\"channel\":\"books\",\"instId\":\"BTC-USDT\"},\"data\":[]}",
            "1628952395600000000 1 open binance-usdm wss://fstream.binance.com/ws",
            "1628952395800000000 1 text {\"result\":null}",
        ],
    );
}

#[test]
fn an_end_torn_off_is_told_and_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let frames: String =
        (0..5000).map(|i| SPOT.lines().next().unwrap().replace("0001 ", &format!("{i:04} ")) + "\n").collect();
    let whole = gzip(frames.as_bytes());
    let file = dir.path().join("cut.gz");
    for length in [whole.len() / 4, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&file, &whole[..length]).unwrap();
        let mut source = recording::open(&[&file]).unwrap();
        let read = all(&mut source).len() - 1;
        assert!(read > 100 && read <= 5000, "{read}");
        let skipped = source.skipped();
        assert!(skipped.count == 1 && skipped.examples[0].2.contains("breaks off"), "{skipped:?}");
    }
    let cut = &SPOT[..SPOT.len() - 5];
    let skipped = check(
        &[("plain", cut)],
        &all(&mut recording::open(&files(dir.path(), &[("x", SPOT)])).unwrap())[..2]
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>(),
    );
    assert_eq!((skipped.count, skipped.examples[0].1), (1, 2));
}

#[test]
fn what_cannot_be_replayed_is_named_with_what_can() {
    for (content, words) in [
        ("1737918843893903000 {\"channel\":\"l2Book\",\"data\":{\"coin\":\"BTC\"}}\n", "Hyperliquid"),
        ("wss://ws.kraken.com <-> 1618678132.3\n", "ws.kraken.com"),
        ("wss://www.deribit.com/ws/api/v2 <-> 1626993723.4\n", "www.deribit.com"),
        ("1626993723.8: {\"topic\":\"orderbook.50.X\"}\n", "Bybit"),
        ("{\"e\":\"trade\"}\n", "JSON without receive times"),
        ("1626993723.8: {\"a\":1}\n", "of no exchange that is known"),
        ("hello\n", "text beginning \"hello\""),
        ("", "nothing in it"),
    ] {
        let error = refused(content);
        assert!(
            error.contains(words) && error.contains("file") && error.contains("Readable are Fathometer tapes"),
            "{error}"
        );
    }
    assert!(matches!(recording::open(&[Path::new("/nowhere/at/all")]), Err(RecordingError::Read { .. })));
}

#[test]
fn a_folder_is_its_files_and_what_is_no_recording_among_them_is_told() {
    let dir = tempfile::tempdir().unwrap();
    files(dir.path(), &[("b.gz", SPOT), ("README", "about these"), ("a", "wss://ws.kraken.com <-> 1618678132.3\n")]);
    let mut source = recording::open(&[dir.path()]).unwrap();
    assert_eq!(all(&mut source).len(), 3);
    let skipped = source.skipped();
    assert!(skipped.count == 2 && skipped.examples.iter().any(|(_, _, why)| why.contains("kraken")), "{skipped:?}");
    std::fs::remove_file(dir.path().join("b.gz")).unwrap();
    assert!(recording::open(&[dir.path()]).is_err());
}

#[test]
fn a_tape_of_a_recording_says_the_same_as_the_recording() {
    let dir = tempfile::tempdir().unwrap();
    let tapes = dir.path().join("tapes");
    let originals = files(dir.path(), &[("a.gz", SPOT)]);
    let mut writer =
        Writer::create(&tapes, Options { fsync: Fsync::Never, header: b"{}".to_vec(), ..Options::default() }).unwrap();
    let mut source = recording::open(&originals).unwrap();
    while let Some(input) = source.next().unwrap() {
        writer.append(&input).unwrap();
    }
    writer.close().unwrap();
    let mut tape = recording::open(&[&tapes]).unwrap();
    assert_eq!(tape.header(), Some(&b"{}"[..]));
    let expected = all(&mut recording::open(&originals).unwrap());
    assert_eq!(all(&mut tape), expected);
    assert_eq!(recording::load(&[&tapes]).unwrap().iter().map(|i| told(&i)).collect::<Vec<_>>(), expected);
    assert!(matches!(recording::open(&[tapes, originals[0].clone()]), Err(RecordingError::Mixed { .. })));
}

/// The folder of real recordings, if there is one.
fn realdata() -> Option<PathBuf> {
    let folder = std::env::var_os("FATHOMETER_REALDATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/realdata"), PathBuf::from);
    if !folder.is_dir() {
        eprintln!("not run: no real recordings in {}; FATHOMETER_REALDATA names their folder", folder.display());
        return None;
    }
    Some(folder)
}

/// Every line of real recordings arrives: so many frames, answers and links, nothing skipped.
#[test]
fn real_recordings_arrive_whole() {
    let Some(folder) = realdata() else { return };
    let hft = "nkaz001-hftbacktest";
    let feed = "bmoscon-cryptofeed";
    for (paths, venue, links, replies, texts) in [
        (
            vec![
                format!("{hft}/examples/spot/btcusdt_20240808.gz"),
                format!("{hft}/examples/spot/btcusdt_20240809.gz"),
            ],
            "binance",
            1,
            1,
            99_573,
        ),
        (vec![format!("{hft}/examples/usdm/ethusdt_20240808.gz")], "binance-usdm", 1, 1, 74_654),
        (vec![format!("{hft}/history/usdm_btcusdt_20230404.dat.gz")], "binance-usdm", 1, 1, 13_383),
        (vec![format!("{feed}/history/906605df")], "okx", 3, 0, 0),
        (vec![format!("{feed}/master/OKX.ws.1.0")], "okx", 1, 0, 0),
        (vec![format!("{feed}/history/1312c062/BINANCE_FUTURES-1125a2.0")], "binance-usdm", 1, 5, 0),
        (vec![format!("{feed}/history/cb63e8da")], "binance", 1, 4, 0),
    ] {
        let paths: Vec<PathBuf> = paths.iter().map(|p| folder.join(p)).collect();
        let loaded = recording::load(&paths).unwrap();
        assert_eq!(loaded.skipped.count, 0, "{:?}", loaded.skipped);
        let mut count = BTreeMap::new();
        let mut before = 0;
        for input in loaded.iter() {
            let kind = match input.body {
                Body::Open { venue: v, .. } => {
                    assert_eq!(v.name(), venue);
                    "open"
                }
                Body::Text(_) => "text",
                Body::Reply { .. } => "reply",
                Body::Close { .. } => "close",
                _ => "other",
            };
            *count.entry(kind).or_insert(0) += 1;
            if matches!(input.body, Body::Open { .. } | Body::Close { .. }) {
                before = input.at.0; // files follow each other as given, though they overlap in time
            }
            assert!(
                input.at.0 > before - 1_000_000_000,
                "{paths:?}: a second back in time at {} after {before}",
                input.at.0
            );
            before = before.max(input.at.0);
        }
        assert_eq!(count.get("open"), Some(&links), "{paths:?}");
        assert_eq!(count.get("reply").copied().unwrap_or(0), replies, "{paths:?}");
        assert_eq!(count.get("other"), None);
        let text = count.get("text").copied().unwrap_or(0);
        assert!(text > 100 && (texts == 0 || text == texts), "{paths:?}: {text}");
        assert_eq!(loaded.len(), loaded.iter().count() as u64);
    }
    for (path, name) in [
        (format!("{hft}/examples/hyperliquid/btcusd_20250126.gz"), "Hyperliquid"),
        (format!("{feed}/master/KRAKEN.ws.50.0"), "kraken"),
        (format!("{feed}/master/DERIBIT.ws.1.0"), "deribit"),
        ("crypto-crawler-crypto-msg-parser/frames.jsonl".to_owned(), "JSON without receive times"),
    ] {
        let error = recording::open(&[folder.join(path)]).err().unwrap().to_string();
        assert!(error.contains(name), "{error}");
    }
}
