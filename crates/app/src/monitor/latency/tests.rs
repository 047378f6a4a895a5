//! What a frame's way comes to.

use super::*;
use fathometer_engine::event::Stamped;
use fathometer_engine::input::LinkId;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::output::{Counters, Validity};
use fathometer_engine::units::Decimal;

const RECEIVED: Nanos = Nanos(1_000_000_000_000);

fn market(instrument: u32, ago_ms: i64, event: Event) -> Output {
    let ts_venue = Some(RECEIVED.plus(-ago_ms * 1_000_000));
    let stamped = Stamped { instrument: InstrumentId(instrument), ts_venue, ts_engine: None, event };
    Output::Market { at: RECEIVED, link: LinkId(0), valid: true, stamped }
}

fn status(raw_ms: i64, corrected_ms: i64) -> Output {
    Output::Status(Box::new(Status {
        at: RECEIVED,
        instrument: InstrumentId(0),
        validity: Validity::Live,
        since: RECEIVED,
        counters: Counters::default(),
        last_update_id: 1,
        levels: (0, 0),
        trusted: (None, None),
        latency_raw_ns: Some(raw_ms * 1_000_000),
        latency_ns: Some((corrected_ms * 1_000_000, 2_000_000)),
        last_at: RECEIVED,
        recovery_ns: None,
    }))
}

fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.resolve(Venue::Okx, b"BTC-USDT");
    registry
}

fn outbox(items: Vec<Output>) -> Outbox {
    Outbox { items, ..Outbox::default() }
}

#[test]
fn a_frame_counts_once_and_is_corrected_by_the_offset_of_its_venue() {
    let (mut latency, registry) = (Latency::default(), registry());
    latency.turn(RECEIVED);
    let mark = || Event::Mark(Decimal::new(5, 0));
    // The exchange's clock is 30 ms ahead: what took 20 ms seems to arrive before it was sent.
    latency.network(
        Some(RECEIVED),
        &outbox(vec![market(0, -10, mark()), market(0, 500, mark()), status(-10, 20)]),
        &registry,
    );
    latency.network(Some(RECEIVED), &outbox(vec![market(0, -10, mark())]), &registry);
    latency.network(Some(RECEIVED), &outbox(vec![market(7, 1, mark())]), &registry); // of nobody we know
    latency.turn(RECEIVED.plus(NANOS_PER_SECOND));
    let raw = recent(&latency, Stage::Network);
    assert_eq!(raw.count, 2);
    assert!((raw.p50.unwrap() - -10.0).abs() < 0.2, "{raw:?}");
    let corrected = recent(&latency, Stage::NetworkCorrected);
    assert_eq!(corrected.count, 1, "the first frame came before the estimate");
    assert!((corrected.p50.unwrap() - 20.0).abs() < 1.1, "{corrected:?}");
    assert_eq!(latency.offset(Venue::Okx), Some((30_000_000, 2_000_000)));
    let [stream] = latency.streams() else { panic!("{:?}", latency.streams()) };
    assert_eq!((stream.venue, stream.kind, stream.raw.recent().count), (Venue::Okx, "mark", 2));
}

#[test]
fn the_line_has_a_row_per_second_and_none_for_a_pause() {
    let mut latency = Latency::default();
    let laps = Laps::default();
    let at = |millis: i64| Nanos(millis * 1_000_000);
    for millis in (100..3_000).step_by(100) {
        latency.turn(at(millis));
        latency.work(at(millis), at(millis).plus(5_000), at(millis).plus(9_000), at(millis).plus(10_000), &laps);
    }
    latency.turn(at(10_000));
    let told = latency.line().told(100);
    assert_eq!(told.at_ms, [1_000.0, 2_000.0, 3_000.0]);
    assert_eq!(told.columns["frames_per_second"], [Some(9.0), Some(10.0), Some(10.0)]);
    let queue = told.columns["queue_p50"][1].unwrap();
    assert!((4.9..=5.1).contains(&queue), "{queue} us");
    assert_eq!(told.columns["network_p50"], [None, None, None]);
    assert!((0.9..=1.1).contains(&recent(&latency, Stage::Publish).p99.unwrap()));
}
