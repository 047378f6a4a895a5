//! The one fold of what the engine says into what a screen shows: terminal and API draw it, nobody computes from it.

use fathometer_engine::event::{Event, LevelSpan, Stamped};
use fathometer_engine::instrument::{Instrument, InstrumentId};
use fathometer_engine::metric::{Reason, Spec, Value};
use fathometer_engine::output::{Fault, FaultKind, Outbox, Output, Remedy, Status};
use fathometer_engine::units::{Decimal, Level, Nanos, Price, Size};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Trades kept per instrument; the oldest goes first.
pub const TRADES_MAX: usize = 60;
/// Faults kept; the oldest goes first, `faults_seen` counts all.
pub const FAULTS_MAX: usize = 200;
/// Mids kept per instrument for the small chart, one per second; the oldest goes first.
pub const HISTORY_MAX: usize = 120;
const HISTORY_STEP_NANOS: i64 = 1_000_000_000;

/// Everything a screen shows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct View {
    /// Where the numbers come from.
    pub mode: Mode,
    /// Event time of the last output.
    pub now: Nanos,
    /// What the columns of the samples are.
    pub columns: Vec<Column>,
    /// Every instrument, by index.
    pub markets: Vec<Market>,
    /// The latest faults, oldest first.
    pub faults: VecDeque<FaultLine>,
    /// Faults since the start.
    pub faults_seen: u64,
}

/// Where the numbers come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Mode {
    /// The exchanges.
    #[default]
    Live,
    /// The local exchange.
    Demo {
        /// Seed of the simulated market.
        seed: u64,
    },
    /// A recording.
    Replay {
        /// Which.
        source: String,
        /// How many times as fast as it was; 0 = as fast as possible.
        speed: f64,
    },
}

/// One column of the samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Stable name.
    pub id: String,
    /// Unit.
    pub unit: String,
    /// One sentence.
    pub help: String,
}

/// One instrument.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Market {
    /// `venue:symbol`.
    pub id: String,
    /// What is known of it.
    pub info: Instrument,
    /// State and counters of its book.
    pub status: Option<Status>,
    /// When the values were sampled.
    pub sampled_at: Nanos,
    /// The latest values, in the order of `columns`.
    pub values: Vec<Value>,
    /// Top of the book, best first.
    pub bids: Vec<Level>,
    /// Top of the book, best first.
    pub asks: Vec<Level>,
    /// When the levels were so.
    pub laddered_at: Nanos,
    /// Latest trades, newest last.
    pub trades: VecDeque<TradeLine>,
    /// Mids, one per second, newest last; absent where the book could not be vouched for.
    pub mids: VecDeque<Option<f64>>,
    /// Instant of the newest of `mids`.
    pub mids_at: Nanos,
    /// Latest funding rate, fraction per interval, and when it is paid.
    pub funding: Option<(Decimal, Nanos)>,
    /// Trading state as the venue writes it.
    pub state: Option<String>,
    /// From the venue's push to our receipt, mean of about the last minute, ms; corrected where the clocks are known.
    #[serde(default)]
    pub latency_avg_ms: Option<f64>,
}

/// One trade.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TradeLine {
    /// When it was received.
    pub at: Nanos,
    /// Price, units.
    pub price: Price,
    /// Size, units.
    pub size: Size,
    /// Whether the taker bought.
    pub taker_buy: bool,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultLine {
    /// When.
    pub at: Nanos,
    /// Whose book, if one: `venue:symbol`.
    pub instrument: Option<String>,
    /// What kind.
    pub kind: FaultKind,
    /// What is done about it.
    pub remedy: Remedy,
    /// What happened.
    pub text: String,
}

impl View {
    /// Nothing seen yet; the columns are those of the metrics' catalogue.
    pub fn new(mode: Mode, catalogue: &[Spec]) -> Self {
        let column = |spec: &Spec| Column { id: spec.id.clone(), unit: spec.unit.into(), help: spec.help.into() };
        View { mode, columns: catalogue.iter().map(column).collect(), ..View::default() }
    }

    /// Takes in one output; what is bulky stands in its outbox.
    pub fn apply(&mut self, output: &Output, outbox: &Outbox) {
        match output {
            Output::Market { at, stamped, .. } => self.market(*at, stamped),
            Output::Sample { at, instrument, start, len } => {
                let range = *start as usize..(*start as usize).saturating_add(*len as usize);
                self.sample(*at, *instrument, outbox.values.get(range).unwrap_or_default());
            }
            Output::Ladder { at, instrument, span } => self.ladder(*at, *instrument, *span, &outbox.levels),
            Output::Status(status) => {
                self.now = self.now.max(status.at);
                if let Some(market) = self.get_mut(status.instrument) {
                    market.pass(status);
                }
            }
            Output::Instrument { instrument, info } => self.instrument(*instrument, info),
            Output::Fault(fault) => self.fault(fault),
            // `hub` keeps the heatmap, `alerts` the watch.
            Output::Relief { .. } | Output::Alert(_) | Output::Board(_) | Output::Group(_) | Output::Action(_) => {}
        }
    }

    /// The value of a column for an instrument.
    pub fn value(&self, market: &Market, column: &str) -> Value {
        let index = self.columns.iter().position(|known| known.id == column);
        index.and_then(|index| market.values.get(index).copied()).unwrap_or(Value::Absent(Reason::NoData))
    }

    /// A copy in which only one instrument has its ladder, trades and history.
    pub fn condensed(&self, detail: &str) -> View {
        let markets = self.markets.iter().map(|market| if market.id == detail { market.clone() } else { market.row() });
        View {
            mode: self.mode.clone(),
            now: self.now,
            columns: self.columns.clone(),
            markets: markets.collect(),
            faults: self.faults.clone(),
            faults_seen: self.faults_seen,
        }
    }

    /// An instrument by its index.
    pub fn get(&self, id: InstrumentId) -> Option<&Market> {
        self.markets.get(id.0 as usize)
    }

    /// A fault that the engine does not know of: the tape, a queue.
    pub fn note(&mut self, line: FaultLine) {
        self.now = self.now.max(line.at);
        self.faults_seen += 1;
        push(&mut self.faults, line, FAULTS_MAX);
    }

    /// An instrument is known, or more is known of it.
    pub fn instrument(&mut self, id: InstrumentId, info: &Instrument) {
        let index = id.0 as usize;
        if index > self.markets.len() {
            return; // indices are given out one by one
        }
        match self.markets.get_mut(index) {
            Some(market) => market.learn(info),
            None => self.markets.push(Market::new(info)),
        }
    }

    fn get_mut(&mut self, id: InstrumentId) -> Option<&mut Market> {
        self.markets.get_mut(id.0 as usize)
    }

    fn market(&mut self, at: Nanos, stamped: &Stamped) {
        self.now = self.now.max(at);
        let Some(market) = self.get_mut(stamped.instrument) else { return };
        match &stamped.event {
            Event::Trade(trade) => {
                let line = TradeLine { at, price: trade.price, size: trade.size, taker_buy: trade.taker_buy };
                push(&mut market.trades, line, TRADES_MAX);
            }
            Event::Funding { rate, next } => market.funding = Some((*rate, *next)),
            Event::Status { state, .. } => market.state = Some(state.clone()),
            Event::Instrument(info) => market.learn(info),
            _ => {}
        }
    }

    fn sample(&mut self, at: Nanos, id: InstrumentId, values: &[Value]) {
        self.now = self.now.max(at);
        let mid = self.columns.iter().position(|column| column.id == "mid");
        let Some(market) = self.get_mut(id) else { return };
        market.sampled_at = at;
        market.values.clear();
        market.values.extend(values.iter().map(|value| finite(*value)));
        // Whole seconds, so that a replay that begins later keeps the same mids.
        if at.0.div_euclid(HISTORY_STEP_NANOS) > market.mids_at.0.div_euclid(HISTORY_STEP_NANOS) {
            market.mids_at = at;
            let value = mid.and_then(|mid| market.values.get(mid));
            let mid = value.and_then(|value| if let Value::Is(mid) = value { Some(*mid) } else { None });
            push(&mut market.mids, mid, HISTORY_MAX);
        }
    }

    fn ladder(&mut self, at: Nanos, id: InstrumentId, span: LevelSpan, levels: &[Level]) {
        self.now = self.now.max(at);
        let Some(market) = self.get_mut(id) else { return };
        market.laddered_at = at;
        market.bids.clear();
        market.bids.extend_from_slice(levels.get(span.bids()).unwrap_or_default());
        market.asks.clear();
        market.asks.extend_from_slice(levels.get(span.asks()).unwrap_or_default());
    }

    fn fault(&mut self, fault: &Fault) {
        let instrument = fault.instrument.and_then(|id| self.get(id)).map(|market| market.id.clone());
        let line =
            FaultLine { at: fault.at, instrument, kind: fault.kind, remedy: fault.remedy, text: fault.text.clone() };
        self.note(line);
    }
}

impl Market {
    fn new(info: &Instrument) -> Self {
        Market {
            id: info.id(),
            info: info.clone(),
            status: None,
            sampled_at: Nanos(0),
            values: Vec::new(),
            bids: Vec::new(),
            asks: Vec::new(),
            laddered_at: Nanos(0),
            trades: VecDeque::new(),
            mids: VecDeque::new(),
            mids_at: Nanos(i64::MIN),
            funding: None,
            state: None,
            latency_avg_ms: None,
        }
    }

    /// Takes in its status, which comes once a second.
    fn pass(&mut self, status: &Status) {
        const SHARE: f64 = 1.0 / 60.0;
        let nanos = status.latency_ns.map(|(corrected, _)| corrected).or(status.latency_raw_ns);
        if let Some(ms) = nanos.map(|nanos| nanos as f64 / 1e6) {
            self.latency_avg_ms = Some(self.latency_avg_ms.map_or(ms, |mean| mean + (ms - mean) * SHARE));
        }
        self.status = Some(status.clone());
    }

    /// What a row of a table needs.
    fn row(&self) -> Self {
        Market {
            status: self.status.clone(),
            sampled_at: self.sampled_at,
            values: self.values.clone(),
            laddered_at: self.laddered_at,
            funding: self.funding,
            state: self.state.clone(),
            latency_avg_ms: self.latency_avg_ms,
            ..Market::new(&self.info)
        }
    }

    /// Takes over what is known now; what was kept in other units is forgotten, the next ladder brings it anew.
    fn learn(&mut self, info: &Instrument) {
        if info.scale != self.info.scale {
            self.bids.clear();
            self.asks.clear();
            self.trades.clear();
        }
        self.info = info.clone();
    }
}

/// A number that is none is absent, on every screen.
fn finite(value: Value) -> Value {
    match value {
        Value::Is(number) if !number.is_finite() => Value::Absent(Reason::Undefined),
        other => other,
    }
}

pub(crate) fn push<T>(ring: &mut VecDeque<T>, item: T, max: usize) {
    if ring.len() >= max {
        ring.pop_front();
    }
    ring.push_back(item);
}

#[cfg(test)]
pub(crate) mod tests;
