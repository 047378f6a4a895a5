//! A market whose parameters are known, a hundred times over; and a stream by hand.

use super::*;
use crate::book::Book;
use crate::cost::maker::logistic::tests::Dice;
use crate::event::{Depth, LevelSpan, Stamped, Trade};
use crate::instrument::{Instrument, InstrumentId, Venue};
use crate::units::{Level, Price, Scale, Size};
use crate::venue::infer;

const SIGMA: f64 = 0.03;
const GAMMA: f64 = 0.5;
const EPSILON: f64 = 0.5;
const ETA: f64 = 0.1;
const RESILIENCE: f64 = 0.4;
const VOLUME: f64 = 10.0;

/// A number of the standard normal distribution (Box and Muller).
fn normal(dice: &mut Dice) -> f64 {
    (-2.0 * dice.throw().max(1e-300).ln()).sqrt() * (std::f64::consts::TAU * dice.throw()).cos()
}

/// Half an hour of seconds in a market of linear impact with these parameters.
fn market(seed: u64) -> Calibration {
    let (mut dice, mut calibration) = (Dice(seed * 7_919 + 1), Calibration::new(NANOS_PER_SECOND));
    let (mut mid, mut depth) = (60_000.0, 20.0);
    for _ in 0..1_800 {
        let volume = -VOLUME * dice.throw().max(1e-300).ln();
        let net = volume * (2.0 * dice.throw() - 1.0);
        let noise = mid * SIGMA / DAY_SECONDS.sqrt() * normal(&mut dice);
        let after = mid + GAMMA * net + noise;
        let worse = (EPSILON + ETA * volume + 0.3 * normal(&mut dice)) * volume;
        depth = 20.0 + (depth - 20.0) * (-RESILIENCE).exp() + 3.0 * normal(&mut dice);
        calibration.add(Interval { mid: (mid, after), net, volume, worse, depth });
        mid = after;
    }
    calibration
}

#[test]
fn known_parameters_lie_in_their_intervals() {
    let mut held = [0; 6];
    // What impact adds to the noise: the variance of the signed volume is 2 V^2 / 3.
    let sigma = (SIGMA.powi(2) + (GAMMA / 60_000.0).powi(2) * 2.0 / 3.0 * VOLUME.powi(2) * DAY_SECONDS).sqrt();
    for seed in 0..100 {
        let got = market(seed).fit();
        let all = [
            (got.sigma_daily, sigma),
            (got.daily_volume, VOLUME * DAY_SECONDS),
            (got.gamma, GAMMA),
            (got.epsilon, EPSILON),
            (got.eta, ETA),
            (got.resilience, RESILIENCE),
        ];
        for (held, (estimate, truth)) in held.iter_mut().zip(all) {
            let it = estimate.unwrap();
            assert!(it.low <= it.value && it.value <= it.high && it.high < 3.0 * it.value, "{it:?}");
            *held += i32::from((it.low..=it.high).contains(&truth));
        }
    }
    println!("in their 95 % intervals, of 100: sigma, volume, gamma, epsilon, eta, resilience {held:?}");
    assert!(held.iter().all(|held| (90..100).contains(held)), "{held:?}");
}

#[test]
fn the_square_root_law_is_found_where_it_holds() {
    let (mut dice, mut calibration) = (Dice(3), Calibration::new(NANOS_PER_SECOND));
    let (y, daily) = (0.8, 10.0 * DAY_SECONDS);
    for _ in 0..3_000 {
        let net = 20.0 * dice.throw() - 10.0;
        let noise = 60_000.0 * 1e-5 * normal(&mut dice);
        let impact = 60_000.0 * y * SIGMA * net.signum() * (net.abs() / daily).sqrt();
        calibration.add(Interval {
            mid: (60_000.0, 60_000.0 + impact + noise),
            net,
            volume: 10.0,
            worse: 0.0,
            depth: 1.0,
        });
    }
    let got = calibration.fit();
    let (found, sigma) = (got.y.unwrap(), got.sigma_daily.unwrap().value);
    // Y counts in units of the volatility that is measured, of which the impact is a part.
    assert!((found.value - y * SIGMA / sigma).abs() < 0.02, "{found:?} {sigma}");
    assert!(found.out_of_sample_r2.unwrap() > 0.5);
}

#[test]
fn too_little_or_nothing_is_told() {
    let got = Calibration::new(NANOS_PER_SECOND).fit();
    assert_eq!((got.sigma_daily, got.gamma, got.y), (Err(Reason::Warmup), Err(Reason::Warmup), Err(Reason::Warmup)));
    let mut still = Calibration::new(NANOS_PER_SECOND);
    (0..100).for_each(|_| still.add(Interval { mid: (5.0, 5.0), depth: 1.0, ..Interval::default() }));
    let got = still.fit();
    assert_eq!((got.sigma_daily, got.daily_volume), (Err(Reason::Undefined), Err(Reason::NoData)));
    assert_eq!((got.gamma, got.resilience), (Err(Reason::Undefined), Err(Reason::Undefined)));
    assert!(
        (0..10_000)
            .fold(still, |mut it, _| {
                it.add(Interval::default());
                it
            })
            .kept
            .len()
            == KEPT_MAX
    );
}

#[test]
fn a_stream_is_cut_into_intervals() {
    let instrument = Instrument { scale: Scale { price: 0, size: 0 }, ..infer(Venue::Binance, "BTCUSDT") };
    let (mut calibration, mut book) = (Calibration::new(NANOS_PER_SECOND), Book::default());
    let mut see = |ms: i64, event: Event, set: &[(Side, i64, i64)], validity| {
        for (side, price, size) in set {
            book.set(*side, Level { price: Price(*price), size: Size(*size) });
        }
        let stamped = Stamped { instrument: InstrumentId(0), ts_venue: None, ts_engine: None, event };
        let (at, book, instrument) = (Nanos::from_millis(ms), &book, &instrument);
        calibration.on(&Seen {
            at,
            stamped: &stamped,
            levels: &[],
            before: &[],
            best: [None; 2],
            book,
            validity,
            instrument,
        });
    };
    let (kind, ids) = (DepthKind::Diff, -1);
    let depth =
        Depth { kind, first_id: ids, last_id: ids, prev_id: ids, checksum: None, limit: 0, span: LevelSpan::default() };
    let trade = |price, size, taker_buy| {
        Event::Trade(Trade { id: 0, price: Price(price), size: Size(size), taker_buy, aggregate: false })
    };
    see(500, Event::Depth(depth), &[(Side::Bid, 99, 5), (Side::Ask, 101, 7)], Validity::Live);
    see(700, trade(101, 9, true), &[], Validity::Live); // before the first whole interval
    see(1_200, trade(102, 2, true), &[], Validity::Live);
    see(1_800, trade(99, 1, false), &[], Validity::Live);
    see(1_900, Event::Depth(depth), &[(Side::Ask, 101, 0), (Side::Ask, 103, 4)], Validity::Live);
    see(2_500, Event::Depth(depth), &[], Validity::Gap); // this interval has no end
    see(3_500, Event::Depth(depth), &[], Validity::Live);
    see(5_500, trade(103, 1, true), &[], Validity::Live);
    see(8_200, Event::Depth(depth), &[], Validity::Live); // two seconds of silence lie between
    let first = Interval { mid: (100.0, 101.0), net: 1.0, volume: 3.0, worse: 2.0 * 2.0 + 1.0, depth: 9.0 };
    let still = Interval { mid: (101.0, 101.0), depth: 9.0, ..Interval::default() };
    let traded = Interval { net: 1.0, volume: 1.0, worse: 2.0, ..still };
    assert_eq!(calibration.kept.iter().collect::<Vec<_>>(), [&first, &traded, &still, &still]);
}
