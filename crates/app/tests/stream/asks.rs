//! What readers ask for, and what is refused.

use crate::kit::{Demo, ID, Reader};
use fathometer::api::stream::kind::Kind;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

#[test]
fn every_kind_comes_and_what_makes_no_sense_is_refused() {
    let demo = Demo::start();
    demo.runtime.block_on(async {
        let mut reader = Reader::greeted(demo.address, "").await;
        let wish = |more: Value| {
            let mut wish = json!({ "op": "subscribe", "id": 1, "kind": "book", "instruments": [ID] });
            wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            wish
        };
        for (what, status, part) in [
            (wish(json!({ "kind": "boook" })), 400, "no kind `boook`"),
            (wish(json!({ "rate_hz": 3 })), 400, "rate_hz is 3"),
            (wish(json!({ "depth": 1_000 })), 400, "depth is 1000"),
            (wish(json!({ "instruments": ["binance:BTCUSDX"] })), 404, "binance:BTCUSDX"),
            (wish(json!({ "instruments": ["btcusdt"] })), 409, "btcusdt"),
            (wish(json!({ "instruments": null })), 400, "none is named"),
            (json!({ "op": "unsubscribe", "id": 9 }), 400, "no subscription 9"),
            (json!({ "op": "dance" }), 400, "cannot be understood"),
            (json!([1, 2]), 400, "cannot be understood"),
        ] {
            let told = reader.refused(&what).await;
            assert_eq!(told["status"], status, "{told}");
            assert!(told["detail"].as_str().unwrap().contains(part), "{told}");
        }
        let told = reader.refused(&wish(json!({ "instruments": ["binance:BTCUSDX"] }))).await;
        assert!(told["candidates"].as_array().unwrap().contains(&json!(ID)), "{told}");
        reader.say(&json!({ "op": "ping" })).await;
        assert_eq!(reader.text().await, json!({ "type": "pong" }));

        // All kinds that are served here, of all instruments.
        let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| demo.state().streams.serves(*kind)).collect();
        assert!(kinds.len() >= 8, "{kinds:?}");
        for (id, kind) in kinds.iter().enumerate() {
            let mut wish = json!({ "op": "subscribe", "id": id, "kind": kind.name(), "rate_hz": 10 });
            if kind.has_instrument() {
                wish["instruments"] = json!("*");
            }
            reader.say(&wish).await;
        }
        let mut missing: std::collections::BTreeSet<String> = kinds.iter().map(|kind| kind.name().to_owned()).collect();
        missing.remove("alerts"); // a quiet market has none; `tests/alerts.rs` hears of some
        let (mut confirmed, began) = (0, Instant::now());
        while !missing.is_empty() || confirmed < kinds.len() {
            assert!(began.elapsed() < Duration::from_secs(15), "{missing:?}");
            let told = reader.text().await;
            match told["type"].as_str().unwrap() {
                "subscribed" => confirmed += 1,
                "update" => {
                    let kind = told["kind"].as_str().unwrap().to_owned();
                    let body = match kind.as_str() {
                        "metrics" => told["values"].as_object().is_some_and(|it| it.contains_key("mid")),
                        "book" => told["bids"].is_array() && told["asks"].is_array(),
                        "trades" => told["trades"].is_array(),
                        "relief" => told["sizes"].as_array().is_some_and(|sizes| sizes.len() > 50),
                        "status" => told["status"]["counters"].is_object() || told["status"]["frames"].is_u64(),
                        "profile" => told["session"].is_array() && told["rolling_seconds"] == 180,
                        "fault" => told["faults"].is_array(),
                        "clock" => told["clock"]["mode"]["kind"] == "demo",
                        other => told[other].is_object(),
                    };
                    if body {
                        missing.remove(&kind);
                    }
                }
                other => panic!("{other}: {told}"),
            }
        }
        let twice = json!({ "op": "subscribe", "id": 77, "kind": "book", "instruments": [ID] });
        reader.say(&twice).await;
        let told = loop {
            let told = reader.text().await;
            if told["id"] == 77 {
                break told;
            }
        };
        assert_eq!((&told["type"], &told["status"]), (&json!("error"), &json!(409)));
        reader.say(&json!({ "op": "unsubscribe", "id": 1 })).await;
        while reader.text().await["type"] != "unsubscribed" {}

        oversize(&demo).await;
    });
    demo.end();
}

/// Messages that are too large or too many end their own connection, and no other.
async fn oversize(demo: &Demo) {
    let mut reader = Reader::greeted(demo.address, "").await;
    let _ = reader.socket.send(Message::text("x".repeat(100_000))).await; // may be refused while it is sent
    assert!(is_ended(&mut reader).await, "an oversize message");

    let mut reader = Reader::greeted(demo.address, "").await;
    let _ = reader.socket.send(Message::binary(vec![0; 10])).await;
    assert!(is_ended(&mut reader).await, "a message of bytes");

    let mut reader = Reader::greeted(demo.address, "").await;
    for _ in 0..300 {
        if reader.socket.send(Message::text(r#"{"op":"ping"}"#)).await.is_err() {
            break;
        }
    }
    assert!(is_ended(&mut reader).await, "too many messages");

    let mut plain = TcpStream::connect(demo.address).await.unwrap();
    let request = format!("GET /api/v1/stream HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", demo.address);
    plain.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    plain.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 4") && answer.contains("websocket-only"), "{answer}");
}

async fn is_ended(reader: &mut Reader) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until {
        match tokio::time::timeout(Duration::from_secs(5), reader.socket.next()).await {
            Ok(None | Some(Err(_) | Ok(Message::Close(_)))) => return true,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
    false
}
