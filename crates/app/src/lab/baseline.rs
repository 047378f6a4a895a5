//! What a simple monitor would do: one number, one fixed threshold, the same for every instrument.

use super::watch::column;
use fathometer_engine::engine::{Config, Engine};
use fathometer_engine::event::Event;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::output::{Outbox, Output};
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos, Price, Side, Size};
use fathometer_venue::lab::Kind;
use std::collections::VecDeque;

/// Seconds at the very beginning that do not count: books are still filling.
const SKIPPED_SECONDS: usize = 15;
/// A condition that was false for that long is over, seconds.
const CLEAR_SECONDS: usize = 10;
/// Levels are looked at within that distance of mid, bps.
const NEAR_BPS: f64 = 20.0;
/// Trades are counted over that many seconds.
const TRADE_SECONDS: usize = 5;
/// Moves are taken over that many seconds.
const MOVE_SECONDS: usize = 10;

/// The number that is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Gauge {
    /// A column of the samples; its amount.
    Column(&'static str),
    /// The thinner side within ten basis points, quote currency.
    ThinSide,
    /// The largest level near mid, quote currency.
    Level,
    /// Worth of what was traded, quote currency.
    Volume,
    /// Trades.
    Trades,
    /// Depth levels changed.
    Changes,
    /// How far mid has moved, bps.
    Move,
    /// How far mid is from the same elsewhere, bps: the furthest.
    Apart,
}

/// When it is too much.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    /// Above that number.
    Above(f64),
    /// Below it.
    Below(f64),
}

/// The numbers are those that such monitors are delivered with, or the round ones that one would write for the large pairs.
fn rule(kind: Kind) -> (Gauge, Cut) {
    match kind {
        Kind::Wall | Kind::Layering | Kind::Spoofing => (Gauge::Level, Cut::Above(500_000.0)),
        Kind::Exhaustion | Kind::Depth | Kind::Vacuum => (Gauge::ThinSide, Cut::Below(500_000.0)),
        Kind::Spread => (Gauge::Column("spread_bps"), Cut::Above(3.0)),
        Kind::Iceberg | Kind::Absorption | Kind::Wash => (Gauge::Volume, Cut::Above(500_000.0)),
        Kind::Pinging => (Gauge::Trades, Cut::Above(100.0)),
        Kind::Stuffing => (Gauge::Changes, Cut::Above(5_000.0)),
        Kind::Ignition | Kind::Pump | Kind::Cascade => (Gauge::Move, Cut::Above(20.0)),
        Kind::Marking | Kind::Divergence | Kind::FundingPressure => (Gauge::Column("basis_spot_bps"), Cut::Above(10.0)),
        Kind::Dislocation | Kind::StalePrice => (Gauge::Apart, Cut::Above(10.0)),
    }
}

/// The rule at work on the first instrument.
#[derive(Clone, Debug)]
pub struct Plain {
    gauge: Gauge,
    cut: Cut,
    columns: Vec<usize>,
    latest: Option<f64>,
    mid: Option<f64>,
    mid_column: Option<usize>,
    instrument: String,
    next: Option<Nanos>,
    seconds: usize,
    quiet: usize,
    now: f64,
    sums: VecDeque<f64>,
    mids: VecDeque<f64>,
    /// When it raised.
    pub raised: Vec<Nanos>,
}

impl Plain {
    /// The rule for a kind, on that instrument.
    pub fn new(kind: Kind, instrument: &str, config: &Config) -> Self {
        let (gauge, cut) = rule(kind);
        let ids: &[&str] = match &gauge {
            Gauge::Column(id) => &[*id],
            Gauge::ThinSide => &["depth_bid_10bps_quote", "depth_ask_10bps_quote"],
            _ => &[],
        };
        Plain {
            gauge,
            cut,
            columns: ids.iter().filter_map(|id| column(config, id)).collect(),
            latest: None,
            mid: None,
            mid_column: column(config, "mid"),
            instrument: instrument.to_owned(),
            next: None,
            seconds: 0,
            quiet: CLEAR_SECONDS,
            now: 0.0,
            sums: VecDeque::new(),
            mids: VecDeque::new(),
            raised: Vec::new(),
        }
    }

    /// Something the engine said.
    pub fn on(&mut self, output: &Output, outbox: &Outbox, engine: &Engine) {
        match output {
            Output::Market { stamped, .. } if self.is_mine(stamped.instrument, engine) => match &stamped.event {
                Event::Trade(trade) if !trade.aggregate => match self.gauge {
                    Gauge::Volume => self.now += worth(engine, stamped.instrument, trade.price, trade.size),
                    Gauge::Trades => self.now += 1.0,
                    _ => {}
                },
                Event::Depth(depth) if self.gauge == Gauge::Changes => self.now += depth.span.len() as f64,
                _ => {}
            },
            Output::Sample { at, instrument, start, .. } if self.is_mine(*instrument, engine) => {
                let value = |column: &usize| outbox.values.get(*start as usize + column).and_then(|v| v.get());
                let values = self.columns.iter().filter_map(value).map(f64::abs);
                self.latest = values.reduce(f64::min);
                self.mid = self.mid_column.as_ref().and_then(value);
                let next = *self.next.get_or_insert(*at);
                if *at >= next {
                    self.next = Some(next.plus(NANOS_PER_SECOND));
                    self.second(*at, *instrument, engine);
                }
            }
            _ => {}
        }
    }

    fn is_mine(&self, id: InstrumentId, engine: &Engine) -> bool {
        let info = engine.registry().get(id);
        let (venue, symbol) = self.instrument.split_once(':').unwrap_or_default();
        info.symbol == symbol && info.venue.name() == venue
    }

    fn second(&mut self, at: Nanos, id: InstrumentId, engine: &Engine) {
        let Some(value) = self.read(id, engine) else { return };
        self.seconds += 1;
        if self.seconds <= SKIPPED_SECONDS {
            return;
        }
        let hit = match self.cut {
            Cut::Above(cut) => value > cut,
            Cut::Below(cut) => value < cut,
        };
        if hit && self.quiet >= CLEAR_SECONDS {
            self.raised.push(at);
        }
        self.quiet = if hit { 0 } else { self.quiet + 1 };
    }

    fn read(&mut self, id: InstrumentId, engine: &Engine) -> Option<f64> {
        match self.gauge {
            Gauge::Column(_) | Gauge::ThinSide => self.latest,
            Gauge::Level => {
                let (mid, scale) = (self.mid?, engine.registry().get(id).scale);
                let near = |price: f64| (price / mid - 1.0).abs() * 1e4 < NEAR_BPS;
                let book = engine.book(id)?;
                let sides = [Side::Bid, Side::Ask].map(|side| {
                    let near = book.levels(side).take_while(|l| near(scale.price_f64(l.price)));
                    near.map(|l| worth(engine, id, l.price, l.size)).reduce(f64::max)
                });
                sides.into_iter().flatten().reduce(f64::max)
            }
            Gauge::Volume | Gauge::Trades | Gauge::Changes => {
                self.sums.push_back(std::mem::take(&mut self.now));
                if self.sums.len() > TRADE_SECONDS {
                    self.sums.pop_front();
                }
                Some(self.sums.iter().sum())
            }
            Gauge::Move => {
                let mid = self.mid?;
                self.mids.push_back(mid);
                if self.mids.len() > MOVE_SECONDS {
                    self.mids.pop_front();
                }
                self.mids.front().map(|before| (mid / before - 1.0).abs() * 1e4)
            }
            Gauge::Apart => {
                let mid = self.mid?;
                let all = engine.registry().all().iter().enumerate();
                let others = all.filter(|(other, _)| *other != id.0 as usize);
                let mids = others.filter_map(|(other, info)| {
                    let book = engine.book(InstrumentId(other as u32))?;
                    let (bid, ask) = (book.best(Side::Bid)?.price, book.best(Side::Ask)?.price);
                    Some(f64::midpoint(info.scale.price_f64(bid), info.scale.price_f64(ask)))
                });
                mids.map(|other| (mid / other - 1.0).abs() * 1e4).reduce(f64::max)
            }
        }
    }
}

/// Quote currency that a size is worth.
fn worth(engine: &Engine, id: InstrumentId, price: Price, size: Size) -> f64 {
    let info = engine.registry().get(id);
    info.quote_amount(info.scale.price_f64(price), info.scale.size_f64(size)).unwrap_or(0.0)
}
