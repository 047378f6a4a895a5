//! The weather of the market: how busy, how thin and how wide it is, and how that changes.

use super::rng::Rng;
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};

/// What kind of market is simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Regime {
    /// Tight and deep.
    Calm,
    /// More of everything, a little thinner.
    Busy,
    /// Wide, thin, fast; forced orders.
    Stressed,
    /// Changes between the three by itself.
    #[default]
    Cycle,
}

impl Regime {
    /// Every regime.
    pub const ALL: [Regime; 4] = [Regime::Calm, Regime::Busy, Regime::Stressed, Regime::Cycle];

    /// The name used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Regime::Calm => "calm",
            Regime::Busy => "busy",
            Regime::Stressed => "stressed",
            Regime::Cycle => "cycle",
        }
    }

    /// The regime of that name.
    pub fn from_name(name: &str) -> Option<Regime> {
        Regime::ALL.into_iter().find(|r| r.name() == name)
    }
}

/// What a regime means to those who trade in it.
#[derive(Debug)]
pub(crate) struct Climate {
    /// Rate of orders, against calm.
    pub(crate) intensity: f64,
    /// Volatility of the fundamental price, in basis points per square root of a second (0.3 is 17 % a year).
    pub(crate) volatility_bps: f64,
    /// Number and size of resting orders, against calm.
    pub(crate) depth: f64,
    /// Size of the orders that take, against calm.
    pub(crate) taking: f64,
    /// Spread at which makers quote: at least that many ticks, and that many basis points.
    pub(crate) spread_ticks: i64,
    pub(crate) spread_bps: f64,
    /// Mean time in which a maker answers, in milliseconds.
    pub(crate) reaction_ms: f64,
    /// Jumps of the fundamental price per second, and their standard deviation in basis points.
    pub(crate) jumps_per_second: f64,
    pub(crate) jump_bps: f64,
}

static CALM: Climate = Climate {
    intensity: 1.0,
    volatility_bps: 0.3,
    depth: 1.0,
    taking: 1.0,
    spread_ticks: 1,
    spread_bps: 0.0,
    reaction_ms: 3.0,
    jumps_per_second: 0.0,
    jump_bps: 0.0,
};

static BUSY: Climate = Climate {
    intensity: 1.8,
    volatility_bps: 0.8,
    depth: 0.75,
    taking: 1.5,
    spread_ticks: 1,
    spread_bps: 0.02,
    reaction_ms: 5.0,
    jumps_per_second: 1.0 / 180.0,
    jump_bps: 2.0,
};

static STRESSED: Climate = Climate {
    intensity: 3.0,
    volatility_bps: 1.9,
    depth: 0.35,
    taking: 2.5,
    spread_ticks: 3,
    spread_bps: 0.5,
    reaction_ms: 20.0,
    jumps_per_second: 1.0 / 25.0,
    jump_bps: 4.0,
};

/// How often the market of `Cycle` is looked at for a change, in nanoseconds.
const LOOK: i64 = NANOS_PER_SECOND;

/// The regime as it stands, changing by itself under `Cycle`.
pub(crate) struct Weather {
    cycle: bool,
    current: Regime,
    next: Nanos,
    rng: Rng,
}

impl Weather {
    pub(crate) fn new(regime: Regime, start: Nanos, rng: Rng) -> Self {
        let cycle = regime == Regime::Cycle;
        Weather { cycle, current: if cycle { Regime::Calm } else { regime }, next: start.plus(LOOK), rng }
    }

    /// The regime in force, never `Cycle`.
    pub(crate) fn regime(&self) -> Regime {
        self.current
    }

    /// The climate at `now`, which never goes back.
    pub(crate) fn at(&mut self, now: Nanos) -> &'static Climate {
        while self.cycle && self.next <= now {
            self.next = self.next.plus(LOOK);
            self.current = self.change();
        }
        match self.current {
            Regime::Busy => &BUSY,
            Regime::Stressed => &STRESSED,
            Regime::Calm | Regime::Cycle => &CALM,
        }
    }

    /// Mean stays: calm 75 s, busy 40 s, stressed 18 s.
    fn change(&mut self) -> Regime {
        let (stay, rise) = match self.current {
            Regime::Calm | Regime::Cycle => (75.0, 1.0),
            Regime::Busy => (40.0, 0.45),
            Regime::Stressed => (18.0, 0.0),
        };
        if !self.rng.chance(1.0 / stay) {
            return self.current;
        }
        let up = self.rng.chance(rise);
        match (self.current, up) {
            (Regime::Busy, true) => Regime::Stressed,
            (Regime::Busy, false) => Regime::Calm,
            _ => Regime::Busy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_visits_every_regime_and_is_mostly_not_stressed() {
        let mut weather = Weather::new(Regime::Cycle, Nanos(0), Rng::new(1, 1));
        let mut seconds = [0; 4];
        for second in 0..20_000 {
            weather.at(Nanos(second * NANOS_PER_SECOND));
            seconds[weather.regime() as usize] += 1;
        }
        let [calm, busy, stressed, cycle] = seconds;
        assert!(calm > 5_000 && busy > 5_000 && (500..5_000).contains(&stressed) && cycle == 0, "{seconds:?}");
    }

    #[test]
    fn names_lead_back_to_their_regime() {
        assert!(Regime::ALL.into_iter().all(|r| Regime::from_name(r.name()) == Some(r)));
    }
}
