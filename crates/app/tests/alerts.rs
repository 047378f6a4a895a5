//! Alerts over the API, over restarts and from their evidence.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/api.rs"]
mod api;

use api::{ALERT, KNOWN, Rig};
use axum::http::{HeaderMap, StatusCode};
use fathometer::alerts::Alerts;
use fathometer::alerts::evidence;
use fathometer::alerts::vault::Vault;
use fathometer::live::state::State;
use fathometer::runner::Runner;
use fathometer::view::{Mode, View};
use fathometer_edge::recording;
use fathometer_engine::alert::{Alert, State as Stage};
use fathometer_engine::engine::Config;
use fathometer_engine::input::{Body, Input, Leg, LinkId, NO_LINK};
use fathometer_engine::instrument::Venue;
use fathometer_engine::metric::catalogue;
use fathometer_engine::output::Output;
use fathometer_engine::units::Nanos;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn post(rig: &Rig, path: &str, body: &Value) -> api::Answer {
    rig.ask("POST", path, &[("Content-Type", "application/json")], body.to_string().as_bytes())
}

#[test]
fn an_alert_is_listed_acknowledged_noted_and_resolved() {
    let rig = Rig::new();
    let listed = rig.json("/api/v1/alerts?state=open&severity=warning&detector=crossed&instrument=OKX:BTC-USDT");
    assert_eq!((listed["alerts"].as_array().unwrap().len(), &listed["more"]), (1, &json!(0)));
    let alert = &listed["alerts"][0];
    assert_eq!((&alert["id"], &alert["state"], &alert["instrument"]), (&json!(ALERT), &json!("firing"), &json!(KNOWN)));
    assert_eq!(alert["evidence"][0], json!({ "name": "overlap_bps", "value": 1.5, "cut": 0.0, "zscore": 2.5 }));
    for none in ["state=resolved", "severity=critical", "instrument=binance:BTCUSDT", "since=9e12"] {
        assert_eq!(rig.json(&format!("/api/v1/alerts?{none}"))["alerts"], json!([]), "{none}");
    }
    for wrong in ["state=fired", "severity=bad", "detector=x", "limit=0"] {
        assert_eq!(rig.get(&format!("/api/v1/alerts?{wrong}")).problem(), "malformed", "{wrong}");
    }
    let path = |act: &str| format!("/api/v1/alerts/{ALERT}/{act}");
    let ann = json!({ "by": "ann", "note": "looking" });
    let told = post(&rig, &path("acknowledge"), &ann).json();
    assert_eq!((&told["state"], &told["acknowledged"]["by"]), (&json!("acknowledged"), &json!("ann")));
    assert_eq!(told["notes"][0]["text"], "looking");
    assert_eq!(post(&rig, &path("note"), &json!({ "by": "ben" })).problem(), "malformed");
    assert_eq!(post(&rig, &path("note"), &json!({ "by": "ben", "note": "b" })).json()["notes"][1]["by"], "ben");
    assert_eq!(post(&rig, &path("resolve"), &json!({ "by": "ben" })).json()["closed"]["by"], "ben");
    let again = post(&rig, &path("resolve"), &json!({ "by": "ben" }));
    assert_eq!((again.status, again.problem().as_str()), (409, "alert-state"));
    assert_eq!(rig.json("/api/v1/alerts")["counts"]["resolved"], 1);
    assert_eq!(rig.get(&path("evidence")).problem(), "no-evidence");
    assert_eq!(rig.get("/api/v1/alerts/zz").problem(), "unknown-alert");
    assert_eq!(post(&rig, "/api/v1/alerts/ffffffffffffffff/note", &ann).problem(), "unknown-alert");
    // Other sites' pages may not act.
    let foreign = rig.ask("POST", &path("note"), &[("Origin", "http://evil.example")], ann.to_string().as_bytes());
    assert_eq!(foreign.status, 403);
}

#[test]
fn detectors_board_and_counters_are_told() {
    let rig = Rig::new();
    let told = rig.json("/api/v1/detectors");
    let crossed = told["detectors"].as_array().unwrap().iter().find(|it| it["id"] == "crossed").unwrap().clone();
    assert_eq!((&crossed["params"]["warning_ms"], &crossed["family"]), (&json!(1_000), &json!("pricing")));
    let board = rig.json("/api/v1/board");
    let known = board["instruments"].as_array().unwrap().iter().find(|it| it["id"] == KNOWN).unwrap().clone();
    assert!(known["values"]["spread_bps"].is_number(), "{known}");
    let columns = rig.json("/api/v1/catalogue")["columns"].clone();
    for name in known["values"].as_object().unwrap().keys() {
        assert!(columns.as_array().unwrap().iter().any(|column| column["id"] == **name), "{name} is no column");
    }
    let metrics = String::from_utf8(rig.get("/metrics").body).unwrap();
    assert!(metrics.contains(r#"fathometer_alerts_firing{severity="warning",detector="crossed"} 1"#), "{metrics}");
    assert!(metrics.contains(r#"fathometer_alerts_total{severity="warning",detector="crossed"} 1"#));
}

/// A book of OKX that is fine for `calm` seconds, then crossed for a minute, then fine again for another.
fn inputs(calm: i64, each: &mut dyn FnMut(&Input<'_>)) {
    const BEGIN: i64 = 1_760_000_000_000_000_000;
    let at = |tenth: i64| Nanos(BEGIN + tenth * 100_000_000);
    let link = LinkId(0);
    let book = |action: &str, bid: &str, size: &str, id: i64, before: i64, ms: i64| {
        format!(
            r#"{{"arg":{{"channel":"books","instId":"BTC-USDT"}},"action":"{action}","data":[{{"asks":[["101.0","50","0","1"]],"bids":[["{bid}","{size}","0","1"]],"ts":"{ms}","checksum":0,"seqId":{id},"prevSeqId":{before}}}]}}"#
        )
    };
    let url = "wss://ws.okx.com:8443/ws/v5/public";
    each(&Input { at: at(0), link, body: Body::Open { venue: Venue::Okx, leg: Leg::A, url } });
    for tenth in 0..(calm + 120) * 10 {
        let (second, at) = (tenth / 10 - calm, at(tenth));
        let ms = at.0 / 1_000_000;
        let text = match tenth {
            0 => Some(book("snapshot", "99.0", "10", 1, -1, ms)),
            _ if tenth % 5 != 0 => None,
            _ => {
                let size = if (0..60).contains(&second) { "3" } else { "0" };
                Some(book("update", "102.0", size, tenth / 5 + 1, tenth / 5, ms))
            }
        };
        match text {
            Some(text) => each(&Input { at, link, body: Body::Text(text.as_bytes()) }),
            None => each(&Input { at, link: NO_LINK, body: Body::Tick }),
        }
    }
}

fn config() -> Config {
    Config { instruments: vec![(Venue::Okx, "BTC-USDT".into())], ..Config::default() }
}

/// Everything that is said of alerts over these inputs.
struct Run {
    alerts: Arc<Alerts>,
    said: Vec<Alert>,
}

fn run(folder: &Path, calm: i64) -> Run {
    let view = View::new(Mode::Demo { seed: 1 }, &catalogue(&config().metrics));
    let hub = State::new(view).hub;
    let vault = Vault::open(Some(folder), None, false).unwrap().unwrap();
    let (mut evidence, watchman) = vault.begin(&hub.alerts, &config()).unwrap();
    let (mut runner, mut said) = (Runner::new(config()), Vec::new());
    inputs(calm, &mut |input| {
        evidence.append(input, &runner.engine);
        runner.step(input);
        hub.apply(runner.outbox());
        evidence.hear(runner.outbox());
        said.extend(runner.outbox().items.iter().filter_map(|output| match output {
            Output::Alert(alert) => Some((**alert).clone()),
            _ => None,
        }));
    });
    drop(evidence);
    drop(watchman);
    Run { alerts: hub.alerts.clone(), said }
}

#[test]
fn every_alert_is_raised_again_by_its_evidence() {
    // Before the first state, within the first minute, and far behind it.
    for calm in [5, 45, 200] {
        let folder = tempfile::tempdir().unwrap();
        let run = run(folder.path(), calm);
        let fired: Vec<&Alert> =
            run.said.iter().filter(|it| it.state == Stage::Firing && it.fired == Some(it.at)).collect();
        assert!(!fired.is_empty(), "{:?}", run.said);
        for alert in fired {
            let file = evidence::file(&folder.path().join("evidence"), alert.id);
            let mut source = recording::open(&[&file]).unwrap();
            let header = source.header().unwrap().to_vec();
            let mut runner = Runner::new(serde_json::from_slice(&header).unwrap());
            let (mut again, mut first, mut last) = (false, None, Nanos(0));
            while let Some(input) = source.next().unwrap() {
                runner.step(&input);
                (first, last) = (first.or(Some(input.at)), input.at);
                again |= runner.outbox().items.iter().any(|it| matches!(it, Output::Alert(it) if **it == *alert));
            }
            assert!(again, "{alert:?} after {calm} s");
            let (first, fired) = (first.unwrap(), alert.at);
            let before = fired.since(first) / 1_000_000_000;
            assert!((60.min(calm)..=95).contains(&before) && last.since(fired) >= 29_500_000_000, "{before} {last:?}");
            let replay = Command::new(env!("CARGO_BIN_EXE_fathometer")).arg("replay").arg(&file).arg("--json").output();
            let told: Value = serde_json::from_slice(&replay.unwrap().stdout).unwrap();
            assert_eq!(told["evidence"]["identical"], true, "{told}");
            assert_eq!(told["alerts"][0]["id"], alert.id.to_string());
        }
    }
}

#[test]
fn over_a_restart_alerts_stay_and_are_not_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let first = run(folder.path(), 5);
    let ids = |alerts: &Alerts| alerts.lock().all().map(|entry| (entry.id, entry.saved)).collect::<Vec<_>>();
    assert!(!ids(&first.alerts).is_empty() && ids(&first.alerts).iter().all(|(_, saved)| *saved));
    let told = first.alerts.lock().all().next().unwrap().clone();
    assert!(told.resolved.is_some(), "{told:?}");
    // The same market again: the same numbers, so the same alerts.
    let second = run(folder.path(), 5);
    assert_eq!(ids(&first.alerts), ids(&second.alerts));
}

/// Whoever is told over HTTP: the keys of what came, in order.
struct Ear {
    address: SocketAddr,
    keys: Arc<Mutex<Vec<String>>>,
    alive: Arc<AtomicBool>,
    _runtime: tokio::runtime::Runtime,
}

impl Ear {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (keys, alive) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(true)));
        let (heard, lives) = (keys.clone(), alive.clone());
        let answer = move |headers: HeaderMap| async move {
            if !lives.load(Ordering::Relaxed) {
                return StatusCode::BAD_GATEWAY;
            }
            heard.lock().unwrap().push(headers["idempotency-key"].to_str().unwrap().to_owned());
            StatusCode::OK
        };
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let router = axum::Router::new().fallback(answer);
        runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Ear { address, keys, alive, _runtime: runtime }
    }

    /// Numbers of alerts that were told to fire, each once.
    fn fired(&self) -> BTreeSet<String> {
        let keys = self.keys.lock().unwrap();
        keys.iter().filter(|key| key.contains("-firing-")).map(|key| key[..16].to_owned()).collect()
    }
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(90), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What stands in the journal: number, instrument, detector, key, whether it is over.
fn journal(folder: &Path) -> Vec<(String, String, bool)> {
    let text = std::fs::read_to_string(folder.join("alerts.jsonl")).unwrap_or_default();
    let mut last: Vec<(String, String, bool)> = Vec::new();
    for line in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let id = line["id"].as_str().unwrap().to_owned();
        let thing = format!("{} {} {}", line["instrument"], line["detector"], line["key"]);
        last.retain(|(known, ..)| *known != id);
        last.push((id, thing, !line["resolved"].is_null()));
    }
    last
}

#[test]
fn killed_in_the_middle_with_a_dead_webhook_nothing_is_lost_or_told_under_a_new_number() {
    let (folder, ear) = (tempfile::tempdir().unwrap(), Ear::new());
    let (state, config) = (folder.path().join("state"), folder.path().join("config"));
    std::fs::create_dir(&config).unwrap();
    let hook = format!(
        "{{ kind: webhook, url: 'http://{}/', secret_env: TEST_SECRET, severity: info, retry_seconds_max: 1 }}",
        ear.address
    );
    std::fs::write(config.join("alerts.yaml"), format!("delivery:\n  ear: {hook}\n")).unwrap();
    let start = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fathometer"));
        command.args(["demo", "--headless", "--listen", "off", "--fault", "gap:every=2s", "--state"]).arg(&state);
        command.arg("--config").arg(&config).env("TEST_SECRET", "s").stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let mut first = start();
    until("the first alert is told", || !ear.fired().is_empty());
    ear.alive.store(false, Ordering::Relaxed);
    std::thread::sleep(Duration::from_secs(3));
    first.kill().unwrap(); // SIGKILL
    first.wait().unwrap();
    let before = journal(&state);
    let open: Vec<_> = before.iter().filter(|(.., over)| !over).collect();
    assert!(!before.is_empty());
    let mut second = start();
    std::thread::sleep(Duration::from_secs(3));
    ear.alive.store(true, Ordering::Relaxed);
    until("everything written down before is told", || before.iter().all(|(id, ..)| ear.fired().contains(id)));
    std::thread::sleep(Duration::from_secs(15));
    second.kill().unwrap();
    second.wait().unwrap();
    let after = journal(&state);
    for (id, thing, _) in &before {
        assert!(after.iter().any(|(known, ..)| known == id), "{id} of {thing} is lost");
    }
    // What was open went on under its number: no other alert of the same thing fires beside it.
    for (id, thing, _) in open {
        let (.., over) = after.iter().find(|(known, ..)| known == id).unwrap();
        let others = after
            .iter()
            .filter(|(known, same, _)| known != id && same == thing && !before.iter().any(|(it, ..)| it == known));
        assert!(*over || others.count() == 0, "{thing} fires under two numbers: {after:?}");
    }
    let keys = ear.keys.lock().unwrap();
    let once: BTreeSet<&String> = keys.iter().collect();
    assert!(keys.len() <= once.len() + 1, "at most what was under way at the kill is told twice: {keys:?}");
}
