//! The laboratory's stage: scripted manipulations and failures of liquidity, drawn from a seed, put into simulated or recorded
//! flow as orders that would have been there, and told in the venues' own words with labels of what was when.

mod act;
mod layer;
mod liquidity;
mod manipulation;
mod pricing;
mod script;
mod stage;
mod take;
#[cfg(test)]
mod tests;
mod typical;

pub use take::Take;

use crate::market::Source;
use crate::sim::{self, Regime, Rng, Simulation, demo_listings};
use anyhow::{Context, Result};
use fathometer_engine::input::Input;
use fathometer_engine::instrument::{Instrument, Kind as Product, Venue};
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};
use script::Script;
use serde::Serialize;
use stage::Stage;

/// Before a script begins, seconds: at least, and drawn on top.
const QUIET_SECONDS: (f64, f64) = (75.0, 15.0);
/// After it ended, seconds.
const TAIL_SECONDS: f64 = 45.0;
/// A recording has to be at least that long for a script to play in it, seconds.
pub const TAKE_SECONDS_MIN: i64 = 240;
/// Midnight UTC of a day on which simulated scenes play, ns; funding is paid every eight hours from it.
const DAY: Nanos = Nanos(1_793_491_200 * NANOS_PER_SECOND);
const FUNDING_NANOS: i64 = 8 * 3600 * NANOS_PER_SECOND;
/// Streams of the draws of a run; listings of the simulation have those from 1 on.
const STREAM_SCENE: u64 = 0x5ce0e;
const STREAM_SCRIPT: u64 = 0x5c419;

/// Which markets a kind needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ground {
    /// Any one market, simulated or recorded.
    One,
    /// A perpetual, simulated or recorded.
    Perpetual,
    /// A perpetual with its spot market.
    Pair,
    /// The same pair on several venues.
    Venues,
}

macro_rules! kinds {
    ($($name:ident $id:literal $group:ident::$play:ident $ground:ident [$($detector:literal),+] $says:literal;)+) => {
        /// What a script plays.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind { $(#[doc = $says] $name,)+ }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Kind] = &[$(Kind::$name,)+];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $(Kind::$name => $id,)+ }
            }

            /// What happens, one sentence.
            pub fn says(self) -> &'static str {
                match self { $(Kind::$name => $says,)+ }
            }

            /// Ids of the detectors that count as finding it.
            pub fn detectors(self) -> &'static [&'static str] {
                match self { $(Kind::$name => &[$($detector),+],)+ }
            }

            fn ground(self) -> Ground {
                match self { $(Kind::$name => Ground::$ground,)+ }
            }

            fn play(self, script: &mut Script) {
                match self { $(Kind::$name => $group::$play(script),)+ }
            }
        }
    };
}

kinds! {
    Wall "wall" liquidity::wall One ["wall"] "A large order stands near the price and is pulled.";
    Layering "layering" liquidity::layering One ["layering"] "Neighbouring levels fill up and vanish together.";
    Exhaustion "exhaustion" liquidity::exhaustion One ["exhaustion"] "Depth halves while the spread doubles.";
    Vacuum "vacuum" liquidity::vacuum One ["vacuum"] "A sweep leaves a side empty, and it comes back slowly.";
    Iceberg "iceberg" liquidity::iceberg One ["iceberg"] "A price is hit again and again and shows the same size again.";
    Absorption "absorption" liquidity::absorption One ["absorption"] "A price takes in far more than usual and holds.";
    Spread "spread" liquidity::spread One ["spread"] "The spread is wide and stays wide.";
    Depth "depth" liquidity::depth One ["depth"] "Most of what rests near the price is gone.";
    Spoofing "spoofing" manipulation::spoofing One ["spoofing"] "Large orders near the touch, gone once they have worked.";
    Stuffing "stuffing" manipulation::stuffing One ["stuffing"] "Orders by the hundred, placed and taken out at once.";
    Ignition "ignition" manipulation::ignition One ["ignition"] "A burst of taker orders starts a move and sells into it.";
    Pinging "pinging" manipulation::pinging One ["pinging"] "The smallest orders feel for what is hidden.";
    Marking "marking" manipulation::marking Pair ["marking"] "The price is pushed just before funding is fixed.";
    Wash "wash" manipulation::wash One ["wash"] "Somebody trades with himself.";
    Pump "pump" manipulation::pump One ["pump"] "The price is bought up and everything sold to those who followed.";
    Dislocation "dislocation" pricing::dislocation Pair ["dislocation", "basis"] "A perpetual walks away from its index and spot.";
    Divergence "divergence" pricing::divergence Venues ["divergence"] "One venue quotes away from all others.";
    StalePrice "stale_price" pricing::stale_price Venues ["stale_price"] "One venue stands still while the others move.";
    FundingPressure "funding_pressure" pricing::funding_pressure Pair ["funding_pressure"] "Somebody leans on the perpetual before funding is paid.";
    Cascade "cascade" pricing::cascade Perpetual ["cascade"] "Forced orders push the price to where the next are forced.";
}

impl Kind {
    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Whether it can be played in that recording.
    pub fn fits(self, take: &Take) -> bool {
        match self.ground() {
            Ground::One => true,
            Ground::Perpetual => take.instrument().kind == Product::Perpetual,
            Ground::Pair | Ground::Venues => false,
        }
    }
}

/// How strong and how well hidden.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dials {
    /// 1 is as usual.
    pub intensity: f64,
    /// 0 blatant, 1 well hidden.
    pub disguise: f64,
}

impl Default for Dials {
    fn default() -> Self {
        Dials { intensity: 1.0, disguise: 0.3 }
    }
}

/// What was played from when to when, by our clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    /// What.
    pub kind: Kind,
    /// First act.
    pub start: Nanos,
    /// Last act.
    pub end: Nanos,
}

/// A market on which one script is played, or none.
pub struct Scene {
    stage: Stage,
    kind: Option<Kind>,
    dials: Dials,
    rng: Rng,
    begins: Nanos,
    funding: Nanos,
    ends: Nanos,
    label: Option<Label>,
    instruments: Vec<Instrument>,
}

impl Scene {
    /// A simulated market of that seed; without a kind nothing is played for `TAKE_SECONDS_MIN`.
    ///
    /// # Errors
    /// The simulation lists no such market.
    pub fn simulated(kind: Option<Kind>, seed: u64, dials: Dials) -> Result<Scene> {
        let mut rng = Rng::new(seed, STREAM_SCENE + kind.map_or(0, |k| 1 + k as u64));
        let quiet = QUIET_SECONDS.0 + QUIET_SECONDS.1 * rng.unit();
        let before_funding = if kind == Some(Kind::FundingPressure) { 55.0 } else { 25.0 };
        let funding = DAY.plus(FUNDING_NANOS * (1 + rng.below(2) as i64));
        let start = match kind.map(Kind::ground) {
            Some(Ground::Pair) if kind != Some(Kind::Dislocation) => {
                funding.plus(-((quiet + before_funding) * NANOS_PER_SECOND as f64) as i64)
            }
            _ => funding.plus(-3 * 3600 * NANOS_PER_SECOND),
        };
        let coin = if rng.chance(0.5) { "BTC" } else { "ETH" };
        let wanted: &[(Venue, Product)] = match kind.map_or(Ground::One, Kind::ground) {
            Ground::One => match rng.below(3) {
                0 => &[(Venue::Binance, Product::Spot)],
                1 => &[(Venue::BinanceUsdm, Product::Perpetual)],
                _ => &[(Venue::Okx, Product::Spot)],
            },
            Ground::Perpetual => &[(Venue::BinanceUsdm, Product::Perpetual)],
            Ground::Pair => &[(Venue::BinanceUsdm, Product::Perpetual), (Venue::Binance, Product::Spot)],
            Ground::Venues if rng.chance(0.5) => &[
                (Venue::Binance, Product::Spot),
                (Venue::Okx, Product::Spot),
                (Venue::BinanceUsdm, Product::Perpetual),
            ],
            Ground::Venues => &[
                (Venue::Okx, Product::Spot),
                (Venue::Binance, Product::Spot),
                (Venue::BinanceUsdm, Product::Perpetual),
            ],
        };
        let all = demo_listings();
        let find = |(venue, product): &(Venue, Product)| {
            let fits = |i: &Instrument| i.venue == *venue && i.kind == *product && i.base == coin;
            all.iter().find(|l| fits(l.instrument())).cloned()
        };
        let listings: Vec<_> = wanted.iter().filter_map(find).collect();
        anyhow::ensure!(listings.len() == wanted.len(), "the simulation does not list {wanted:?} of {coin}");
        let regime = if rng.chance(0.6) { Regime::Calm } else { Regime::Busy };
        let source = Simulation::new(sim::Options { seed, start, listings, regime, rate: 1.0 });
        Ok(Scene::over(Box::new(source), (kind, dials), rng, (start, quiet, funding), false))
    }

    /// A part of a recording, drawn by the seed.
    ///
    /// # Errors
    /// The kind cannot be played in it.
    pub fn recorded(kind: Kind, seed: u64, dials: Dials, take: &Take) -> Result<Scene> {
        kind.fits(take).then_some(()).with_context(|| format!("{} cannot be played in {}", kind.name(), take.name))?;
        let mut rng = Rng::new(seed, STREAM_SCENE + 0x100 + kind as u64);
        let quiet = QUIET_SECONDS.0 + QUIET_SECONDS.1 * rng.unit();
        let room = take.length() - TAKE_SECONDS_MIN * NANOS_PER_SECOND;
        let offset = (room.max(0) as f64 * rng.unit()) as i64;
        let start = DAY.plus(5 * 3600 * NANOS_PER_SECOND);
        let source = take.from(offset, start);
        let funding = DAY.plus(FUNDING_NANOS);
        Ok(Scene::over(Box::new(source), (kind.into(), dials), rng, (start, quiet, funding), true))
    }

    fn over(
        source: Box<dyn Source>,
        (kind, dials): (Option<Kind>, Dials),
        rng: Rng,
        (start, quiet, funding): (Nanos, f64, Nanos),
        recorded: bool,
    ) -> Scene {
        let instruments = source.listings().to_vec();
        let begins = match kind {
            Some(_) => start.plus((quiet * NANOS_PER_SECOND as f64) as i64),
            None => Nanos(i64::MAX),
        };
        let ends = start.plus(TAKE_SECONDS_MIN * NANOS_PER_SECOND);
        let stage = Stage::new(source, start, recorded);
        Scene { stage, kind, dials, rng, begins, funding, ends, label: None, instruments }
    }

    /// What is traded; the first is what the script is about.
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// What was played so far.
    pub fn label(&self) -> Option<Label> {
        self.label
    }

    /// One step of the market; every input that follows is given to `each`. False at the end.
    pub fn step(&mut self, each: &mut dyn FnMut(&Input<'_>)) -> bool {
        let now = self.stage.now();
        if let (Some(kind), None, true) = (self.kind, self.label, now >= self.begins)
            && let Some(usual) = self.stage.typical(0)
        {
            let funding_seconds = self.funding.since(now) as f64 / NANOS_PER_SECOND as f64;
            let rng = Rng::new((self.rng.unit() * 2f64.powi(52)) as u64, STREAM_SCRIPT);
            let mut script = Script::new(usual, rng, self.instruments.len(), funding_seconds, self.dials);
            kind.play(&mut script);
            let (acts, label) = script.done(kind, now);
            self.ends = label.end.plus((TAIL_SECONDS * NANOS_PER_SECOND as f64) as i64);
            self.label = Some(label);
            self.stage.play(acts);
        }
        self.stage.step(each) && self.stage.now() < self.ends
    }
}
