//! The fold, fed by hand; its view also serves the screen's tests.

use super::*;
use fathometer_engine::event::Trade;
use fathometer_engine::input::LinkId;
use fathometer_engine::instrument::Venue;
use fathometer_engine::metric::{Params, catalogue};
use fathometer_engine::output::{Counters, Validity};
use fathometer_engine::units::{POW10, Scale};

const SECOND: i64 = 1_000_000_000;

fn instrument(venue: Venue, symbol: &str, canonical: &str) -> Instrument {
    let scale = Scale { price: 2, size: 3 };
    Instrument { scale, canonical: canonical.into(), ..fathometer_engine::venue::infer(venue, symbol) }
}

fn level(price: i64, size: i64) -> Level {
    Level { price: Price(price), size: Size(size) }
}

pub(crate) fn status(id: u32, validity: Validity, at: i64) -> Status {
    let counters =
        Counters { frames: 1234, gaps: u64::from(id), audit_checked: 500, audit_matched: 499, ..Counters::default() };
    Status {
        at: Nanos(at),
        instrument: InstrumentId(id),
        validity,
        since: Nanos(at - 2 * SECOND),
        counters,
        last_update_id: 77,
        levels: (1971, 2962),
        trusted: (Some(6_000_000), None),
        latency_raw_ns: Some(-1_270_000_000),
        latency_ns: Some((12_400_000, 900_000)),
        last_at: Nanos(at),
        recovery_ns: Some(400_000_000),
    }
}

/// One outbox: everything that is said about an instrument at a moment.
fn say(view: &mut View, outbox: &Outbox, outputs: &[Output]) {
    for output in outputs {
        view.apply(output, outbox);
    }
}

/// A view of the eight usual instruments, the third of which is resyncing, at 2026-11-20T12:04:07Z.
pub(crate) fn busy() -> View {
    let at = 1_795_176_247 * SECOND;
    let specs = catalogue(&Params::default());
    let mut view = View::new(Mode::Demo { seed: 42 }, &specs);
    let mut outbox = Outbox::default();
    let all = [
        (Venue::Binance, "BTCUSDT", "BTC-USDT"),
        (Venue::Binance, "ETHUSDT", "ETH-USDT"),
        (Venue::BinanceUsdm, "BTCUSDT", "BTC-USDT-PERP"),
        (Venue::BinanceUsdm, "ETHUSDT", "ETH-USDT-PERP"),
        (Venue::Okx, "BTC-USDT", "BTC-USDT"),
        (Venue::Okx, "BTC-USDT-SWAP", "BTC-USDT-PERP"),
        (Venue::Okx, "ETH-USDT", "ETH-USDT"),
        (Venue::Okx, "ETH-USDT-SWAP", "ETH-USDT-PERP"),
    ];
    for (index, (venue, symbol, canonical)) in all.into_iter().enumerate() {
        let id = InstrumentId(index as u32);
        outbox.clear();
        let mid = if symbol.starts_with("BTC") { 6_160_201 } else { 268_138 };
        outbox.levels = (0..20).map(|i| level(mid - i, 500 + 321 * i)).collect();
        outbox.levels.extend((0..20).map(|i| level(mid + 1 + i, 900 + 211 * i)));
        let valid = index != 2;
        outbox.values = specs
            .iter()
            .enumerate()
            .map(|(column, spec)| match (valid, spec.id.as_str()) {
                (false, _) => Value::Absent(Reason::BookInvalid),
                (true, "mid") => Value::Is((mid * 10 + 5) as f64 / POW10[3] as f64),
                (true, id) if id.contains("100bps") => Value::Absent(Reason::BeyondTrusted),
                (true, id) if id.contains("imbalance") => Value::Is((25.0 - 10.0 * index as f64) / 100.0),
                (true, id) if id.starts_with("depth") => Value::Is(1_234_567.0 * (1.0 + column as f64)),
                (true, _) => Value::Is(2.0 * (1.0 + column as f64) / 1000.0),
            })
            .collect();
        let trade = |i: i64| Trade {
            id: i,
            price: Price(mid + i % 2),
            size: Size(10 + i),
            taker_buy: i % 3 == 0,
            aggregate: true,
        };
        let mut outputs =
            vec![Output::Instrument { instrument: id, info: Box::new(instrument(venue, symbol, canonical)) }];
        for i in 0..70 {
            let stamped = Stamped { instrument: id, ts_venue: None, ts_engine: None, event: Event::Trade(trade(i)) };
            outputs.push(Output::Market { at: Nanos(at - (70 - i) * SECOND), link: LinkId(0), valid, stamped });
        }
        let span = LevelSpan { start: 0, asks: 20, end: 40 };
        outputs.push(Output::Ladder { at: Nanos(at), instrument: id, span });
        outputs.push(Output::Sample { at: Nanos(at), instrument: id, start: 0, len: specs.len() as u32 });
        let validity = if valid { Validity::Live } else { Validity::Gap };
        outputs.push(Output::Status(Box::new(status(index as u32, validity, at))));
        say(&mut view, &outbox, &outputs);
    }
    let fault = Fault {
        at: Nanos(at - SECOND),
        link: LinkId(1),
        instrument: Some(InstrumentId(2)),
        kind: FaultKind::Gap,
        remedy: Remedy::Resync,
        text: "3 updates lost (pu 5123 is not 5120); a new snapshot is on its way".into(),
    };
    view.apply(&Output::Fault(Box::new(fault)), &outbox);
    view
}

#[test]
fn a_view_holds_the_latest_of_everything_and_no_more_than_its_bounds() {
    let mut view = busy();
    assert_eq!(view.markets.len(), 8);
    let market = &view.markets[0];
    assert_eq!((market.bids.len(), market.asks.len(), market.trades.len()), (20, 20, TRADES_MAX));
    assert_eq!(market.trades.back().unwrap().size, Size(79), "newest last");
    assert_eq!(view.value(market, "mid"), Value::Is(61602.015));
    assert_eq!(view.value(&view.markets[2], "mid"), Value::Absent(Reason::BookInvalid));
    assert_eq!(view.value(market, "no such column"), Value::Absent(Reason::NoData));
    assert_eq!(view.faults[0].instrument.as_deref(), Some("binance-usdm:BTCUSDT"));
    for i in 0..500 {
        let line = FaultLine {
            at: Nanos(i),
            instrument: None,
            kind: FaultKind::Tape,
            remedy: Remedy::Skip,
            text: String::new(),
        };
        view.note(line);
    }
    assert_eq!((view.faults.len(), view.faults_seen), (FAULTS_MAX, 501));
}

#[test]
fn a_number_that_is_none_is_absent() {
    let mut view = busy();
    let mut outbox = Outbox { values: vec![Value::Is(f64::NAN); view.columns.len()], ..Outbox::default() };
    outbox.values[1] = Value::Is(f64::INFINITY);
    view.apply(
        &Output::Sample { at: Nanos(1), instrument: InstrumentId(0), start: 0, len: view.columns.len() as u32 },
        &outbox,
    );
    assert!(view.markets[0].values.iter().all(|value| *value == Value::Absent(Reason::Undefined)));
}

#[test]
fn what_points_nowhere_is_left_out() {
    let mut view = busy();
    let outbox = Outbox::default();
    let span = LevelSpan { start: 3, asks: 5, end: 9 };
    view.apply(&Output::Ladder { at: Nanos(0), instrument: InstrumentId(0), span }, &outbox);
    view.apply(&Output::Ladder { at: Nanos(0), instrument: InstrumentId(99), span }, &outbox);
    view.apply(&Output::Sample { at: Nanos(0), instrument: InstrumentId(0), start: u32::MAX, len: u32::MAX }, &outbox);
    assert!(view.markets[0].bids.is_empty() && view.markets[0].values.is_empty());
}

#[test]
fn history_takes_one_mid_a_second() {
    let mut view = busy();
    let columns = view.columns.len() as u32;
    let outbox = Outbox { values: vec![Value::Is(5.0); columns as usize], ..Outbox::default() };
    let start = view.markets[0].sampled_at;
    let before = view.markets[0].mids.len();
    for tenth in 1..=30 {
        let at = start.plus(tenth * SECOND / 10);
        view.apply(&Output::Sample { at, instrument: InstrumentId(0), start: 0, len: columns }, &outbox);
    }
    assert_eq!(view.markets[0].mids.len(), before + 3);
}

#[test]
fn finer_units_forget_what_was_kept_in_coarser_ones() {
    let mut view = busy();
    let mut info = view.markets[0].info.clone();
    info.scale.price = 4;
    view.instrument(InstrumentId(0), &info);
    assert!(view.markets[0].bids.is_empty() && view.markets[0].trades.is_empty());
    assert!(!view.markets[1].bids.is_empty(), "others are not touched");
}

#[test]
fn a_view_travels_as_json() {
    let view = busy();
    let text = serde_json::to_string(&view).unwrap();
    let back: View = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), text);
    assert_eq!(back.markets[5].bids, view.markets[5].bids);
}

#[test]
fn a_condensed_view_keeps_every_row_and_the_detail_of_one() {
    let view = busy().condensed("okx:BTC-USDT");
    assert_eq!(view.markets.len(), 8);
    let detailed: Vec<&str> =
        view.markets.iter().filter(|market| !market.bids.is_empty()).map(|market| market.id.as_str()).collect();
    assert_eq!(detailed, ["okx:BTC-USDT"]);
    assert!(view.markets.iter().all(|market| market.status.is_some() && !market.values.is_empty()));
}
