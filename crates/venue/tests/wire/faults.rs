//! Each fault, as a client sees it, and as the log tells it.

use crate::kit::{ClientBook, Ws, get, host, http, options, serve, still, truth};
use fathometer_engine::instrument::Venue;
use fathometer_venue::fault::{Fault, Kind};
use fathometer_venue::serve::{Options, Server, start};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::Message;

const DEPTH: &str = "/ws/btcusdt@depth@100ms";

fn id(json: &Value, key: &str) -> u64 {
    json[key].as_u64().unwrap_or_else(|| panic!("no {key} in {json}"))
}

fn spot(kind: Kind) -> Fault {
    Fault::new(kind).on(Venue::Binance, "BTCUSDT")
}

/// Not with the very next message, so that what a test sees begins before it.
fn soon(kind: Kind) -> Fault {
    Fault { after_ms: 150, ..spot(kind) }
}

/// Pairs of (U, u) of the next messages.
async fn ids(ws: &mut Ws, count: usize) -> Vec<(u64, u64)> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let event = ws.json().await;
        ids.push((id(&event, "U"), id(&event, "u")));
    }
    ids
}

fn gaps(ids: &[(u64, u64)]) -> usize {
    ids.windows(2).filter(|w| w[1].0 > w[0].1 + 1).count()
}

fn logged(server: &Server, kind: Kind) -> usize {
    server.injections().iter().filter(|i| i.kind == kind).count()
}

#[tokio::test]
async fn gap_duplicate_and_reorder_of_depth_messages() {
    let server = serve(options()).await;
    let host = host(&server, Venue::Binance);
    let mut ws = Ws::open(&host, DEPTH).await;
    let mut other = Ws::open(&host, "/ws/ethusdt@depth@100ms").await;
    assert_eq!(gaps(&ids(&mut ws, 3).await), 0);

    server.inject(soon(Kind::Gap));
    assert_eq!(gaps(&ids(&mut ws, 5).await), 1);
    server.inject(soon(Kind::Duplicate));
    let seen = ids(&mut ws, 5).await;
    assert_eq!(seen.windows(2).filter(|w| w[0] == w[1]).count(), 1, "{seen:?}");
    server.inject(soon(Kind::Reorder));
    let seen = ids(&mut ws, 5).await;
    assert_eq!(seen.windows(2).filter(|w| w[1].1 < w[0].0).count(), 1, "{seen:?}");
    let sorted: BTreeSet<_> = seen.iter().copied().collect();
    assert_eq!(gaps(&sorted.into_iter().collect::<Vec<_>>()), 0, "nothing is lost by reordering");
    assert_eq!(gaps(&ids(&mut other, 15).await), 0, "the other symbol is untouched");
    for kind in [Kind::Gap, Kind::Duplicate, Kind::Reorder] {
        assert_eq!(logged(&server, kind), 1);
    }
}

#[tokio::test]
async fn a_gap_may_fall_on_one_of_two_connections() {
    let server = serve(options()).await;
    let host = host(&server, Venue::Binance);
    let (mut first, mut second) = (Ws::open(&host, DEPTH).await, Ws::open(&host, DEPTH).await);
    ids(&mut first, 1).await;
    ids(&mut second, 1).await;
    server.inject(Fault { subscriber: Some(1), ..soon(Kind::Gap) });
    assert_eq!((gaps(&ids(&mut first, 5).await), gaps(&ids(&mut second, 5).await)), (0, 1));
}

#[tokio::test]
async fn snapshots_that_do_not_fit_the_stream() {
    let server = serve(options()).await;
    let host = host(&server, Venue::Binance);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut ws = Ws::open(&host, DEPTH).await;
    let first = ws.json().await;
    server.inject(Fault { ms: Some(250), ..spot(Kind::LateSnapshot) });
    let late = get(&host, "/api/v3/depth?symbol=BTCUSDT&limit=5000").await;
    assert!(id(&late, "lastUpdateId") + 1 < id(&first, "U"), "{} {}", late["lastUpdateId"], first["U"]);
    // Old, but true when it was new.
    assert_eq!(ClientBook::from(&late), truth(&server, Venue::Binance, "BTCUSDT", id(&late, "lastUpdateId")).await);
    let good = get(&host, "/api/v3/depth?symbol=BTCUSDT&limit=5000").await;
    assert!(id(&good, "lastUpdateId") >= id(&first, "U"));

    let usdm = crate::kit::host(&server, Venue::BinanceUsdm);
    let mut ws = Ws::open(&usdm, DEPTH).await;
    for _ in 0..3 {
        ws.json().await;
        server.inject(Fault::new(Kind::PuHole).on(Venue::BinanceUsdm, "BTCUSDT"));
        let hole = id(&get(&usdm, "/fapi/v1/depth?symbol=BTCUSDT&limit=1000").await, "lastUpdateId");
        loop {
            let event = ws.json().await;
            assert!(!(id(&event, "U") <= hole && hole <= id(&event, "u")), "a message covers {hole}: {event}");
            if id(&event, "U") > hole {
                assert!(id(&event, "pu") < hole, "the message before covers {hole}: {event}");
                break;
            }
        }
    }
    assert_eq!(logged(&server, Kind::PuHole), 3);
}

#[tokio::test]
async fn one_stream_falls_silent_while_its_siblings_go_on() {
    let server = serve(options()).await;
    let mut ws = Ws::open(&host(&server, Venue::Binance), "/stream?streams=btcusdt@depth@100ms/btcusdt@trade").await;
    ws.until(|m| m["stream"] == "btcusdt@depth@100ms").await;
    let fault = server.inject("silent-stream:binance:btcusdt@depth@100ms".parse().unwrap());
    tokio::time::sleep(Duration::from_millis(150)).await;
    while ws.hear_within(1).await.is_some() {}
    for _ in 0..30 {
        assert_eq!(ws.json().await["stream"], "btcusdt@trade");
    }
    assert!(server.lift(fault));
    ws.until(|m| m["stream"] == "btcusdt@depth@100ms").await;
    assert_eq!(logged(&server, Kind::SilentStream), 1, "a lasting state is logged once");
}

#[tokio::test]
async fn pings_stay_unanswered_and_none_are_sent() {
    use futures_util::SinkExt;
    let every = Options { ping_every: Some(Duration::from_millis(100)), ..options() };
    let server = start(Box::new(still()), every).await.unwrap();
    let mut ws = Ws::open(&host(&server, Venue::Binance), "/ws").await;
    assert!(matches!(ws.hear().await, Some(Message::Ping(_))));
    let fault = server.inject(Fault::new(Kind::PongSilence));
    tokio::time::sleep(Duration::from_millis(150)).await;
    while ws.hear_within(1).await.is_some() {}
    ws.0.send(Message::Ping("x".into())).await.unwrap();
    assert!(ws.hear_within(400).await.is_none());
    let mut okx = Ws::open(&host(&server, Venue::Okx), "/ws/v5/public").await;
    okx.say("ping").await;
    assert!(okx.hear_within(200).await.is_none());
    server.lift(fault);
    okx.say("ping").await;
    assert_eq!(okx.text().await, "pong");
    assert!(matches!(ws.hear().await, Some(Message::Ping(_))));
}

#[tokio::test]
async fn connections_are_cut() {
    let server = serve(options()).await;
    let host = host(&server, Venue::Binance);
    let (mut btc, mut eth) = (Ws::open(&host, DEPTH).await, Ws::open(&host, "/ws/ethusdt@depth@100ms").await);
    ids(&mut btc, 1).await;
    server.inject(spot(Kind::Cut));
    assert_eq!(btc.drain().await, None, "cut means without a close frame");
    assert_eq!(gaps(&ids(&mut eth, 3).await), 0, "only those who listen to the symbol");
    assert_eq!(logged(&server, Kind::Cut), 1);
}

#[tokio::test]
async fn messages_come_late_but_in_order() {
    let server = serve(options()).await;
    let mut ws = Ws::open(&host(&server, Venue::Binance), DEPTH).await;
    ids(&mut ws, 2).await;
    server.inject(Fault { ms: Some(700), for_ms: Some(500), ..spot(Kind::Slow) });
    let start = Instant::now();
    let seen = ids(&mut ws, 8).await;
    assert!(start.elapsed() > Duration::from_millis(600), "{:?}", start.elapsed());
    assert_eq!(gaps(&seen), 0);
}

#[tokio::test]
async fn broken_frames() {
    let server = serve(options()).await;
    let host = host(&server, Venue::Binance);
    let mut ws = Ws::open(&host, DEPTH).await;
    ws.json().await;
    server.inject(spot(Kind::Malformed));
    let mut broken = 0;
    for _ in 0..4 {
        broken += usize::from(serde_json::from_str::<Value>(&ws.text().await).is_err());
    }
    assert_eq!(broken, 1);
    server.inject(Fault { bytes: Some(200_000), ..spot(Kind::Oversize) });
    let mut longest = 0;
    for _ in 0..4 {
        longest = longest.max(ws.text().await.len());
    }
    assert_eq!(longest, 200_000);
    server.inject(Fault::new(Kind::Oversize).on(Venue::Binance, "BTCUSDT"));
    let refused = async {
        loop {
            match futures_util::StreamExt::next(&mut ws.0).await {
                Some(Ok(_)) => {}
                Some(Err(error)) => return error.to_string(),
                None => return "ended".to_owned(),
            }
        }
    };
    let error = tokio::time::timeout(Duration::from_secs(10), refused).await.unwrap();
    assert!(error.contains("too long"), "the library's own limit: {error}");

    let mut ws = Ws::open(&host, DEPTH).await;
    ws.json().await;
    server.inject(spot(Kind::Truncated));
    assert_eq!(ws.drain().await, None, "the frame is cut short and the connection with it");
}

#[tokio::test]
async fn warnings_before_the_end() {
    let server = serve(options()).await;
    let spot = host(&server, Venue::Binance);
    let (mut raw, mut combined) =
        (Ws::open(&spot, DEPTH).await, Ws::open(&spot, "/stream?streams=btcusdt@trade").await);
    raw.json().await;
    combined.json().await;
    server.inject(Fault { venue: Some(Venue::Binance), ms: Some(300), ..Fault::new(Kind::ServerShutdown) });
    raw.until(|m| m["e"] == "serverShutdown" && m["E"].is_i64()).await;
    combined.until(|m| m["stream"] == "!serverShutdown" && m["data"]["e"] == "serverShutdown").await;
    assert_eq!((raw.drain().await, combined.drain().await), (Some(1001), Some(1001)));

    let mut okx = Ws::open(&host(&server, Venue::Okx), "/ws/v5/public").await;
    okx.say(r#"{"op":"subscribe","args":[{"channel":"bbo-tbt","instId":"BTC-USDT"}]}"#).await;
    okx.json().await;
    server.inject(Fault { venue: Some(Venue::Okx), ms: Some(200), ..Fault::new(Kind::OkxNotice) });
    let notice = okx.until(|m| m["event"] == "notice").await;
    assert_eq!(notice["code"], "64008");
    assert_eq!(okx.drain().await, Some(4006));
}

#[tokio::test]
async fn okx_sequence_ids_start_again_lower() {
    let server = serve(options()).await;
    let mut ws = books(&server).await;
    let snapshot = ws.until(|m| m["action"] == "snapshot").await;
    let mut book = ClientBook::from(&snapshot["data"][0]);
    let mut last = snapshot["data"][0]["seqId"].as_i64().unwrap();
    server.inject(Fault::new(Kind::SeqReset).on(Venue::Okx, "BTC-USDT"));
    let mut resets = 0;
    for _ in 0..6 {
        let update = ws.until(|m| m["action"] == "update").await;
        let data = &update["data"][0];
        assert_eq!(data["prevSeqId"].as_i64(), Some(last), "the chain holds over a reset");
        let seq = data["seqId"].as_i64().unwrap();
        resets += usize::from(seq < last);
        last = seq;
        book.apply(&data["bids"], &data["asks"]);
        assert_eq!(book, truth(&server, Venue::Okx, "BTC-USDT", seq as u64).await.top(400));
    }
    assert_eq!(resets, 1);
}

async fn books(server: &Server) -> Ws {
    let mut ws = Ws::open(&host(server, Venue::Okx), "/ws/v5/public").await;
    ws.say(r#"{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}"#).await;
    ws
}

#[tokio::test]
async fn okx_says_that_nothing_changed() {
    let server = start(Box::new(still()), options()).await.unwrap();
    let mut ws = books(&server).await;
    let snapshot = ws.until(|m| m["action"] == "snapshot").await;
    let seq = &snapshot["data"][0]["seqId"];
    server.inject(Fault::new(Kind::KeepAlive).on(Venue::Okx, "BTC-USDT"));
    let empty = ws.until(|m| m["action"] == "update").await;
    let data = &empty["data"][0];
    assert_eq!((&data["seqId"], &data["prevSeqId"]), (seq, seq));
    assert_eq!((data["asks"].as_array().unwrap().len(), data["bids"].as_array().unwrap().len()), (0, 0));
}

#[tokio::test]
async fn okx_books_carry_the_true_checksum() {
    let server = serve(options()).await;
    server.inject(Fault::new(Kind::OkxCrc));
    let mut ws = books(&server).await;
    let snapshot = ws.until(|m| m["action"] == "snapshot").await;
    let mut book = ClientBook::from(&snapshot["data"][0]);
    let check = |book: &ClientBook, data: &Value| {
        let text = |(p, s): (&i64, &String)| {
            let price = fathometer_engine::units::Decimal::new(*p, 1);
            format!("{price}:{s}")
        };
        let (bids, asks) = (book.bids.iter().rev().map(text), book.asks.iter().map(text));
        let parts: Vec<String> = bids.zip(asks).take(25).flat_map(|(b, a)| [b, a]).collect();
        let crc = crc32fast::hash(parts.join(":").as_bytes()) as i32;
        assert_eq!(data["checksum"].as_i64(), Some(i64::from(crc)));
    };
    check(&book, &snapshot["data"][0]);
    for _ in 0..5 {
        let update = ws.until(|m| m["action"] == "update").await;
        book.apply(&update["data"][0]["bids"], &update["data"][0]["asks"]);
        check(&book, &update["data"][0]);
    }
}

#[tokio::test]
async fn a_crossed_book_in_pre_open_is_uncrossed_after() {
    let server = start(Box::new(still()), options()).await.unwrap();
    let okx = host(&server, Venue::Okx);
    let state = async || get(&okx, "/api/v5/public/instruments?instType=SPOT").await["data"][0]["state"].clone();
    let mut ws = books(&server).await;
    let snapshot = ws.until(|m| m["action"] == "snapshot").await;
    let mut book = ClientBook::from(&snapshot["data"][0]);
    let is_crossed = |b: &ClientBook| b.asks.keys().next().unwrap() < b.bids.keys().next_back().unwrap();
    assert_eq!((state().await, is_crossed(&book)), ("live".into(), false));
    server.inject(Fault { for_ms: Some(600), ..Fault::new(Kind::Crossed).on(Venue::Okx, "BTC-USDT") });
    for (expect, crossed) in [("preopen", true), ("live", false)] {
        let update = ws.until(|m| m["action"] == "update").await;
        book.apply(&update["data"][0]["bids"], &update["data"][0]["asks"]);
        assert_eq!((state().await, is_crossed(&book)), (expect.into(), crossed));
    }
}

#[tokio::test]
async fn a_corrupted_level_is_only_seen_by_who_compares() {
    let server = serve(options()).await;
    let host = host(&server, Venue::Binance);
    let mut ws = Ws::open(&host, DEPTH).await;
    let first = ws.json().await;
    let snapshot = get(&host, "/api/v3/depth?symbol=BTCUSDT&limit=5000").await;
    let mut book = ClientBook::from(&snapshot);
    server.inject(spot(Kind::Corrupt));
    let mut wrong = Vec::new();
    let mut last = id(&first, "u");
    for _ in 0..6 {
        let event = ws.json().await;
        assert_eq!(id(&event, "U"), last + 1, "the ids show nothing");
        last = id(&event, "u");
        if last <= id(&snapshot, "lastUpdateId") {
            continue;
        }
        book.apply(&event["b"], &event["a"]);
        let truth = truth(&server, Venue::Binance, "BTCUSDT", last).await;
        let differs = |p: &&i64| book.bids.get(p) != truth.bids.get(p);
        let keys: BTreeSet<i64> = book.bids.keys().chain(truth.bids.keys()).copied().collect();
        wrong.push(keys.iter().filter(differs).count());
        assert_eq!(book.asks, truth.asks);
    }
    assert!(wrong.len() >= 4 && wrong.iter().all(|w| *w <= 1) && wrong.contains(&1), "{wrong:?}");
    assert_eq!(logged(&server, Kind::Corrupt), 1);
}

#[tokio::test]
async fn http_errors_for_requests_and_handshakes() {
    let server = serve(options()).await;
    let spot = host(&server, Venue::Binance);
    let okx = host(&server, Venue::Okx);
    let table = [
        (Venue::Binance, 403, None, false),
        (Venue::Binance, 418, Some(-1003), true),
        (Venue::Binance, 429, Some(-1003), true),
        (Venue::Binance, 451, Some(0), false),
        (Venue::Binance, 503, None, false),
        (Venue::Okx, 429, Some(50011), true),
    ];
    for (venue, status, code, waits) in table {
        server.inject(Fault { venue: Some(venue), ..Fault::new(Kind::Http(status)) });
        let (host, path) = if venue == Venue::Okx { (&okx, "/api/v5/public/time") } else { (&spot, "/api/v3/time") };
        let reply = http(host, "GET", path, "").await;
        assert_eq!((reply.status, reply.header("retry-after").is_some()), (status, waits), "{}", reply.body);
        if let Some(code) = code {
            let is = &reply.json()["code"];
            assert!(is.as_i64() == Some(code) || is.as_str() == Some(&code.to_string()), "{is}");
        }
        assert_eq!(http(host, "GET", path, "").await.status, 200, "once only");
    }
    server.inject(Fault { venue: Some(Venue::Binance), ..Fault::new(Kind::Http(451)) });
    let refused = Ws::try_open(&spot, DEPTH).await.err().unwrap().to_string();
    assert!(refused.contains("451"), "{refused}");
}

#[tokio::test]
async fn unrouted_futures_sockets_may_carry_public_streams_only() {
    let server = serve(options()).await;
    server.inject("unrouted-public-only".parse().unwrap());
    let mut ws = Ws::open(&host(&server, Venue::BinanceUsdm), "/stream").await;
    ws.say(
        r#"{"method":"SUBSCRIBE","params":["btcusdt@aggTrade","btcusdt@bookTicker","btcusdt@markPrice@1s"],"id":1}"#,
    )
    .await;
    ws.until(|m| m["id"] == 1).await;
    for _ in 0..200 {
        assert_eq!(ws.json().await["stream"], "btcusdt@bookTicker");
    }
}

#[tokio::test]
async fn the_control_port_orders_lists_and_lifts() {
    let server = serve(options()).await;
    let control = server.control_url().strip_prefix("http://").unwrap().to_owned();
    let mut ws = Ws::open(&host(&server, Venue::Binance), DEPTH).await;
    ws.json().await;
    let order = r#"{"kind":"gap","venue":"binance","symbol":"BTCUSDT","count":2,"after_ms":150}"#;
    assert_eq!(http(&control, "POST", "/fault", order).await.status, 200);
    assert_eq!(gaps(&ids(&mut ws, 6).await), 1, "two in a row are one gap");
    let listed = get(&control, "/faults").await;
    let log = listed["injections"].as_array().unwrap();
    assert_eq!(log.len(), 2);
    assert_eq!((&log[0]["kind"], &log[0]["target"]), (&Value::from("gap"), &Value::from("btcusdt@depth@100ms")));
    assert!(log[0]["at_ns"].as_i64() < listed["now_ns"].as_i64());
    assert_eq!(http(&control, "POST", "/fault", "slow:okx+60").await.status, 200);
    assert_eq!(get(&control, "/faults").await["active"].as_array().unwrap().len(), 1);
    assert_eq!(http(&control, "DELETE", "/faults", "").await.json()["removed"], 1);
    for wrong in ["gop", r#"{"kind":"gap","symbl":"X"}"#] {
        let reply = http(&control, "POST", "/fault", wrong).await;
        assert!(reply.status == 400 && reply.json()["error"].is_string(), "{}", reply.body);
    }
    let missing = http(&control, "GET", "/book?venue=binance&symbol=BTCUSDT&at=1", "").await;
    assert_eq!(missing.status, 404, "{}", missing.body);
}
