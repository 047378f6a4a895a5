//! Latency, system, metrics for Prometheus and the replay beside a live run, over a real socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/api.rs"]
mod api;

use api::{KNOWN, Rig};
use fathometer::api::limits::Limits;
use fathometer::cli::serve::ServeArgs;
use fathometer::monitor::laps::Laps;
use fathometer::player::booth::Booth;
use fathometer_edge::tape::{Options, Writer};
use fathometer_engine::engine::Config;
use fathometer_engine::input::{Body, Input, Leg, LinkId};
use fathometer_engine::instrument::Venue;
use fathometer_engine::units::Nanos;
use serde_json::{Value, json};
use std::path::Path;

const BEGAN_MS: i64 = 1_723_161_255_000;

fn at(millis: i64) -> Nanos {
    Nanos((BEGAN_MS + millis) * 1_000_000)
}

/// Ten books of OKX, one a second; update n has a best bid of n.
fn record(folder: &Path) {
    let config = Config { instruments: vec![(Venue::Okx, "BTC-USDT".into())], ..Config::default() };
    let header = serde_json::to_vec(&config).unwrap();
    let mut writer = Writer::create(folder, Options { header, ..Options::default() }).unwrap();
    let link = LinkId(0);
    let url = "wss://ws.okx.com:8443/ws/v5/public";
    writer.append(&Input { at: at(0), link, body: Body::Open { venue: Venue::Okx, leg: Leg::A, url } }).unwrap();
    for number in 1..=10 {
        let (action, before) = if number == 1 { ("snapshot", -1) } else { ("update", number - 1) };
        let text = format!(
            r#"{{"arg":{{"channel":"books","instId":"BTC-USDT"}},"action":"{action}","data":[{{"asks":[["99","1","0","1"]],"bids":[["{number}","1","0","1"]],"ts":"{}","checksum":0,"seqId":{number},"prevSeqId":{before}}}]}}"#,
            BEGAN_MS + number * 1_000 - 7,
        );
        writer.append(&Input { at: at(number * 1_000), link, body: Body::Text(text.as_bytes()) }).unwrap();
        writer.append(&Input { at: at(number * 1_000 + 300), link, body: Body::Tick }).unwrap();
    }
    writer.append(&Input { at: at(11_000), link, body: Body::Close { reason: "stopped" } }).unwrap();
    writer.close().unwrap();
}

fn post(rig: &Rig, order: &Value) -> api::Answer {
    let body = serde_json::to_vec(order).unwrap();
    rig.ask("POST", "/api/v1/replay", &[("Content-Type", "application/json")], &body)
}

fn ordered(rig: &Rig, order: &Value) -> Value {
    let answer = post(rig, order);
    assert_eq!(answer.status, 200, "{order}: {answer:?}");
    answer.json()
}

#[test]
fn latency_is_told_by_stage_with_histogram_and_line() {
    let rig = Rig::new();
    {
        let mut latency = rig.state.latency();
        for millis in (0..3_000).step_by(10) {
            latency.turn(at(millis));
            let then = |micros: i64| at(millis).plus(micros * 1_000);
            latency.work(then(0), then(20), then(23), then(24), &Laps::default());
        }
        latency.turn(at(3_000));
    }
    let told = rig.json("/api/v1/latency");
    let stages = told["stages"].as_array().unwrap();
    let ids: Vec<&str> = stages.iter().map(|stage| stage["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["network", "network_corrected", "queue", "decode", "book", "metrics", "publish"]);
    for stage in stages {
        let unit = if stage["id"].as_str().unwrap().starts_with("network") { "ms" } else { "us" };
        assert_eq!(stage["unit"], unit);
        assert!(stage["help"].as_str().unwrap().len() > 20);
        let counts = stage["histogram"]["counts"].as_array().unwrap();
        let edges = stage["histogram"]["edges"].as_array().unwrap();
        assert_eq!(edges.len(), if counts.is_empty() { 0 } else { counts.len() + 1 });
        let sum: u64 = counts.iter().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(stage["count"], sum);
        for quantile in ["p50", "p90", "p99", "p999", "max"] {
            assert_eq!(stage[quantile].is_null(), sum == 0, "{quantile} of {stage}");
            assert_eq!(stage["since_start"][quantile].is_null(), sum == 0);
        }
    }
    assert_eq!(stages[2]["count"], 300);
    assert!((stages[2]["p50"].as_f64().unwrap() - 20.0).abs() < 2.0, "{}", stages[2]);
    assert_eq!(told["line"]["at_ms"].as_array().unwrap().len(), 3);
    let line = &rig.json("/api/v1/latency?line_seconds=2")["line"];
    for (name, column) in line["columns"].as_object().unwrap() {
        assert_eq!(column.as_array().unwrap().len(), 2, "{name}");
    }
    assert_eq!(line["columns"]["frames_per_second"], json!([100.0, 100.0]));
}

#[test]
fn the_system_is_told_with_nulls_where_nothing_is_known() {
    let rig = Rig::new();
    let moment = rig.state.moment();
    rig.state.system().take(moment);
    let told = rig.json("/api/v1/system");
    assert!(told["memory_mb"].as_f64().unwrap() > 1.0 && told["threads"].as_u64().unwrap() >= 1, "{told}");
    for absent in ["memory_baseline_mb", "memory_growth_percent", "tape", "bandwidth_bytes_per_second"] {
        assert!(told[absent].is_null(), "{absent}: {told}");
    }
    assert_eq!((&told["memory_alert"], &told["links"]), (&json!(false), &json!([])));
    let known = told["books"].as_array().unwrap().iter().find(|book| book["id"] == KNOWN).unwrap();
    assert_eq!((&known["validity"], &known["gaps"], &known["recovery_ms"]), (&json!("live"), &json!(0), &Value::Null));
    assert_eq!(told["readers"], json!({ "connected": 0, "conflated": 0, "cut": 0 }));
    assert_eq!(told["line"]["columns"]["memory_mb"].as_array().unwrap().len(), 1);
    assert_eq!(rig.get("/api/v1/system?line_seconds=many").problem(), "malformed");
}

#[test]
fn prometheus_is_answered_in_the_form_it_asks_for() {
    let rig = Rig::new();
    let classic = rig.get("/metrics");
    assert!(classic.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    assert!(classic.text().contains("\n# TYPE fathometer_frames_total counter\n"));
    let accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
    let open = rig.ask("GET", "/metrics", &[("Accept", accept)], b"");
    assert!(open.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    assert!(open.text().ends_with("# EOF\n"));
    let valid = format!("fathometer_book_valid{{exchange=\"okx\",instrument=\"{KNOWN}\",symbol=\"BTC-USDT\"}} 1");
    assert!(open.text().contains(&valid), "{}", open.text());
    assert!(!open.text().contains("fathometer_market_mid{exchange=\"binance\""), "nothing was heard of it");
}

#[test]
fn a_recording_is_opened_moved_in_read_and_closed() {
    let folder = tempfile::tempdir().unwrap();
    record(&folder.path().join("monday"));
    let booth = Booth::beside(Some(folder.path().to_path_buf()), Config::default());
    let rig = Rig::playing(ServeArgs::default(), Limits::default(), booth);
    let listed = rig.json("/api/v1/recordings");
    assert_eq!(listed["recordings"][0]["name"], "monday");
    assert_eq!(listed["recordings"][0]["kind"], "tape");
    assert_eq!(listed["recordings"][0]["from"], "2024-08-08T23:54:15.000000000Z");
    assert_eq!(rig.json("/api/v1/replay")["open"], false);
    let book = format!("/api/v1/instruments/{KNOWN}/book?source=replay");
    assert_eq!(rig.get(&book).problem(), "no-replay");
    assert_eq!(post(&rig, &json!({ "action": "play" })).problem(), "no-replay");
    for name in ["../monday", "monday/", "/etc/passwd", "", "tuesday"] {
        assert_eq!(post(&rig, &json!({ "action": "open", "name": name })).problem(), "unknown-recording", "{name}");
    }

    let opened = ordered(&rig, &json!({ "action": "open", "name": "monday" }));
    assert_eq!((&opened["open"], &opened["state"], &opened["frame"]), (&json!(true), &json!("paused"), &json!(0)));
    let there = ordered(&rig, &json!({ "action": "seek", "at_ms": BEGAN_MS + 4_500 }));
    assert_eq!((&there["frame"], &there["at_ms"]), (&json!(4), &json!(BEGAN_MS as f64 + 4_300.0)));
    assert_eq!(rig.json(&book)["bids"][0][0], "4");
    let stepped = ordered(&rig, &json!({ "action": "step", "frames": 2 }));
    assert_eq!((&stepped["frame"], &stepped["state"]), (&json!(6), &json!("paused")));
    assert_eq!(rig.json(&book)["bids"][0][0], "6");
    // A time that was told is found again.
    let back = ordered(&rig, &json!({ "action": "seek", "at_ms": there["at_ms"] }));
    assert_eq!((&back["frame"], &back["at"]), (&json!(4), &there["at"]));
    assert_eq!(rig.json(&book)["bids"][0][0], "4");
    assert_eq!(rig.json("/api/v1/time?source=replay")["mode"]["kind"], "replay");
    assert_eq!(rig.json("/api/v1/time")["mode"]["kind"], "live", "the live run goes on");

    ordered(&rig, &json!({ "action": "speed", "speed": 0 }));
    ordered(&rig, &json!({ "action": "play" }));
    let mut ended = rig.json("/api/v1/replay");
    for _ in 0..500 {
        if ended["state"] == "ended" && !ended["to_ms"].is_null() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
        ended = rig.json("/api/v1/replay");
    }
    assert_eq!((&ended["frame"], &ended["frames_known"]), (&json!(10), &json!(10)), "{ended}");
    assert_eq!(rig.json(&book)["bids"][0][0], "10", "not the empty book after the goodbye");
    assert_eq!(rig.json("/api/v1/latency?source=replay")["streams"][0]["exchange"], "okx");

    assert_eq!(ordered(&rig, &json!({ "action": "close" }))["open"], false);
    assert_eq!(rig.get(&book).problem(), "no-replay");
}

#[test]
fn orders_that_make_no_sense_are_refused_with_what_to_do() {
    let rig = Rig::new();
    assert_eq!(rig.json("/api/v1/recordings"), json!({ "folder": null, "recordings": [] }));
    assert_eq!(post(&rig, &json!({ "action": "open", "name": "monday" })).problem(), "no-recordings");
    for wrong in [json!([]), json!({}), json!({ "action": "rewind" }), json!({ "action": "speed", "speed": -1 })] {
        let answer = post(&rig, &wrong);
        assert_eq!((answer.status, answer.problem().as_str()), (400, "malformed"), "{wrong}");
        assert!(!answer.json()["remedy"].as_str().unwrap().is_empty());
    }
}
