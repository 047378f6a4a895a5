//! The detectors: one file each, listed once. A detector sees the events of one instrument and, on the sampling grid, the
//! book, the metrics and what the other venues quote; it says what it finds, and `surveillance` makes alerts of it.

use crate::alert::Severity;
use crate::book::Book;
use crate::instrument::{Instrument, InstrumentId, Kind, Venue};
use crate::metric::{self, Finer, Peers, Seen, Value};
use crate::output::{Counters, Validity};
use crate::units::{NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos, Scale};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt::Debug;

/// What a detector is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// The dual condition that the users of such systems know: threshold and z-score.
    Classic,
    /// Is there something to trade against?
    Liquidity,
    /// Is someone playing games?
    Manipulation,
    /// Is the price right?
    Pricing,
    /// Is it the market at all, or the data?
    Feed,
}

/// What a detector is: feeds the catalogue, the page and the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct About {
    /// Stable name: `spoofing`.
    pub id: &'static str,
    /// For people: `Spoofing`.
    pub title: &'static str,
    /// What it is about.
    pub family: Family,
    /// One paragraph: what it can see in level data, and what it cannot.
    pub sees: &'static str,
    /// Where the rule comes from.
    pub source: &'static str,
    /// Whether it is asked only while the book may be believed.
    pub needs_book: bool,
    /// How its alerts live.
    pub pace: Pace,
}

/// How the alerts of a detector live.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Pace {
    /// An alert is resolved when nothing was found for that long, ms.
    pub clear_ms: u32,
    /// After that, the same is not raised again for that long, ms.
    pub cooldown_ms: u32,
}

/// A number that a finding rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Stable name with the unit: `spread_bps`.
    pub name: Cow<'static, str>,
    /// The number.
    pub value: f64,
    /// What it was compared with.
    pub cut: Option<f64>,
    /// How unusual it was, standard deviations.
    pub zscore: Option<f64>,
}

impl Measure {
    /// A number with what it was compared with.
    pub fn new(name: &'static str, value: f64, cut: Option<f64>) -> Self {
        Measure { name: Cow::Borrowed(name), value, cut, zscore: None }
    }

    /// The same with its z-score.
    #[must_use]
    pub fn with_zscore(mut self, zscore: f64) -> Self {
        self.zscore = Some(zscore);
        self
    }
}

/// Something that a detector found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is about within the detector (a side, a price, a direction): the same key is the same alert.
    pub key: u64,
    /// How bad.
    pub severity: Severity,
    /// How long it has to be found again and again before it is an alert, ms; 0 at once.
    pub persist_ms: u32,
    /// It has fallen below its threshold but not to where it is over: keeps an alert, raises none.
    pub holds: bool,
    /// When what was found began.
    pub since: Nanos,
    /// What happened, one sentence for people, without the instrument's name.
    pub text: String,
    /// What it rests on.
    pub evidence: Vec<Measure>,
}

/// Why a detector could not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// Too few samples for a z-score.
    ZscoreWarmup,
    /// The book may not be believed.
    BookInvalid,
    /// The book was rebuilt a moment ago.
    Gap,
    /// It would need levels that are not known.
    BeyondTrusted,
    /// What it needs was not received.
    NoData,
    /// Makes no sense for this instrument.
    NotApplicable,
}

impl Skip {
    /// Every reason, in the order in which they are counted.
    pub const ALL: [Skip; 6] =
        [Skip::ZscoreWarmup, Skip::BookInvalid, Skip::Gap, Skip::BeyondTrusted, Skip::NoData, Skip::NotApplicable];
}

/// What a detector looks at all the time, for the board: `spread 0.4 bps, warning at 3, z 0.2`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gauge {
    /// The measure and its cut.
    pub measure: Option<Measure>,
    /// Samples of the z-score so far and needed, while it warms up.
    pub warmup: Option<(u32, u32)>,
}

/// Where detectors put what they find.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub(crate) detector: u8,
    pub(crate) findings: Vec<(u8, Finding)>,
    pub(crate) skips: Vec<(u8, Skip)>,
    pub(crate) gauges: Vec<(u8, Gauge)>,
}

impl Found {
    /// Something was found.
    pub fn raise(&mut self, finding: Finding) {
        self.findings.push((self.detector, finding));
    }

    /// It could not tell.
    pub fn skip(&mut self, why: Skip) {
        self.skips.push((self.detector, why));
    }

    /// What it looks at, on the board.
    pub fn gauge(&mut self, gauge: Gauge) {
        self.gauges.push((self.detector, gauge));
    }
}

/// What another instrument of the group quotes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mate {
    /// Which.
    pub id: InstrumentId,
    /// Where.
    pub venue: Venue,
    /// Spot, perpetual or dated future.
    pub kind: Kind,
    /// Best bid, quote currency.
    pub bid: f64,
    /// Best ask, quote currency.
    pub ask: f64,
    /// Last change of its book, receive time.
    pub at: Nanos,
}

impl Mate {
    /// Mid, quote currency.
    pub fn mid(&self) -> f64 {
        f64::midpoint(self.bid, self.ask)
    }
}

/// Where the columns that detectors read stand in a sample; found once.
#[derive(Clone, Debug, Default)]
pub struct Columns(Vec<(String, usize)>);

impl Columns {
    /// Of the catalogue with these parameters.
    pub fn new(params: &metric::Params) -> Self {
        let mut columns: Vec<_> =
            metric::catalogue(params).into_iter().enumerate().map(|(at, spec)| (spec.id, at)).collect();
        columns.sort();
        Columns(columns)
    }

    /// Where that one stands.
    pub fn find(&self, id: &str) -> Option<usize> {
        let at = self.0.binary_search_by(|(name, _)| name.as_str().cmp(id)).ok()?;
        self.0.get(at).map(|(_, column)| *column)
    }
}

/// The instant at which detectors look at the whole: after each sample.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// The grid instant.
    pub at: Nanos,
    /// The book then.
    pub book: &'a Book,
    /// Whether the book may be believed.
    pub validity: Validity,
    /// A crossed book is legal now (auction, pre-open).
    pub may_cross: bool,
    /// What is traded.
    pub instrument: &'a Instrument,
    /// Mark, index and spot.
    pub peers: Peers,
    /// The sample that was just taken.
    pub values: &'a [Value],
    /// What its columns are.
    pub columns: &'a Columns,
    /// Live books of the same underlying elsewhere, this one left out.
    pub mates: &'a [Mate],
    /// What was counted.
    pub counters: &'a Counters,
    /// Receive time minus the venue's, last event, ns.
    pub latency_raw_ns: Option<i64>,
    /// Receive time of the last depth message.
    pub depth_at: Nanos,
}

impl Look<'_> {
    /// A metric's value; absent too where there is no such column.
    pub fn value(&self, id: &str) -> Option<f64> {
        self.columns.find(id).and_then(|at| self.values.get(at)).and_then(|value| value.get())
    }

    /// Best bid and ask, quote currency, where the book may be believed.
    pub fn touch(&self) -> Option<(f64, f64)> {
        use crate::units::Side::{Ask, Bid};
        let (bid, ask) = (self.book.best(Bid)?, self.book.best(Ask)?);
        let scale = self.instrument.scale;
        (self.validity == Validity::Live).then(|| (scale.price_f64(bid.price), scale.price_f64(ask.price)))
    }
}

/// What every detector does. Static dispatch: `Detectors` holds each by its own type. State is bounded, whatever comes.
pub trait Detector: Sized + Clone + Debug + Default + Serialize + DeserializeOwned {
    /// What can be chosen; every field is a number, a truth value or a list of numbers, so that it can stand in YAML.
    type Params: Clone + PartialEq + Debug + Default + Serialize + DeserializeOwned;
    /// What it is.
    const ABOUT: About;
    /// An event of its instrument.
    fn on(&mut self, _seen: &Seen<'_>, _params: &Self::Params, _found: &mut Found) {}
    /// The sampling grid.
    fn look(&mut self, _look: &Look<'_>, _params: &Self::Params, _found: &mut Found) {}
    /// The book is no longer believed: what was derived from its continuity starts anew.
    fn on_gap(&mut self) {}
    /// The instrument's units became finer: whatever is kept in units is multiplied.
    fn on_rescale(&mut self, _finer: Finer) {}
}

/// After a rebuild, what detectors saw of the book is not believed for that long, ns: the levels that a snapshot brings are
/// no orders that came.
pub(crate) const SETTLE_NANOS: i64 = 2 * NANOS_PER_SECOND;
/// How long after the last finding a condition still counts as unbroken, ns.
pub(crate) const LAPSE_NANOS: i64 = 1_500 * NANOS_PER_MILLI;

macro_rules! detectors {
    ($($file:ident :: $name:ident),+ $(,)?) => {
        $(pub mod $file;)+

        /// What can be chosen about every detector.
        #[allow(missing_docs)]
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Params { $(pub $file: <$file::$name as Detector>::Params,)+ }

        /// All detectors of one instrument.
        #[allow(missing_docs)]
        #[derive(Clone, Debug, Default, Serialize, Deserialize)]
        pub struct Detectors { $(pub $file: $file::$name,)+ }

        /// Every detector, in the order in which `Finding`s number them.
        pub const CATALOGUE: &[About] = &[$(<$file::$name as Detector>::ABOUT,)+];

        impl Detectors {
            /// An event of the instrument; `sound` where the book may be believed.
            pub(crate) fn on(&mut self, seen: &Seen<'_>, sound: bool, params: &Params, found: &mut Found) {
                found.detector = 0;
                $(
                    if sound || !<$file::$name as Detector>::ABOUT.needs_book {
                        self.$file.on(seen, &params.$file, found);
                    }
                    found.detector += 1;
                )+
            }

            /// The sampling grid; `why` those that need the book are not asked.
            pub(crate) fn look(&mut self, look: &Look<'_>, why: Option<Skip>, params: &Params, found: &mut Found) {
                found.detector = 0;
                $(
                    match why {
                        Some(why) if <$file::$name as Detector>::ABOUT.needs_book => found.skip(why),
                        _ => self.$file.look(look, &params.$file, found),
                    }
                    found.detector += 1;
                )+
            }

            /// The book is no longer believed.
            pub(crate) fn on_gap(&mut self) {
                $(self.$file.on_gap();)+
            }

            /// The instrument's units became finer.
            pub(crate) fn on_rescale(&mut self, from: Scale, to: Scale) {
                let finer = Finer::between(from, to);
                $(self.$file.on_rescale(finer);)+
            }
        }
    };
}

detectors! {
    crossed::Crossed,
    spread::Spread,
    basis::Basis,
    depth::Depth,
    wall::Walls,
    layering::Layering,
    iceberg::Iceberg,
    absorption::Absorption,
    exhaustion::Exhaustion,
    vacuum::Vacuum,
    stall::Stall,
    gap_rate::GapRate,
    clock_jump::ClockJump,
    audit_mismatch::AuditMismatch,
    spoofing::Spoofing,
    stuffing::Stuffing,
    ignition::Ignition,
    pinging::Pinging,
    marking::Marking,
    wash::Wash,
    pump::Pump,
    dislocation::Dislocation,
    divergence::Divergence,
    stale_price::StalePrice,
    funding_pressure::FundingPressure,
    cascade::Cascade,
}

mod band;
mod bars;
mod consensus;
pub mod dual;
mod near;
mod rolling;
mod usual;

#[cfg(test)]
pub(crate) mod tests;
