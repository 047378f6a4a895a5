//! OKX.

use crate::kit::{ClientBook, Ws, get, host, http, options, serve, still, truth};
use fathometer_engine::instrument::Venue;
use fathometer_venue::fault::{Fault, Kind};
use fathometer_venue::serve::{Options, Server, start};
use serde_json::{Value, json};
use std::time::Duration;

const PUBLIC: &str = "/ws/v5/public";

async fn subscribed(server: &Server, path: &str, channel: &str, inst_id: &str) -> Ws {
    let mut ws = Ws::open(&host(server, Venue::Okx), path).await;
    ws.say(&format!(r#"{{"op":"subscribe","args":[{{"channel":"{channel}","instId":"{inst_id}"}}]}}"#)).await;
    ws
}

/// Follows a book for some updates, and compares each with the truth, cut to the channel's depth.
async fn follow(server: &Server, channel: &str, symbol: &str, levels: usize, updates: usize) {
    let mut ws = subscribed(server, PUBLIC, channel, symbol).await;
    let snapshot = ws.until(|m| m["action"] == "snapshot").await;
    let data = &snapshot["data"][0];
    assert_eq!(data["prevSeqId"], -1);
    let mut book = ClientBook::from(data);
    let mut last = data["seqId"].as_i64().unwrap();
    for _ in 0..updates {
        let update = ws.until(|m| m["action"] == "update").await;
        let data = &update["data"][0];
        assert_eq!(data["prevSeqId"].as_i64(), Some(last));
        assert_eq!(data["checksum"], 0);
        last = data["seqId"].as_i64().unwrap();
        book.apply(&data["bids"], &data["asks"]);
        let truth = truth(server, Venue::Okx, symbol, last as u64).await.top(levels);
        assert_eq!(book, truth, "{channel} at {last}");
    }
}

#[tokio::test]
async fn a_book_kept_by_the_rules_is_the_true_one_level_for_level() {
    let server = serve(Options { allow_tbt: true, ..options() }).await;
    tokio::join!(
        follow(&server, "books", "BTC-USDT", 400, 12),
        follow(&server, "books", "BTC-USDT-SWAP", 400, 12),
        follow(&server, "books-l2-tbt", "BTC-USDT", 400, 40),
        follow(&server, "books50-l2-tbt", "BTC-USDT-SWAP", 50, 40),
    );
}

#[tokio::test]
async fn a_second_subscriber_gets_a_snapshot_that_the_next_update_continues() {
    let server = serve(options()).await;
    let mut first = subscribed(&server, PUBLIC, "books", "BTC-USDT").await;
    for _ in 0..3 {
        first.until(|m| m["action"] == "update").await;
    }
    let mut second = subscribed(&server, PUBLIC, "books", "BTC-USDT").await;
    let snapshot = second.until(|m| m["action"] == "snapshot").await;
    let update = second.until(|m| m["action"] == "update").await;
    assert_eq!(snapshot["data"][0]["seqId"], update["data"][0]["prevSeqId"]);
}

#[tokio::test]
async fn requests_are_answered_as_the_venue_answers() {
    let server = start(Box::new(still()), options()).await.unwrap();
    let okx = host(&server, Venue::Okx);
    let table: &[(&str, &str, Value)] = &[
        (
            "public",
            r#"{"id":"a1","op":"subscribe","args":[{"channel":"trades","instId":"BTC-USDT"}]}"#,
            json!({"id": "a1", "event": "subscribe", "arg": {"channel": "trades", "instId": "BTC-USDT"}}),
        ),
        (
            "public",
            r#"{"op":"unsubscribe","args":[{"channel":"trades","instId":"BTC-USDT"}]}"#,
            json!({"event": "unsubscribe", "arg": {"channel": "trades", "instId": "BTC-USDT"}}),
        ),
        (
            "business",
            r#"{"op":"subscribe","args":[{"channel":"trades-all","instId":"BTC-USDT"}]}"#,
            json!({"event": "subscribe"}),
        ),
        (
            "public",
            r#"{"op":"subscribe","args":[{"channel":"trades-all","instId":"BTC-USDT"}]}"#,
            json!({"event": "error", "code": "60018"}),
        ),
        (
            "business",
            r#"{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}"#,
            json!({"event": "error", "code": "60018"}),
        ),
        (
            "public",
            r#"{"id":"7","op":"subscribe","args":[{"channel":"books","instId":"NO-SUCH"}]}"#,
            json!({"event": "error", "code": "60018", "id": "7"}),
        ),
        (
            "public",
            r#"{"op":"subscribe","args":[{"channel":"boooks","instId":"BTC-USDT"}]}"#,
            json!({"event": "error", "code": "60018"}),
        ),
        (
            "public",
            r#"{"op":"subscribe","args":[{"channel":"books-l2-tbt","instId":"BTC-USDT"}]}"#,
            json!({"event": "error", "code": "64003"}),
        ),
        (
            "public",
            r#"{"op":"subscribe","args":[{"channel":"liquidation-orders","instType":"SWAP"}]}"#,
            json!({"event": "subscribe"}),
        ),
        ("public", r#"{"op":"subscribe","args":[{"channel":"status"}]}"#, json!({"event": "subscribe"})),
        ("public", r#"{"op":"subscribe","args":[]}"#, json!({"event": "error", "code": "60013"})),
        ("public", r#"{"op":"dance","args":[]}"#, json!({"event": "error", "code": "60019"})),
        ("public", "hello", json!({"event": "error", "code": "60012"})),
        (
            "private",
            r#"{"op":"subscribe","args":[{"channel":"orders","instType":"SPOT"}]}"#,
            json!({"event": "error", "code": "60011"}),
        ),
    ];
    for (path, request, expect) in table {
        let mut ws = Ws::open(&okx, &format!("/ws/v5/{path}")).await;
        ws.say(request).await;
        let answer = ws.json().await;
        for (key, value) in expect.as_object().unwrap() {
            assert_eq!(&answer[key], value, "{request}: {answer}");
        }
        assert!(answer["connId"].is_string(), "{request}: {answer}");
    }
    // One acknowledgement for each argument.
    let mut ws = Ws::open(&okx, PUBLIC).await;
    ws.say(r#"{"op":"subscribe","args":[{"channel":"trades","instId":"BTC-USDT"},{"channel":"trades","instId":"BTC-USDT-SWAP"}]}"#).await;
    assert_eq!(
        (ws.json().await["event"].clone(), ws.json().await["event"].clone()),
        (json!("subscribe"), json!("subscribe"))
    );
    ws.say("ping").await;
    assert_eq!(ws.text().await, "pong");
}

#[tokio::test]
async fn every_channel_speaks_in_its_shape() {
    let server = serve(options()).await;
    let table = [
        ("public", "books5", "BTC-USDT", "asks.4.3 bids.4.0 instId ts seqId"),
        ("public", "bbo-tbt", "BTC-USDT", "asks.0.3 bids.0.0 ts seqId"),
        ("public", "trades", "BTC-USDT", "instId tradeId px sz side ts count source seqId"),
        ("business", "trades-all", "BTC-USDT", "instId tradeId px sz side ts source"),
        (
            "public",
            "tickers",
            "BTC-USDT-SWAP",
            "instType last lastSz askPx askSz bidPx bidSz open24h volCcy24h vol24h sodUtc8 ts",
        ),
        ("public", "mark-price", "BTC-USDT-SWAP", "instType instId markPx ts"),
        ("public", "index-tickers", "BTC-USDT", "instId idxPx ts"),
        (
            "public",
            "funding-rate",
            "BTC-USDT-SWAP",
            "fundingRate fundingTime nextFundingTime nextFundingRate settState method ts",
        ),
        ("public", "open-interest", "BTC-USDT-SWAP", "oi oiCcy oiUsd ts"),
    ];
    let try_one = async |(path, channel, inst_id, fields): (&str, &str, &str, &str)| {
        let mut ws = subscribed(&server, &format!("/ws/v5/{path}"), channel, inst_id).await;
        let push = ws.until(|m| m.get("data").is_some()).await;
        assert_eq!((&push["arg"]["channel"], &push["arg"]["instId"]), (&json!(channel), &json!(inst_id)));
        assert!(push.get("action").is_none(), "{push}");
        for field in fields.split(' ') {
            let pointer = format!("/data/0/{}", field.replace('.', "/"));
            assert!(push.pointer(&pointer).is_some(), "{channel}: no {field} in {push}");
        }
        push
    };
    let all = futures_util::future::join_all(table.map(try_one)).await;
    assert_eq!(all[2]["data"][0]["count"], "2", "two fills of one order are one trade");
    assert_eq!(all[2]["data"][0]["sz"], "0.5", "no trailing zeros");
    assert_eq!(all[8]["data"][0]["oiCcy"], "123.456", "12345.6 contracts of 0.01 coins");
    let mut ws = Ws::open(&host(&server, Venue::Okx), PUBLIC).await;
    ws.say(r#"{"op":"subscribe","args":[{"channel":"liquidation-orders","instType":"SWAP"},{"channel":"instruments","instType":"SPOT"}]}"#).await;
    let listed = ws.until(|m| m["arg"]["channel"] == "instruments" && m.get("data").is_some()).await;
    assert_eq!(listed["data"][0]["tickSz"], "0.1");
    let forced = ws.until(|m| m["arg"]["channel"] == "liquidation-orders" && m.get("data").is_some()).await;
    assert_eq!(forced["data"][0]["instId"], "BTC-USDT-SWAP");
    assert_eq!(forced["data"][0]["details"][0]["posSide"], "long");
}

#[tokio::test]
async fn rest_answers_in_the_envelope() {
    let server = serve(options()).await;
    let okx = host(&server, Venue::Okx);
    let count = async |path: &str| {
        let json = get(&okx, path).await;
        (json["code"].as_str().unwrap().to_owned(), json["data"].as_array().unwrap().len())
    };
    for (path, code, rows) in [
        ("/api/v5/public/time", "0", 1),
        ("/api/v5/public/instruments?instType=SPOT", "0", 1),
        ("/api/v5/public/instruments?instType=SWAP", "0", 1),
        ("/api/v5/public/instruments?instType=OPTION", "0", 0),
        ("/api/v5/public/mark-price?instType=SWAP", "0", 1),
        ("/api/v5/public/funding-rate?instId=BTC-USDT-SWAP", "0", 1),
        ("/api/v5/public/open-interest?instType=SWAP", "0", 1),
        ("/api/v5/market/tickers?instType=SPOT", "0", 1),
        ("/api/v5/market/ticker?instId=BTC-USDT", "0", 1),
        ("/api/v5/market/index-tickers?instId=BTC-USDT", "0", 1),
        ("/api/v5/market/books?instId=NO-SUCH", "51001", 0),
    ] {
        assert_eq!(count(path).await, (code.to_owned(), rows), "{path}");
    }
    let levels = async |path: &str| {
        let json = get(&okx, path).await;
        let book = &json["data"][0];
        (book["asks"].as_array().unwrap().len(), book["asks"][0].as_array().unwrap().len(), book.get("seqId").is_some())
    };
    assert_eq!(levels("/api/v5/market/books?instId=BTC-USDT").await, (1, 4, true));
    assert_eq!(levels("/api/v5/market/books?instId=BTC-USDT&sz=9999").await, (400, 4, true));
    let (full, tuple, has_seq) = levels("/api/v5/market/books-full?instId=BTC-USDT&sz=5000").await;
    assert!(full > 400 && tuple == 3 && !has_seq);
    let mut refused = 0;
    for _ in 0..30 {
        let reply = http(&okx, "GET", "/api/v5/public/time", "").await;
        refused += usize::from(reply.status == 429 && reply.json()["code"] == "50011");
    }
    assert!(refused > 0, "thirty requests at once were all answered");
}

#[tokio::test]
async fn quiet_connections_and_slow_readers_are_closed() {
    let server =
        start(Box::new(still()), Options { idle_max: Some(Duration::from_millis(300)), ..options() }).await.unwrap();
    let mut idle = Ws::open(&host(&server, Venue::Okx), PUBLIC).await;
    assert_eq!(idle.drain().await, Some(4004));
    let mut kept = Ws::open(&host(&server, Venue::Okx), PUBLIC).await;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        kept.say("ping").await;
        assert_eq!(kept.text().await, "pong");
    }

    // Delayed by a minute, messages pile up until the queue is full.
    let server = serve(Options { speed: 10.0, ..options() }).await;
    server.inject(Fault { ms: Some(60_000), ..Fault::new(Kind::Slow) });
    let mut slow = Ws::open(&host(&server, Venue::Okx), "/ws/v5/business").await;
    slow.say(r#"{"op":"subscribe","args":[{"channel":"trades-all","instId":"BTC-USDT"},{"channel":"trades-all","instId":"BTC-USDT-SWAP"}]}"#).await;
    let end = tokio::time::timeout(Duration::from_secs(40), slow_end(&mut slow)).await;
    assert_eq!(end.expect("it was kept"), Some(4005));
}

async fn slow_end(ws: &mut Ws) -> Option<u16> {
    use futures_util::StreamExt;
    use tokio_tungstenite::tungstenite::Message;
    while let Some(Ok(message)) = ws.0.next().await {
        if let Message::Close(frame) = message {
            return frame.map(|f| f.code.into());
        }
    }
    None
}
