//! Virtual orders followed by hand, and a market in which the truth is known.

use super::logistic::tests::Dice;
use super::*;
use crate::book::Book;
use crate::event::{Depth, LevelSpan, Stamped, Trade};
use crate::instrument::{InstrumentId, Venue};
use crate::units::{Scale, Size};
use crate::venue::infer;

/// A stream of one instrument; prices and sizes in units.
struct Stage {
    maker: Maker,
    book: Book,
    instrument: Instrument,
    outcomes: Vec<Outcome>,
}

impl Stage {
    fn new(params: Params) -> Stage {
        let instrument = Instrument { scale: Scale { price: 0, size: 0 }, ..infer(Venue::Binance, "BTCUSDT") };
        Stage { maker: Maker::new(params), book: Book::default(), instrument, outcomes: Vec::new() }
    }

    fn see(&mut self, ms: i64, event: Event, levels: &[Level], validity: Validity) {
        let stamped = Stamped { instrument: InstrumentId(0), ts_venue: None, ts_engine: None, event };
        let (at, book, instrument) = (Nanos::from_millis(ms), &self.book, &self.instrument);
        let seen = Seen { at, stamped: &stamped, levels, before: &[], best: [None; 2], book, validity, instrument };
        self.outcomes.extend_from_slice(self.maker.on(&seen));
    }

    fn depth(&mut self, ms: i64, kind: DepthKind, bids: &[(i64, i64)], asks: &[(i64, i64)]) {
        let level = |(price, size): &(i64, i64)| Level { price: Price(*price), size: Size(*size) };
        let levels: Vec<Level> = bids.iter().chain(asks).map(level).collect();
        let of = |i: usize| if i < bids.len() { Side::Bid } else { Side::Ask };
        for (i, level) in levels.iter().enumerate() {
            self.book.set(of(i), *level);
        }
        let span = LevelSpan { start: 0, asks: bids.len() as u32, end: levels.len() as u32 };
        let depth = Depth { kind, first_id: -1, last_id: -1, prev_id: -1, checksum: None, limit: 0, span };
        self.see(ms, Event::Depth(depth), &levels, Validity::Live);
    }

    fn diff(&mut self, ms: i64, bids: &[(i64, i64)], asks: &[(i64, i64)]) {
        self.depth(ms, DepthKind::Diff, bids, asks);
    }

    fn trade(&mut self, ms: i64, price: i64, size: i64, taker_buy: bool) {
        let trade = Trade { id: 0, price: Price(price), size: Size(size), taker_buy, aggregate: false };
        self.see(ms, Event::Trade(trade), &[], Validity::Live);
    }
}

/// Fills within 10 s count, mid is looked at 5 s later; one round of orders.
fn once() -> Params {
    Params { every_ns: 3_600 * NANOS_PER_SECOND, ..Params::default() }
}

#[test]
fn orders_by_hand() {
    let mut stage = Stage::new(once());
    stage.diff(1_000, &[(9_999, 100), (9_998, 50)], &[(10_001, 100), (10_003, 80)]); // mid 10,000; four orders of 10
    stage.trade(2_000, 9_999, 105, false); // the best bid's order is half filled
    stage.diff(2_100, &[(9_999, 30)], &[]);
    stage.trade(3_000, 9_999, 5, false); // and filled
    stage.diff(4_000, &[(9_999, 0)], &[(10_001, 0), (10_000, 20)]); // mid 9,999 from here
    stage.trade(9_000, 10_001, 500, true); // through 10,000, at 10,001: but 10,001 has 100 ahead and trades 500
    stage.diff(9_500, &[(9_998, 50)], &[(10_000, 0)]); // mid (9,998 + 10,003) / 2 = 10,000.5
    assert!(stage.outcomes.is_empty());
    stage.diff(20_000, &[(9_000, 1)], &[]);
    let told: Vec<([bool; 3], f64)> = stage.outcomes.iter().map(|it| (it.filled, it.against_bps)).collect();
    assert_eq!(told.len(), 4);
    let expected = [
        ([true; 3], 1.0),   // bought at 9,999; at 8 s mid was 9,999: 1 bps lower
        ([false; 3], 0.5),  // still wants to buy at 9,998; mid is 10,000.5
        ([true; 3], 0.5),   // sold at 10,001; at 14 s mid was 10,000.5
        ([false; 3], -0.5), // still wants to sell at 10,003
    ];
    for (told, expected) in told.iter().zip(expected) {
        assert_eq!(told.0, expected.0, "{:?}", stage.outcomes);
        assert!((told.1 - expected.1).abs() < 1e-9, "{told:?} instead of {expected:?}");
    }
    let first = stage.outcomes[0].features;
    assert!((first[1] - 2f64.ln()).abs() < 1e-12 && (first[8] - (10.0f64 / 110.0).ln()).abs() < 1e-12);
    assert!((first[SPREAD] - 2f64.ln()).abs() < 1e-12 && first[2] == 0.0 && stage.outcomes[1].features[7] > 0.0);
}

#[test]
fn bounds_stand_apart_where_cancels_decide() {
    let mut stage = Stage::new(once());
    stage.diff(1_000, &[(99, 100)], &[(101, 100)]);
    stage.diff(2_000, &[(99, 200)], &[]); // 100 more come behind
    stage.diff(3_000, &[(99, 100)], &[]); // 100 of 200 cancel: all ahead, half, none
    stage.trade(4_000, 99, 70, false);
    stage.diff(30_000, &[(98, 1)], &[]);
    let bid = stage.outcomes.iter().find(|it| it.filled[0]).unwrap();
    assert_eq!(bid.filled, [true, true, false]);
    assert_eq!(stage.maker.report().fill_rates, [0.5, 0.5, 0.0]);
}

#[test]
fn a_gap_leaves_orders_without_outcome() {
    let nothing: fn(&mut Stage) = |_| ();
    for (happens, expected) in [
        (nothing, 2),
        (|stage| stage.maker.gap(), 0),
        (|stage| stage.depth(2_000, DepthKind::Snapshot, &[(99, 100)], &[]), 0),
    ] {
        let mut stage = Stage::new(once());
        stage.diff(1_000, &[(99, 100)], &[(101, 100)]);
        happens(&mut stage);
        stage.diff(30_000, &[(99, 90)], &[]);
        stage.diff(60_000, &[(99, 80)], &[]);
        assert_eq!(stage.maker.report().outcomes, expected);
    }
}

#[test]
fn what_the_queue_decides_is_learnt_and_priced() {
    let mut stage =
        Stage::new(Params { horizon_ns: 2 * NANOS_PER_SECOND, markout_ns: NANOS_PER_SECOND, ..Params::default() });
    let mut dice = Dice(11);
    let (info, fees) = (stage.instrument.clone(), (0.0, 5.0));
    assert_eq!(stage.maker.choice(&info, Side::Bid, 1.0, 0.5, fees), Err(Reason::Warmup));
    // Queues of 10 to 1,000; each second a sale of 300 in three cases of four. Short queues are filled, long ones are not.
    for second in 0..4_000 {
        let (bids, asks) = (10 + (990.0 * dice.throw()) as i64, 10 + (990.0 * dice.throw()) as i64);
        stage.diff(second * 1_000, &[(9_999, bids)], &[(10_001, asks)]);
        if dice.throw() < 0.75 {
            stage.trade(second * 1_000 + 500, if second % 2 == 0 { 9_999 } else { 10_001 }, 300, second % 2 == 1);
        }
    }
    let report = stage.maker.report();
    let number = |value: crate::metric::Value| value.get().unwrap();
    assert!(number(report.model.auc) > 0.8, "{report:?}");
    assert!(number(report.model.brier) < 0.8 * number(report.model.brier_of_base_rate), "{report:?}");
    assert!(number(report.model.brier) < number(report.spread_only.brier), "{report:?}");
    assert!((number(report.spread_only.auc) - 0.5).abs() < 0.1, "the spread is always the same");
    for (predicted, share, count) in report.model.reliability {
        assert!(count < 200 || (predicted - share).abs() < 0.1, "{predicted} was {share} of {count}");
    }
    let fill = |size| {
        let mut stage =
            Stage { maker: stage.maker.clone(), book: Book::default(), instrument: info.clone(), outcomes: vec![] };
        stage.diff(4_000_000, &[(9_999, size)], &[(10_001, 500)]);
        stage.maker.choice(&info, Side::Bid, 1.0, 1.0, fees).unwrap()
    };
    assert!(fill(20).fill > fill(900).fill + 0.3, "{} {}", fill(20).fill, fill(900).fill);
    assert!(fill(20).maker().cost_bps < fill(20).taker().cost_bps);
    assert!((fill(20).better_bps - 1.0).abs() < 1e-9);
    let stored = postcard::to_stdvec(&stage.maker).unwrap();
    let back: Maker = postcard::from_bytes(&stored).unwrap();
    assert_eq!(back.report(), stage.maker.report());
}
