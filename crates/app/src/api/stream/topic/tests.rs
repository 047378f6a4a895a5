//! What cursors find at their own pace.

use super::*;
use crate::hub::code::validity_name;
use crate::view::Column;
use fathometer_engine::instrument::{InstrumentId, Venue};
use fathometer_engine::metric::{Reason, Value};
use fathometer_engine::output::{Outbox, Output, Validity};
use fathometer_engine::venue::infer;
use serde_json::json;

const ID: InstrumentId = InstrumentId(0);

fn hub() -> Hub {
    let column = |id: &str| Column { id: id.into(), unit: "quote".into(), help: String::new() };
    let hub = Hub::new(&[column("mid"), column("spread")]);
    let info = Box::new(infer(Venue::Binance, "BTCUSDT"));
    hub.apply(&Outbox { items: vec![Output::Instrument { instrument: ID, info }], ..Outbox::default() });
    hub
}

fn sample(hub: &Hub, second: i64, mid: f64) {
    let values = vec![Value::Is(mid), Value::Absent(Reason::EmptySide)];
    let at = Nanos(second * NANOS_PER_SECOND);
    let items = vec![Output::Sample { at, instrument: ID, start: 0, len: 2 }];
    hub.apply(&Outbox { items, values, ..Outbox::default() });
}

fn topic(hub: &Hub, kind: Kind) -> Arc<Topic> {
    Arc::new(Topic::new(Key { kind, instrument: Some(ID), rate_hz: 10, depth: 5 }, hub, None))
}

fn pull(cursor: &mut Cursor) -> (Vec<serde_json::Value>, u64) {
    let mut out = Vec::new();
    let (skipped, _) = cursor.pull(&mut out);
    let read = |message: Message| serde_json::from_str(message.to_text().unwrap()).unwrap();
    (out.into_iter().map(read).collect(), skipped)
}

#[test]
fn a_snapshot_first_then_changes_and_only_what_changed() {
    let (hub, now) = (hub(), |tenth: i64| Nanos(tenth * NANOS_PER_SECOND / 10));
    let topic = topic(&hub, Kind::Metrics);
    let mut early = topic.join(Form::Text, Arc::default());
    assert_eq!(pull(&mut early).0, Vec::<serde_json::Value>::new(), "nothing was said yet");
    sample(&hub, 1, 5.5);
    assert!(topic.tick(&hub, now(1)));
    sample(&hub, 2, 6.5);
    assert!(topic.tick(&hub, now(2)));
    let head = |sequence: u64, snapshot: bool, at_ms: f64| {
        json!({ "type": "update", "kind": "metrics", "instrument": "binance:BTCUSDT", "sequence": sequence,
            "snapshot": snapshot, "at_ms": at_ms, "validity": validity_name(Validity::Empty) })
    };
    let with = |mut head: serde_json::Value, values: serde_json::Value, reasons: serde_json::Value| {
        head.as_object_mut().unwrap().extend([("values".to_owned(), values), ("reasons".to_owned(), reasons)]);
        head
    };
    let absent = || json!({ "spread": "empty_side" });
    let mut late = topic.join(Form::Text, Arc::default());
    let snapshot = with(head(2, true, 2_000.0), json!({ "mid": 6.5, "spread": null }), absent());
    assert_eq!(pull(&mut late), (vec![snapshot.clone()], 0));
    assert_eq!(pull(&mut early), (vec![snapshot], 0), "who reads for the first time begins with what is last");
    sample(&hub, 3, 7.5);
    assert!(topic.tick(&hub, now(3)));
    let change = with(head(3, false, 3_000.0), json!({ "mid": 7.5 }), json!({}));
    assert_eq!(pull(&mut late), (vec![change.clone()], 0));
    assert_eq!(pull(&mut early), (vec![change], 0));
    sample(&hub, 3, 7.5);
    assert!(!topic.tick(&hub, now(4)), "nothing has changed");
    sample(&hub, 4, 7.5);
    assert!(topic.tick(&hub, now(14)), "that newer data came is said after a second");
    assert_eq!(pull(&mut late), (vec![with(head(4, false, 4_000.0), json!({}), json!({}))], 0));
}

#[test]
fn who_falls_behind_the_ring_gets_a_snapshot_and_the_count() {
    let hub = hub();
    let topic = topic(&hub, Kind::Metrics);
    let (mut quick, mut slow) = (topic.join(Form::Text, Arc::default()), topic.join(Form::Text, Arc::default()));
    let say = |number: i64| {
        sample(&hub, number, number as f64);
        assert!(topic.tick(&hub, Nanos(number)));
    };
    say(1);
    assert_eq!((pull(&mut quick).0.len(), pull(&mut slow).0.len()), (1, 1));
    for number in 2..=1 + RING_MAX as i64 {
        say(number);
        assert_eq!(pull(&mut quick).0.len(), 1);
    }
    let (told, skipped) = pull(&mut slow);
    assert_eq!((told.len(), skipped), (RING_MAX, 0), "as much as the ring holds is no loss");
    for number in 0..=RING_MAX as i64 {
        say(100 + number);
    }
    let (told, skipped) = pull(&mut slow);
    assert_eq!((told.len(), told[0]["snapshot"].as_bool(), skipped), (1, Some(true), RING_MAX as u64));
    assert_eq!(told[0]["sequence"], 2 * RING_MAX as u64 + 2);
    say(200);
    assert_eq!(pull(&mut slow).0[0]["snapshot"], false, "and changes again from there");
}

#[test]
fn a_form_that_nobody_read_before_begins_with_a_snapshot() {
    let hub = hub();
    let topic = topic(&hub, Kind::Metrics);
    let mut words = topic.join(Form::Text, Arc::default());
    sample(&hub, 1, 1.0);
    assert!(topic.tick(&hub, Nanos(1)));
    let mut bytes = topic.join(Form::Binary, Arc::default());
    let mut out = Vec::new();
    bytes.pull(&mut out);
    let Some(Message::Binary(frame)) = out.pop() else { panic!("no frame") };
    assert_eq!((&frame[..4], frame.len()), (&[1, 1, 1, 1][..], 24 + 8 + 2 * 16));
    assert_eq!(pull(&mut words).0.len(), 1);
    assert!(topic.is_read());
    drop((words, bytes));
    assert!(!topic.is_read());
}

#[test]
fn new_units_and_a_new_beginning_begin_anew() {
    let hub = hub();
    let topic = topic(&hub, Kind::Book);
    let mut cursor = topic.join(Form::Text, Arc::default());
    assert!(topic.tick(&hub, Nanos(1)));
    let (told, _) = pull(&mut cursor);
    assert_eq!((&told[0]["validity"], &told[0]["bids"]), (&json!("empty"), &json!([])), "an empty book says why");
    let mut info = infer(Venue::Binance, "BTCUSDT");
    info.scale.price += 1;
    let info = Box::new(info);
    hub.apply(&Outbox { items: vec![Output::Instrument { instrument: ID, info }], ..Outbox::default() });
    assert!(topic.is_due(&hub.lock(), Nanos(NANOS_PER_SECOND), 0));
    assert!(topic.tick(&hub, Nanos(NANOS_PER_SECOND)));
    assert_eq!(pull(&mut cursor).0[0]["snapshot"], true);
    hub.reset();
    assert!(topic.is_due(&hub.lock(), Nanos(2 * NANOS_PER_SECOND), 0));
    assert!(topic.tick(&hub, Nanos(2 * NANOS_PER_SECOND)));
    assert_eq!(pull(&mut cursor).0[0]["snapshot"], true);
}
