//! The metrics: one file each, listed once. A metric is updated by what is seen of its instrument and sampled on the
//! event-time grid; it never sees JSON, a clock or another instrument's book.

use crate::book::Book;
use crate::event::Stamped;
use crate::instrument::Instrument;
use crate::output::Validity;
use crate::units::{Level, Nanos, Scale};
use serde::{Deserialize, Serialize};

/// A number, or the reason why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// The number, in the unit of its `Spec`.
    Is(f64),
    /// Absent.
    Absent(Reason),
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

/// What can be chosen about the metrics (`features.yaml`, `metrics:`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Depth bands around mid, bps.
    pub bands_bps: Vec<f64>,
    /// Order sizes whose slippage is shown, quote currency.
    pub slippage_notionals: Vec<f64>,
    /// Top-N imbalances.
    pub imbalance_levels: Vec<usize>,
    /// Levels of the multi-level OFI.
    pub ofi_levels: usize,
    /// Windows of the OFI sums, seconds.
    pub ofi_windows_seconds: Vec<f64>,
    /// Levels per side in the depth-weighted price and in the slope.
    pub weighted_levels: usize,
    /// Window of rolling VWAP, volumes, trade-flow imbalance and rates, seconds.
    pub trade_window_seconds: f64,
    /// Window of the realised volatility, seconds.
    pub volatility_window_seconds: f64,
    /// Sampling step of the realised volatility, seconds.
    pub volatility_step_seconds: f64,
    /// A mark, index or peer mid older than this is not used for a basis, seconds.
    pub peer_age_max_seconds: f64,
}

impl Default for Params {
    fn default() -> Self {
        Params {
            bands_bps: vec![1.0, 5.0, 10.0, 25.0, 50.0, 100.0],
            slippage_notionals: vec![10_000.0, 100_000.0, 1_000_000.0],
            imbalance_levels: vec![5, 10, 20],
            ofi_levels: 5,
            ofi_windows_seconds: vec![1.0, 10.0],
            weighted_levels: 10,
            trade_window_seconds: 60.0,
            volatility_window_seconds: 300.0,
            volatility_step_seconds: 1.0,
            peer_age_max_seconds: 10.0,
        }
    }
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
    fn on_rescale(&mut self, _from: Scale, _to: Scale) {}
    /// Writes its columns.
    fn sample(&mut self, moment: &Moment<'_>, out: &mut Vec<Value>);
}

macro_rules! metrics {
    ($($file:ident :: $name:ident),+ $(,)?) => {
        $(pub mod $file;)+

        /// All metrics of one instrument.
        #[allow(missing_docs)]
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub struct Metrics { $(pub $file: $file::$name,)+ }

        impl Metrics {
            /// Fresh states.
            pub fn new(params: &Params) -> Self {
                Metrics { $($file: $file::$name::new(params),)+ }
            }
            /// An event of the instrument.
            pub fn on(&mut self, seen: &Seen<'_>) {
                $(self.$file.on(seen);)+
            }
            /// The book is no longer believed.
            pub fn on_gap(&mut self) {
                $(self.$file.on_gap();)+
            }
            /// The instrument's units became finer.
            pub fn on_rescale(&mut self, from: Scale, to: Scale) {
                $(self.$file.on_rescale(from, to);)+
            }
            /// Appends every column's value.
            pub fn sample(&mut self, moment: &Moment<'_>, out: &mut Vec<Value>) {
                $(self.$file.sample(moment, out);)+
            }
        }

        /// Every column, in the order in which samples hold them.
        pub fn catalogue(params: &Params) -> Vec<Spec> {
            let mut all = Vec::new();
            $(all.extend($file::$name::specs(params));)+
            all
        }
    };
}

metrics! {
    mid::Mid,
}
