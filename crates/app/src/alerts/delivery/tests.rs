//! Against a local server: signatures that hold, sinks that are dead for a while, restarts with messages waiting.

use super::*;
use crate::alerts::store::Store;
use crate::alerts::vault::Vault;
use axum::Router;
use axum::body::Bytes as Body;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode, Uri};
use fathometer_engine::alert::{Alert, AlertId, State};
use fathometer_engine::detector::Measure;
use fathometer_engine::engine::Config;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::units::Nanos;
use serde_json::{Value as Json, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};
use tokio::runtime::Runtime;

const KEY: &str = "only-the-two-of-us-know";

/// Whoever is told: answers with a status, remembers what it took.
#[derive(Default)]
struct Ear {
    status: AtomicU16,
    asked: AtomicU16,
    taken: Mutex<Vec<(String, HeaderMap, Vec<u8>)>>,
}

async fn listen(Shared(ear): Shared<Arc<Ear>>, uri: Uri, headers: HeaderMap, body: Body) -> StatusCode {
    ear.asked.fetch_add(1, Ordering::Relaxed);
    let status = StatusCode::from_u16(ear.status.load(Ordering::Relaxed)).unwrap();
    if status.is_success() {
        ear.taken.lock().unwrap().push((uri.to_string(), headers, body.to_vec()));
    }
    status
}

struct Stage {
    runtime: Runtime,
    ear: Arc<Ear>,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let ear = Arc::new(Ear::default());
        ear.status.store(200, Ordering::Relaxed);
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(listen).with_state(ear.clone());
        runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), format!("{KEY}\n")).unwrap();
        Stage { runtime, ear, address, folder }
    }

    fn sink(&self, kind: SinkKind) -> Sink {
        Sink {
            name: "desk".into(),
            kind,
            url: Some(Value::Plain(format!("http://{}/hook/x?y=1", self.address))),
            secret: Some(Value::File(self.folder.path().join("key"))),
            chat: Some("-100".into()),
            severity: Severity::Warning,
            retry_seconds_max: 0.2,
        }
    }

    fn tell(&self, kind: SinkKind, alerts: &Arc<Alerts>) {
        Senders::of(&[self.sink(kind)], &DialOptions::default()).unwrap().begin(alerts, self.runtime.handle());
    }

    /// What was taken, once there are so many.
    fn taken(&self, count: usize) -> Vec<(String, HeaderMap, Vec<u8>)> {
        for _ in 0..1_000 {
            if self.ear.taken.lock().unwrap().len() >= count {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_millis(100)); // time for one too many
        let taken = self.ear.taken.lock().unwrap().clone();
        assert_eq!(taken.len(), count, "{:?}", taken.iter().map(|it| &it.0).collect::<Vec<_>>());
        taken
    }
}

fn says(id: u64, state: State, severity: Severity) -> Alert {
    Alert {
        id: AlertId(id),
        at: Nanos(9_000_000_000),
        instrument: InstrumentId(0),
        detector: 0,
        key: id,
        severity,
        state,
        since: Nanos(1_000_000_000),
        fired: Some(Nanos(5_000_000_000)),
        count: 1,
        text: "bids < asks & @everyone".into(),
        evidence: vec![Measure::new("overlap_bps", 1.5, Some(0.0)).with_zscore(2.5)],
    }
}

fn fires(alerts: &Alerts, id: u64) {
    alerts.lock().take(&says(id, State::Firing, Severity::Warning), "okx:BTC-USDT");
    alerts.wake();
}

/// What one kind sends of an alert that fires and is over.
fn of(kind: SinkKind) -> Vec<(String, HeaderMap, Json)> {
    let stage = Stage::new();
    let alerts = Arc::<Alerts>::default();
    fires(&alerts, 7);
    stage.tell(kind, &alerts);
    stage.taken(1);
    alerts.lock().take(&says(7, State::Resolved, Severity::Warning), "okx:BTC-USDT");
    alerts.wake();
    let taken = stage.taken(2);
    taken.into_iter().map(|(uri, headers, body)| (uri, headers, serde_json::from_slice(&body).unwrap())).collect()
}

#[test]
fn a_webhook_is_signed_over_time_and_body() {
    let stage = Stage::new();
    let alerts = Arc::<Alerts>::default();
    fires(&alerts, 7);
    stage.tell(SinkKind::Webhook, &alerts);
    let (uri, headers, body) = stage.taken(1).remove(0);
    assert_eq!(uri, "/hook/x?y=1");
    let signature = headers["fathometer-signature"].to_str().unwrap();
    let (time, code) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    assert!((clock::now().0 / 1_000_000_000 - time.parse::<i64>().unwrap()).abs() <= 60, "{time}");
    assert_eq!(code, hmac::hmac_sha256(KEY.as_bytes(), &[format!("{time}.").as_bytes(), &body]));
    assert_ne!(code, hmac::hmac_sha256(b"another", &[format!("{time}.").as_bytes(), &body]));
    let told: Json = serde_json::from_slice(&body).unwrap();
    assert_eq!((&told["event"], &told["dedup_key"]), (&json!("firing"), &json!("0000000000000007")));
    assert_eq!(told["alert"]["evidence"][0]["zscore"], 2.5);
    assert_eq!(headers["idempotency-key"], "0000000000000007-firing-warning");
}

#[test]
fn every_form_is_as_its_receiver_wants_it() {
    let slack = of(SinkKind::Slack);
    let text = slack[0].2["text"].as_str().unwrap();
    assert!(text.contains("bids &lt; asks &amp; @everyone") && text.contains("cut 0"), "{text}");
    assert!(slack[1].2["text"].as_str().unwrap().starts_with("[resolved]"));
    let discord = of(SinkKind::Discord);
    assert_eq!(discord[0].2["allowed_mentions"], json!({ "parse": [] }));
    let telegram = of(SinkKind::Telegram);
    assert_eq!(telegram[0].2["chat_id"], "-100");
    assert!(telegram[0].0.ends_with(&format!("/bot{KEY}/sendMessage")), "{}", telegram[0].0);
    let duty = of(SinkKind::Pagerduty);
    assert!(duty[0].0.ends_with("/v2/enqueue"));
    let actions: Vec<&Json> = duty.iter().map(|it| &it.2["event_action"]).collect();
    assert_eq!(actions, ["trigger", "resolve"]);
    assert_eq!((&duty[0].2["routing_key"], &duty[0].2["dedup_key"]), (&json!(KEY), &duty[1].2["dedup_key"]));
    assert_eq!(duty[0].2["payload"]["severity"], "warning");
    let manager = of(SinkKind::Alertmanager);
    assert_eq!(manager[0].2[0]["labels"], manager[1].2[0]["labels"]);
    assert_eq!(manager[0].2[0]["startsAt"], "1970-01-01T00:00:05.000000000Z");
    assert!(manager[0].2[0]["endsAt"].as_str() > manager[1].2[0]["endsAt"].as_str());
    assert_eq!(manager[0].1["authorization"], format!("Bearer {KEY}"));
}

#[test]
fn a_dead_webhook_loses_nothing_and_learns_of_everything_once() {
    let stage = Stage::new();
    stage.ear.status.store(503, Ordering::Relaxed);
    let alerts = Arc::<Alerts>::default();
    stage.tell(SinkKind::Webhook, &alerts);
    for id in 1..=5 {
        fires(&alerts, id);
    }
    alerts.lock().take(&says(2, State::Resolved, Severity::Warning), "okx:BTC-USDT");
    alerts.lock().take(&says(3, State::Firing, Severity::Critical), "okx:BTC-USDT");
    alerts.wake();
    while stage.ear.asked.load(Ordering::Relaxed) < 3 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let (_, health) = alerts.sinks()["desk"].clone();
    assert!(health.failed >= 2 && health.sent == 0, "{health:?}");
    let error = health.last_error.unwrap();
    assert!(error.contains("503") && !error.contains("hook"), "{error}");
    assert_eq!(alerts.lock().owed_count("desk", Severity::Warning), 5);
    stage.ear.status.store(204, Ordering::Relaxed);
    let keys = |taken: &[(String, HeaderMap, Vec<u8>)]| -> Vec<String> {
        taken.iter().map(|it| it.1["idempotency-key"].to_str().unwrap().trim_start_matches('0').to_owned()).collect()
    };
    let expected = [
        "1-firing-warning",
        "2-firing-warning",
        "2-resolved-warning",
        "3-firing-critical",
        "4-firing-warning",
        "5-firing-warning",
    ];
    assert_eq!(keys(&stage.taken(6)), expected);
}

fn opened(folder: &Path) -> (Arc<Alerts>, impl Drop) {
    struct Both(
        #[allow(dead_code)] crate::alerts::evidence::Evidence,
        #[allow(dead_code)] crate::alerts::vault::Watchman,
    );
    impl Drop for Both {
        fn drop(&mut self) {}
    }
    let alerts = Arc::<Alerts>::default();
    let vault = Vault::open(Some(folder), None, false).unwrap().unwrap();
    let (evidence, watchman) = vault.begin(&alerts, &Config::default()).unwrap();
    (alerts, Both(evidence, watchman))
}

#[test]
fn after_a_restart_it_goes_on_where_it_stopped() {
    let state = tempfile::tempdir().unwrap();
    let stage = Stage::new();
    {
        let (alerts, open) = opened(state.path());
        stage.tell(SinkKind::Webhook, &alerts);
        fires(&alerts, 1);
        stage.taken(1);
        stage.ear.status.store(500, Ordering::Relaxed);
        fires(&alerts, 2);
        let asked = stage.ear.asked.load(Ordering::Relaxed);
        while stage.ear.asked.load(Ordering::Relaxed) < asked + 2 {
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(open);
    }
    // The senders of the first run are gone with it.
    let later = Stage::new();
    let (alerts, _open) = opened(state.path());
    fires(&alerts, 1); // found again, and known
    later.tell(SinkKind::Webhook, &alerts);
    let taken = later.taken(1);
    assert_eq!(taken[0].1["idempotency-key"], "0000000000000002-firing-warning");
}

#[test]
fn what_is_refused_for_good_does_not_hold_up_the_rest() {
    let stage = Stage::new();
    stage.ear.status.store(422, Ordering::Relaxed);
    let alerts = Arc::<Alerts>::default();
    stage.tell(SinkKind::Webhook, &alerts);
    fires(&alerts, 1);
    while alerts.sinks()["desk"].1.refused == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    stage.ear.status.store(200, Ordering::Relaxed);
    fires(&alerts, 2);
    assert_eq!(stage.taken(1)[0].1["idempotency-key"], "0000000000000002-firing-warning");
}

#[test]
fn a_secret_that_is_not_there_is_told_by_its_place_alone() {
    let stage = Stage::new();
    let missing = Sink { secret: Some(Value::Env("NO_SUCH_SECRET".into())), ..stage.sink(SinkKind::Webhook) };
    let wrong = Sink { url: Some(Value::File(stage.folder.path().join("key"))), ..stage.sink(SinkKind::Slack) };
    for (sink, part) in [(missing, "NO_SUCH_SECRET is not set"), (wrong, "`delivery.desk`: the address is none")] {
        let Err(failure) = Senders::of(&[sink], &DialOptions::default()) else { panic!("{part}") };
        assert!(failure.text.contains(part) && !failure.text.contains(KEY), "{failure}");
    }
    let store = Store::default();
    assert!(store.owed("desk", Severity::Info).is_none());
}
