//! Both forms say the same.

use crate::kit::{Demo, ID, Reader};
use fathometer_edge::clock;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::Message;

/// A binary frame in the words of JSON.
fn read(frame: &[u8], info: &Value, columns: &[String]) -> Value {
    let kinds = ["metrics", "book", "trades", "relief"];
    let int = |at: usize| i64::from_le_bytes(frame[at..at + 8].try_into().unwrap());
    let short = |at: usize| u16::from_le_bytes(frame[at..at + 2].try_into().unwrap()) as usize;
    let word = |at: usize| u32::from_le_bytes(frame[at..at + 4].try_into().unwrap());
    let decimals = |name: &str| info[name].as_u64().unwrap() as u8;
    let text = |units: i64, name: &str| json!(fathometer::api::stamp::decimal(units, decimals(name)));
    let price = |at: usize| text(int(at), "price_decimals");
    let size = |at: usize| text(int(at), "size_decimals");
    assert_eq!(frame[0], 1, "version");
    assert_eq!(u64::from(word(4)), info["index"].as_u64().unwrap());
    let kind = kinds[usize::from(frame[1]) - 1];
    let validity = fathometer::hub::code::VALIDITIES[usize::from(frame[3])];
    let mut told = json!({
        "type": "update", "kind": kind, "instrument": info["id"], "sequence": int(8), "snapshot": frame[2] == 1,
        "at_ms": int(16) as f64 / 1e6, "validity": serde_json::to_value(validity).unwrap(),
    });
    let body = told.as_object_mut().unwrap();
    let end = match kind {
        "metrics" => {
            let (mut values, mut reasons) = (json!({}), json!({}));
            for at in (0..short(24)).map(|n| 32 + n * 16) {
                let (name, reason) = (&columns[short(at)], frame[at + 2]);
                values[name] = json!(f64::from_le_bytes(frame[at + 8..at + 16].try_into().unwrap()));
                if reason > 0 {
                    values[name] = Value::Null;
                    let reason = fathometer::hub::code::REASONS[usize::from(reason) - 1];
                    reasons[name] = serde_json::to_value(reason).unwrap();
                }
            }
            body.extend([("values".to_owned(), values), ("reasons".to_owned(), reasons)]);
            32 + short(24) * 16
        }
        "book" => {
            let (bids, asks) = (short(24), short(26));
            let levels = |from: usize, count: usize| -> Value {
                (from..from + count).map(|n| json!([price(32 + n * 16), size(40 + n * 16)])).collect()
            };
            body.extend([("bids".to_owned(), levels(0, bids)), ("asks".to_owned(), levels(bids, asks))]);
            32 + (bids + asks) * 16
        }
        "trades" => {
            let trade = |at: usize| {
                json!({ "at_ms": int(at) as f64 / 1e6, "price": price(at + 8), "size": size(at + 16),
                    "side": if frame[at + 24] == 1 { "buy" } else { "sell" } })
            };
            body.insert("trades".to_owned(), (0..short(24)).map(|n| trade(32 + n * 32)).collect());
            32 + short(24) * 32
        }
        _ => {
            let best = |at: usize| if int(at) == i64::MIN { Value::Null } else { price(at) };
            let count = word(56) as usize;
            let sizes: Value = (0..count)
                .map(|n| f32::from_le_bytes(frame[64 + n * 4..68 + n * 4].try_into().unwrap()))
                .map(|size| size.to_string().parse::<f64>().unwrap())
                .collect();
            body.extend([
                ("row".to_owned(), price(24)),
                ("first".to_owned(), json!(int(32))),
                ("bid".to_owned(), best(40)),
                ("ask".to_owned(), best(48)),
                ("split".to_owned(), json!(word(60))),
                ("sizes".to_owned(), sizes),
            ]);
            64 + count * 4
        }
    };
    assert_eq!(end, frame.len(), "{kind}");
    told
}

/// Whether two messages say the same; numbers written as text may differ in their last digits when read back.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => one == other,
    }
}

#[test]
fn binary_says_what_json_says() {
    let demo = Demo::start();
    demo.runtime.block_on(async {
        let mut bytes = Reader::open(demo.address, "/api/v1/stream?format=binary").await;
        let hello = bytes.text().await;
        let info = hello["instruments"].as_array().unwrap().iter().find(|info| info["id"] == ID).unwrap().clone();
        let columns: Vec<String> = demo.state().view().columns.iter().map(|column| column.id.clone()).collect();
        let mut words = Reader::greeted(demo.address, "?format=json").await;
        let kinds = ["metrics", "book", "trades", "relief"];
        for (id, kind) in kinds.into_iter().enumerate() {
            bytes.subscribe(id as u64, kind, json!({ "rate_hz": 10 })).await;
            words.subscribe(id as u64, kind, json!({ "rate_hz": 10 })).await;
        }
        let mut said: BTreeMap<(String, u64), Value> = BTreeMap::new();
        let mut seen: BTreeMap<(String, u64), Value> = BTreeMap::new();
        let until = Instant::now() + Duration::from_secs(6);
        while Instant::now() < until {
            tokio::select! {
                message = bytes.next() => if let Message::Binary(frame) = message {
                    let told = read(&frame, &info, &columns);
                    seen.insert((told["kind"].as_str().unwrap().to_owned(), told["sequence"].as_u64().unwrap()), told);
                },
                mut told = words.text() => {
                    told.as_object_mut().unwrap().remove("last_update_id"); // JSON alone says it
                    said.insert((told["kind"].as_str().unwrap().to_owned(), told["sequence"].as_u64().unwrap()), told);
                },
            }
        }
        let mut compared: BTreeMap<&str, usize> = BTreeMap::new();
        for ((kind, sequence), told) in &said {
            // Who comes first gets a snapshot where the other gets the change.
            if let Some(other) = seen.get(&(kind.clone(), *sequence)).filter(|it| it["snapshot"] == told["snapshot"]) {
                assert!(same(told, other), "{told} is not {other}");
                *compared.entry(kind).or_default() += 1;
            }
        }
        for (kind, least) in [("metrics", 20), ("book", 20), ("trades", 3), ("relief", 12)] {
            assert!(compared.get(kind).is_some_and(|count| *count >= least), "{kind}: {compared:?}");
        }
        let store = demo.state().hub.lock();
        let id = fathometer_engine::instrument::InstrumentId(info["index"].as_u64().unwrap() as u32);
        let past = fathometer::api::stream::columns(&store, id, fathometer_engine::units::Nanos(0), clock::now());
        let (mut at, mut count) = (0, 0);
        while at < past.len() {
            let length = u32::from_le_bytes(past[at..at + 4].try_into().unwrap()) as usize;
            let told = read(&past[at + 4..at + 4 + length], &info, &columns);
            assert_eq!(told["kind"], "relief");
            (at, count) = (at + 4 + length, count + 1);
        }
        assert!(count >= 6, "{count} columns of history");
    });
    demo.end();
}
