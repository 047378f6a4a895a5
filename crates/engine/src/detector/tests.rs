//! The stage on which detectors are tested: one instrument whose book, trades and peers the test moves by hand, watched by
//! the surveillance as the engine does it.
#![allow(dead_code)] // a helper that no detector needs today is needed tomorrow

use super::{CATALOGUE, Columns, Look, Mate};
use crate::alert::{Alert, Severity, State};
use crate::book::Book;
use crate::event::{Depth, DepthKind, Event, LevelSpan, Stamped, Trade};
use crate::instrument::{Contract, Instrument, InstrumentId, Kind, Venue};
use crate::metric::{Metrics, Moment, Params, Peers, Seen};
use crate::output::{Counters, Outbox, Output, Validity};
use crate::surveillance::{Board, Rules, Surveillance};
use crate::units::{Level, Nanos, Price, Scale, Side, Size};

/// Prices in tests are hundredths, sizes thousandths.
pub(crate) const SCALE: Scale = Scale { price: 2, size: 3 };
/// Best bid at the beginning, hundredths: 999.99, so that a tick is 0.1 bps.
pub(crate) const BID: i64 = 99_999;
/// Best ask at the beginning.
pub(crate) const ASK: i64 = 100_001;
/// Levels a side at the beginning, one per tick.
pub(crate) const LEVELS: i64 = 400;
/// What stands at each, thousandths.
pub(crate) const SIZE: i64 = 1_000;

const START: i64 = 1_700_000_000_000_000_000;
const STEP: i64 = 100_000_000;

/// One instrument, all detectors, and every alert they made.
pub(crate) struct Stage {
    pub(crate) at: Nanos,
    pub(crate) book: Book,
    pub(crate) instrument: Instrument,
    pub(crate) validity: Validity,
    pub(crate) may_cross: bool,
    pub(crate) peers: Peers,
    pub(crate) mates: Vec<Mate>,
    pub(crate) counters: Counters,
    pub(crate) latency_raw_ns: Option<i64>,
    pub(crate) depth_at: Nanos,
    pub(crate) rules: Rules,
    pub(crate) alerts: Vec<Alert>,
    pub(crate) surveillance: Surveillance,
    metrics: Metrics,
    columns: Columns,
    out: Outbox,
    random: u64,
    trades: i64,
}

impl Stage {
    /// A perpetual at 1000.00 with a thick, even book that has been believed for long enough.
    pub(crate) fn new() -> Self {
        let params = Params::default();
        let instrument = Instrument {
            venue: Venue::BinanceUsdm,
            symbol: "ABCUSDT".into(),
            base: "ABC".into(),
            quote: "USDT".into(),
            kind: Kind::Perpetual,
            contract: Contract::Base,
            tick: "0.01".parse().ok(),
            lot: "0.001".parse().ok(),
            scale: SCALE,
            canonical: "ABC-USDT-PERP".into(),
        };
        let mut stage = Stage {
            at: Nanos(START),
            book: Book::default(),
            instrument,
            validity: Validity::Live,
            may_cross: false,
            peers: Peers::default(),
            mates: Vec::new(),
            counters: Counters::default(),
            latency_raw_ns: Some(5_000_000),
            depth_at: Nanos(START),
            rules: Rules::default(),
            alerts: Vec::new(),
            surveillance: Surveillance::default(),
            metrics: Metrics::new(&params),
            columns: Columns::new(&params),
            out: Outbox::default(),
            random: 7,
            trades: 0,
        };
        for n in 0..LEVELS {
            stage.book.set(Side::Bid, level(BID - n, SIZE));
            stage.book.set(Side::Ask, level(ASK + n, SIZE));
        }
        stage.run(2_500);
        stage
    }

    /// A depth message now: absolute sizes, hundredths and thousandths.
    pub(crate) fn depth(&mut self, bids: &[(i64, i64)], asks: &[(i64, i64)]) {
        let levels: Vec<Level> = bids.iter().chain(asks).map(|(price, size)| level(*price, *size)).collect();
        let sides = bids.iter().map(|_| Side::Bid).chain(asks.iter().map(|_| Side::Ask));
        let before: Vec<Size> = sides.zip(&levels).map(|(side, level)| self.book.set(side, *level)).collect();
        let span = LevelSpan { start: 0, asks: bids.len() as u32, end: levels.len() as u32 };
        let depth =
            Depth { kind: DepthKind::Diff, first_id: 0, last_id: 0, prev_id: 0, checksum: None, limit: 0, span };
        self.depth_at = self.at;
        self.counters.diffs_applied += 1;
        self.see(Event::Depth(depth), &levels, &before);
    }

    /// A trade now, and nothing but the print of it: see `hit` for one that takes from the book.
    pub(crate) fn trade(&mut self, price: i64, size: i64, taker_buy: bool) {
        self.trades += 1;
        self.counters.trades += 1;
        let trade = Trade { id: self.trades, price: Price(price), size: Size(size), taker_buy, aggregate: false };
        self.see(Event::Trade(trade), &[], &[]);
    }

    /// A market order: prints at each level that it takes, then the change of the book.
    pub(crate) fn hit(&mut self, taker_buy: bool, size: i64) {
        let (side, mut left, mut taken) = (if taker_buy { Side::Ask } else { Side::Bid }, size, Vec::new());
        for Level { price, size } in self.book.levels(side).take(200).collect::<Vec<_>>() {
            if left <= 0 {
                break;
            }
            let fill = size.0.min(left);
            left -= fill;
            self.trade(price.0, fill, taker_buy);
            taken.push((price.0, size.0 - fill));
        }
        if taker_buy { self.depth(&[], &taken) } else { self.depth(&taken, &[]) }
    }

    /// Anything else that a venue says.
    pub(crate) fn event(&mut self, event: Event) {
        self.see(event, &[], &[]);
    }

    /// The book is no longer believed, until `validity` is set to live again.
    pub(crate) fn gap(&mut self, validity: Validity) {
        self.validity = validity;
        self.metrics.on_gap();
        self.surveillance.on_gap();
    }

    /// Time goes on; the detectors look every 100 ms.
    pub(crate) fn run(&mut self, ms: i64) {
        let until = self.at.plus(ms * 1_000_000);
        while let next = Nanos((self.at.0.div_euclid(STEP) + 1) * STEP)
            && next <= until
        {
            self.at = next;
            self.look();
        }
        self.at = until;
    }

    /// The same with an ordinary market: every 100 ms a few levels within 20 ticks of the touch change to between half and
    /// one and a half of the usual, every second one market order either way takes half a level, which is filled up again.
    pub(crate) fn live(&mut self, ms: i64) {
        for step in 0..ms / 100 {
            let mut changes = [Vec::new(), Vec::new()];
            for (side, changes) in [Side::Bid, Side::Ask].into_iter().zip(&mut changes) {
                let (first, away) = if side == Side::Bid { (BID, -1) } else { (ASK, 1) };
                changes.push((first, SIZE));
                for _ in 0..4 {
                    let price = first + away * (1 + self.below(20));
                    changes.push((price, SIZE / 2 + self.below(SIZE as u64)));
                }
            }
            self.depth(&changes[0], &changes[1]);
            if step % 5 == 0 {
                let buys = self.below(2) == 0;
                self.hit(buys, SIZE / 2);
            }
            self.run(100);
        }
    }

    /// A number below `n`, the same in every run.
    pub(crate) fn below(&mut self, n: u64) -> i64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.random >> 33) % n) as i64
    }

    /// What a detector fired, in order: one entry for each time that an alert began or got worse.
    pub(crate) fn fired(&self, detector: &str) -> Vec<(Severity, &str)> {
        let number = number(detector);
        let fires = |a: &&Alert| a.detector == number && a.state == State::Firing;
        self.alerts.iter().filter(fires).map(|a| (a.severity, a.text.as_str())).collect()
    }

    /// A measure of the last alert that a detector fired.
    pub(crate) fn measure(&self, detector: &str, name: &str) -> Option<f64> {
        let number = number(detector);
        let alert = self.alerts.iter().rev().find(|a| a.detector == number && a.state == State::Firing)?;
        alert.evidence.iter().find(|m| m.name == name).map(|m| m.value)
    }

    /// How the watch stands.
    pub(crate) fn board(&self) -> Board {
        self.surveillance.board(self.at, InstrumentId(0))
    }

    fn see(&mut self, event: Event, levels: &[Level], before: &[Size]) {
        let stamped = Stamped { instrument: InstrumentId(0), ts_venue: Some(self.at), ts_engine: None, event };
        let seen = Seen {
            at: self.at,
            stamped: &stamped,
            levels,
            before,
            best: [None; 2],
            book: &self.book,
            validity: self.validity,
            instrument: &self.instrument,
        };
        self.metrics.on(&seen);
        self.surveillance.on(&seen, &self.rules, InstrumentId(0), &mut self.out);
        self.collect();
    }

    fn look(&mut self) {
        self.counters.frames += 1; // something comes all the time
        let (at, book, validity, instrument) = (self.at, &self.book, self.validity, &self.instrument);
        let moment = Moment { at, book, validity, instrument, peers: self.peers };
        self.out.values.clear();
        self.metrics.sample(&moment, &mut self.out.values);
        let look = Look {
            at,
            book,
            validity,
            may_cross: self.may_cross,
            instrument,
            peers: self.peers,
            values: &self.out.values,
            columns: &self.columns,
            mates: &self.mates,
            counters: &self.counters,
            latency_raw_ns: self.latency_raw_ns,
            depth_at: self.depth_at,
        };
        self.surveillance.look(&look, &self.rules);
        self.surveillance.say(at, InstrumentId(0), &self.instrument, &self.rules, &mut self.out);
        self.collect();
    }

    fn collect(&mut self) {
        for item in self.out.items.drain(..) {
            if let Output::Alert(alert) = item {
                self.alerts.push(*alert);
            }
        }
    }
}

fn level(price: i64, size: i64) -> Level {
    Level { price: Price(price), size: Size(size) }
}

/// Where a detector stands in the catalogue.
pub(crate) fn number(detector: &str) -> u8 {
    CATALOGUE.iter().position(|about| about.id == detector).unwrap() as u8
}

#[test]
fn an_ordinary_market_alarms_nobody() {
    let mut stage = Stage::new();
    stage.live(60_000);
    let told: Vec<_> = stage.alerts.iter().filter(|a| a.state == State::Firing).collect();
    assert!(told.is_empty(), "{told:#?}");
}

#[test]
fn a_crossed_book_fires_once_and_gets_worse_but_not_in_an_auction() {
    for (may_cross, fired) in [(false, vec![Severity::Warning, Severity::Critical]), (true, vec![])] {
        let mut stage = Stage::new();
        stage.may_cross = may_cross;
        stage.depth(&[(ASK, SIZE)], &[]);
        stage.gap(if may_cross { Validity::Live } else { Validity::Crossed });
        stage.run(20_000);
        // Fails when the `may_cross` rule or the severities' order is taken out of crossed.rs.
        assert_eq!(stage.fired("crossed").iter().map(|(severity, _)| *severity).collect::<Vec<_>>(), fired);
    }
}
