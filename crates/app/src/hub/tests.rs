//! What the hub makes of what the engine says.

use super::*;
use fathometer_engine::event::{Depth, DepthKind, LevelSpan, Stamped, Trade};
use fathometer_engine::input::LinkId;
use fathometer_engine::instrument::Venue;
use fathometer_engine::metric::Value;
use fathometer_engine::units::{Level, Price, Scale, Size};
use fathometer_engine::venue::infer;

const ID: InstrumentId = InstrumentId(0);

fn columns() -> Vec<Column> {
    let column = |id: &str, unit: &str| Column { id: id.into(), unit: unit.into(), help: String::new() };
    vec![column("mid", "quote"), column("spread_bps", "bps")]
}

fn instrument(price: u8) -> Output {
    let mut info = infer(Venue::Binance, "BTCUSDT");
    info.scale = Scale { price, size: 3 };
    Output::Instrument { instrument: ID, info: Box::new(info) }
}

fn market(ms: i64, event: Event) -> Output {
    let stamped = Stamped { instrument: ID, ts_venue: None, ts_engine: None, event };
    Output::Market { at: Nanos::from_millis(ms), link: LinkId(0), valid: true, stamped }
}

fn trade(ms: i64, id: i64, price: i64, aggregate: bool) -> Output {
    market(ms, Event::Trade(Trade { id, price: Price(price), size: Size(10), taker_buy: id % 2 == 0, aggregate }))
}

fn say(hub: &Hub, items: Vec<Output>) {
    let levels = [(99, 5), (100, 0), (101, 7)].map(|(price, size)| Level { price: Price(price), size: Size(size) });
    hub.apply(&Outbox { items, levels: levels.into(), values: vec![Value::Is(100.5), Value::Is(1.0)] });
}

fn relief(ms: i64) -> Output {
    let span = LevelSpan { start: 0, asks: 2, end: 3 };
    let (bid, ask) = (Some(Price(99)), Some(Price(101)));
    Output::Relief { at: Nanos::from_millis(ms), instrument: ID, width: 1, first: 99, bid, ask, span }
}

#[test]
fn history_heatmap_trades_and_volume_are_kept() {
    let hub = Hub::new(&columns());
    say(&hub, vec![instrument(2)]);
    for tenth in 0..=100 {
        say(&hub, vec![Output::Sample { at: Nanos::from_millis(tenth * 100), instrument: ID, start: 0, len: 2 }]);
    }
    say(
        &hub,
        vec![
            trade(50, 2, 100, false),
            trade(50, 1, 100, true),
            trade(60, 3, 101, false),
            relief(250),
            relief(500),
            relief(1_000),
        ],
    );
    let store = hub.lock();
    let slot = store.get(ID).unwrap();
    assert_eq!((slot.fine.len(), slot.coarse.len(), slot.reliefs.len()), (11, 2, 2));
    assert_eq!((slot.trades.len(), slot.trades_seen), (2, 2), "aggregates repeat what trades told");
    assert_eq!(slot.relief.as_ref().unwrap().sizes, [5, 0, 7]);
    let volume: Vec<_> = slot.profile.session().iter().map(|(row, sizes)| (*row, *sizes)).collect();
    assert_eq!(volume, [(100, [10, 0]), (101, [0, 10])], "trades before the first row width count too");
    assert!(store.bytes() > 0);
}

#[test]
fn what_is_kept_follows_finer_units_and_readers_are_told() {
    let hub = Hub::new(&columns());
    say(&hub, vec![instrument(2), trade(50, 2, 100, false), relief(250)]);
    let before = hub.lock().generation;
    say(&hub, vec![instrument(2)]);
    assert_eq!(hub.lock().generation, before, "nothing new");
    say(&hub, vec![instrument(4)]);
    let store = hub.lock();
    let slot = store.get(ID).unwrap();
    assert!(store.generation > before && slot.generation == store.generation);
    assert_eq!(slot.trades[0].price, Price(10_000));
    assert_eq!((slot.profile.width(), slot.reliefs.excerpt(Nanos(0), Nanos(i64::MAX))[0].head.width), (100, 100));
}

#[test]
fn books_are_copied_only_where_somebody_reads_them() {
    let hub = Hub::new(&columns());
    let depth = || {
        let span = LevelSpan::default();
        let depth =
            Depth { kind: DepthKind::Diff, first_id: 1, last_id: 1, prev_id: 0, checksum: None, limit: 0, span };
        market(5, Event::Depth(depth))
    };
    say(&hub, vec![instrument(2), depth()]);
    assert!(hub.lock().dirty.is_empty());
    hub.lock().want(ID, 25);
    say(&hub, vec![depth(), depth()]);
    assert_eq!(hub.lock().dirty, [0], "once");
    hub.settle(&Engine::new(fathometer_engine::engine::Config::default()));
    assert!(hub.lock().dirty.is_empty());
    hub.lock().want(ID, 0);
    say(&hub, vec![depth()]);
    assert!(hub.lock().dirty.is_empty());
}

#[test]
fn unknown_instruments_and_spans_are_survived_and_a_reset_forgets() {
    let hub = Hub::new(&columns());
    say(&hub, vec![trade(1, 1, 1, false), relief(1), instrument(2)]);
    let span = LevelSpan { start: 5, asks: 9, end: 1 };
    say(
        &hub,
        vec![
            Output::Relief { at: Nanos(0), instrument: ID, width: 1, first: 9, bid: None, ask: None, span },
            Output::Sample { at: Nanos(0), instrument: ID, start: 7, len: u32::MAX },
        ],
    );
    let before = hub.lock().generation;
    hub.reset();
    assert!(hub.lock().slots.is_empty() && hub.lock().generation > before);
}
