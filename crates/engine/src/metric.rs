//! The metrics: one file each, listed once. A metric is updated by what is seen of its instrument and sampled on the
//! event-time grid; it never sees JSON, a clock or another instrument's book.
#![cfg_attr(test, allow(clippy::inconsistent_digit_grouping))] // 100_05 in tests: the hundredths stand apart

use crate::book::Book;
use crate::event::Stamped;
use crate::instrument::Instrument;
use crate::output::Validity;
use crate::units::{Level, Nanos, Scale, Size};
use serde::{Deserialize, Serialize};

mod bars;
mod integrated_ofi;
mod log;
mod params;
mod quote;
mod scores;
mod seconds;
mod top;
mod trades;
mod window;

pub(crate) use log::ln_ratio;
pub use params::Params;
pub use quote::Finer;
pub use top::{Best, Top, Touch};
pub use trades::OneKind;

/// A number, or the reason why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// The number, in the unit of its `Spec`.
    Is(f64),
    /// Absent.
    Absent(Reason),
}

impl Value {
    /// The number, if there is one.
    pub fn get(self) -> Option<f64> {
        match self {
            Value::Is(x) => Some(x),
            Value::Absent(_) => None,
        }
    }
}

impl From<f64> for Value {
    /// The number, or `Undefined` for what is not finite.
    fn from(x: f64) -> Self {
        if x.is_finite() { Value::Is(x) } else { Value::Absent(Reason::Undefined) }
    }
}

impl From<Result<f64, Reason>> for Value {
    fn from(result: Result<f64, Reason>) -> Self {
        result.map_or_else(Value::Absent, Value::from)
    }
}

/// Why a number is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The book is not live.
    BookInvalid,
    /// It would need levels that are not known (beyond the snapshot's last level, untouched since).
    BeyondTrusted,
    /// A side of the book is empty.
    EmptySide,
    /// The book does not hold that much.
    NotFillable,
    /// Too little was seen yet.
    Warmup,
    /// Nothing of the kind was received.
    NoData,
    /// What was received is too old.
    TooOld,
    /// Makes no sense for this kind of instrument.
    NotApplicable,
    /// The contract's value is not known yet.
    ContractUnknown,
    /// Not a finite number.
    Undefined,
}

/// What a column means: feeds `fathometer list metrics`, the catalogue, column heads and the documentation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spec {
    /// Stable name with its unit: `spread_bps`.
    pub id: String,
    /// Unit: `bps`, `quote`, `base/s`, `ratio`.
    pub unit: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// The formula, in plain text, and where it comes from.
    pub formula: &'static str,
}

/// One event of the instrument, with its book after the event.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// When it was received.
    pub at: Nanos,
    /// What.
    pub stamped: &'a Stamped,
    /// The changed levels, if it is a depth event: bids then asks, as in its span (relative to this slice).
    pub levels: &'a [Level],
    /// What stood at each of these levels before; empty where the book began anew with this event.
    pub before: &'a [Size],
    /// The best levels after the event and those before it, where the book was believed; filled in by `Metrics::on`.
    pub best: [Option<Best>; 2],
    /// The book after it.
    pub book: &'a Book,
    /// Whether the book may be believed.
    pub validity: Validity,
    /// What is traded.
    pub instrument: &'a Instrument,
}

/// Prices of the same underlying from elsewhere, with the time they were received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Peers {
    /// Mark price of this instrument.
    pub mark: Option<(f64, Nanos)>,
    /// Index price of the underlying.
    pub index: Option<(f64, Nanos)>,
    /// Mid of the spot book of the same group, same exchange first.
    pub spot_mid: Option<(f64, Nanos)>,
}

/// The instant at which samples are taken.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The grid instant.
    pub at: Nanos,
    /// The book then.
    pub book: &'a Book,
    /// Whether the book may be believed.
    pub validity: Validity,
    /// What is traded.
    pub instrument: &'a Instrument,
    /// Prices from elsewhere.
    pub peers: Peers,
}

/// What every metric does. Static dispatch: `Metrics` holds each by its own type.
pub trait Metric: Sized + Clone + Serialize + for<'de> Deserialize<'de> {
    /// A fresh state.
    fn new(params: &Params) -> Self;
    /// The columns it fills, in order; always as many as `sample` writes.
    fn specs(params: &Params) -> Vec<Spec>;
    /// An event of its instrument.
    fn on(&mut self, _seen: &Seen<'_>) {}
    /// The book is no longer believed: what was derived from its continuity starts anew.
    fn on_gap(&mut self) {}
    /// The instrument's units became finer: whatever is kept in units is multiplied.
    fn on_rescale(&mut self, _finer: Finer) {}
    /// Writes its columns; `top` is the top of the moment's book, prepared once for all.
    fn sample(&mut self, moment: &Moment<'_>, top: &Top, out: &mut Vec<Value>);
}

macro_rules! metrics {
    ($($file:ident :: $name:ident),+ $(,)?) => {
        $(pub mod $file;)+

        /// All metrics of one instrument.
        #[allow(missing_docs)]
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub struct Metrics { top: Top, scores: scores::Scores, $(pub $file: $file::$name,)+ }

        impl Metrics {
            /// Fresh states.
            pub fn new(params: &Params) -> Self {
                let scores = scores::Scores::new(params, &own(params));
                Metrics { top: Top::new(params), scores, $($file: $file::$name::new(params),)+ }
            }
            /// An event of the instrument; the same with the best levels after it and before it filled in.
            pub fn on<'a>(&mut self, seen: &Seen<'a>) -> Seen<'a> {
                let seen = Seen { best: self.top.on(seen), ..*seen };
                $(self.$file.on(&seen);)+
                seen
            }
            /// The book is no longer believed.
            pub fn on_gap(&mut self) {
                self.top.on_gap();
                self.scores.on_gap();
                $(self.$file.on_gap();)+
            }
            /// The instrument's units became finer.
            pub fn on_rescale(&mut self, from: Scale, to: Scale) {
                let finer = Finer::between(from, to);
                self.top.on_rescale(finer);
                $(self.$file.on_rescale(finer);)+
            }
            /// Appends every column's value.
            pub fn sample(&mut self, moment: &Moment<'_>, out: &mut Vec<Value>) {
                let from = out.len();
                self.top.fill(moment);
                $(self.$file.sample(moment, &self.top, out);)+
                self.scores.sample(moment.at, from, out);
            }
        }

        /// The columns of the metrics themselves.
        fn own(params: &Params) -> Vec<Spec> {
            let mut all = Vec::new();
            $(all.extend($file::$name::specs(params));)+
            all
        }

        /// Every column, in the order in which samples hold them.
        pub fn catalogue(params: &Params) -> Vec<Spec> {
            let mut all = own(params);
            all.extend(scores::Scores::specs(params, &all));
            all
        }
    };
}

metrics! {
    mid::Mid,
    microprice::Microprice,
    queue_imbalance::QueueImbalance,
    imbalance::Imbalance,
    depth::Depth,
    slippage::Slippage,
    weighted_price::WeightedPrice,
    slope::Slope,
    ofi::Ofi,
    ofi_levels::OfiLevels,
    vwap::Vwap,
    volume::Volume,
    volatility::Volatility,
    rates::Rates,
    basis::Basis,
    funding::Funding,
    kyle::Kyle,
    amihud::Amihud,
    roll::Roll,
    bipower::Bipower,
    parkinson::Parkinson,
    two_scale::TwoScale,
    vpin::Vpin,
    effective_spread::EffectiveSpread,
    hawkes::Hawkes,
    stoikov::Stoikov,
    level_rates::LevelRates,
    resilience::Resilience,
    premium::Premium,
}

/// Where a column stands in a sample.
pub fn column(params: &Params, id: &str) -> Option<usize> {
    catalogue(params).iter().position(|spec| spec.id == id)
}

/// The catalogue as a Markdown table, for the documentation.
pub fn catalogue_markdown(params: &Params) -> String {
    let cell = |text: &str| text.replace('|', "\\|");
    let mut text = String::from("| column | unit | what it is | formula |\n|---|---|---|---|\n");
    for spec in catalogue(params) {
        let (unit, help, formula) = (cell(spec.unit), cell(spec.help), cell(spec.formula));
        text.push_str(&format!("| `{}` | {unit} | {help} | {formula} |\n", spec.id));
    }
    text
}

#[cfg(test)]
mod tests;
