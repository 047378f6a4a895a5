//! Makes alerts of findings, one instrument's: persistence, escalation, de-duplication, hysteresis, cool-down.

use super::{Alert, AlertId, Severity, State};
use crate::detector::{CATALOGUE, Finding, LAPSE_NANOS, Measure, Pace};
use crate::instrument::InstrumentId;
use crate::units::{NANOS_PER_MILLI, Nanos};
use serde::{Deserialize, Serialize};

/// Alerts open at the same time, of one instrument; beyond that the findings are counted as suppressed.
const OPEN_MAX: usize = 64;
/// Alerts that are remembered for their cool-down; the oldest goes first.
const CLOSED_MAX: usize = 64;

/// Something found that is not over.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Open {
    id: AlertId,
    detector: u8,
    key: u64,
    since: Nanos,
    /// Since when it has been found without a break, by severity: at least that bad.
    held: [Option<Nanos>; Severity::ALL.len()],
    last: Nanos,
    firing: Option<(Severity, Nanos)>,
    /// Would fire, or get worse, if the budget admits it.
    ripe: Option<Severity>,
    count: u32,
    text: String,
    evidence: Vec<Measure>,
}

/// What was over lately.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Closed {
    detector: u8,
    key: u64,
    until: Nanos,
}

/// An alert that waits for the budget's word.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ripe {
    pub(crate) detector: u8,
    pub(crate) key: u64,
    pub(crate) severity: Severity,
    /// How far beyond its threshold the first number of the evidence is that has one: 1 at the threshold.
    pub(crate) score: f64,
}

/// All alerts of one instrument.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Lifecycle {
    open: Vec<Open>,
    closed: Vec<Closed>,
}

fn pace(detector: u8) -> Pace {
    CATALOGUE.get(usize::from(detector)).map_or(Pace { clear_ms: 0, cooldown_ms: 0 }, |about| about.pace)
}

fn nanos(ms: u32) -> i64 {
    i64::from(ms) * NANOS_PER_MILLI
}

impl Lifecycle {
    /// Takes a finding; whether it counts (`false`: it is cooling down, or there are too many). With a budget what is ripe
    /// does not fire by itself but waits, see `ripe`.
    pub(crate) fn take(
        &mut self,
        at: Nanos,
        whose: (InstrumentId, &str),
        detector: u8,
        finding: &Finding,
        budgeted: bool,
        each: &mut impl FnMut(Alert),
    ) -> bool {
        let known = self.open.iter().position(|open| open.detector == detector && open.key == finding.key);
        let index = match known {
            Some(index) => index,
            None if finding.holds => return true, // nothing to keep
            None => {
                let cooling = |c: &Closed| c.detector == detector && c.key == finding.key && at < c.until;
                if self.open.len() >= OPEN_MAX || self.closed.iter().any(cooling) {
                    return false;
                }
                let name = CATALOGUE.get(usize::from(detector)).map_or("", |about| about.id);
                self.open.push(Open {
                    id: AlertId::of(whose.1, name, finding.key, finding.since),
                    detector,
                    key: finding.key,
                    since: finding.since,
                    held: [None; Severity::ALL.len()],
                    last: at,
                    firing: None,
                    ripe: None,
                    count: 0,
                    text: String::new(),
                    evidence: Vec::new(),
                });
                self.open.len() - 1
            }
        };
        let Some(open) = self.open.get_mut(index) else { return false };
        if at.since(open.last) > LAPSE_NANOS {
            open.held = [None; Severity::ALL.len()]; // found again after a break
        }
        open.last = at;
        if finding.holds {
            return true;
        }
        open.count = open.count.saturating_add(1);
        for severity in Severity::ALL {
            let held = &mut open.held[severity as usize];
            *held = if severity <= finding.severity { Some(held.unwrap_or(at)) } else { None };
        }
        let ripe = open.held[finding.severity as usize].is_some_and(|held| at.since(held) >= nanos(finding.persist_ms));
        let worse = open.firing.is_none_or(|(severity, _)| finding.severity > severity);
        if open.count == 1 || (ripe && worse) {
            open.text.clone_from(&finding.text);
            open.evidence.clone_from(&finding.evidence);
        }
        if ripe && worse && budgeted {
            open.ripe = Some(finding.severity);
        } else if ripe && worse {
            each(open.fire(at, whose.0, finding.severity));
        }
        if open.count == 1 && open.firing.is_none() {
            each(Alert { severity: finding.severity, ..open.told(at, whose.0, State::Pending) });
        }
        true
    }

    /// Alerts that would fire now.
    pub(crate) fn ripe(&self) -> impl Iterator<Item = Ripe> + '_ {
        self.open.iter().filter_map(|open| {
            let score = open.evidence.iter().find_map(|m| m.cut.map(|cut| (m.value / cut).abs())).unwrap_or(1.0);
            let (detector, key, severity) = (open.detector, open.key, open.ripe?);
            Some(Ripe { detector, key, severity, score: score.max(1.0 / score) })
        })
    }

    /// The budget's word for an alert that is ripe; one that is held back may be found again.
    pub(crate) fn decide(&mut self, at: Nanos, whose: InstrumentId, ripe: &Ripe, fires: bool) -> Option<Alert> {
        let open = self.open.iter_mut().find(|open| open.detector == ripe.detector && open.key == ripe.key)?;
        open.ripe = None;
        fires.then(|| open.fire(at, whose, ripe.severity))
    }

    /// Lets go what is over.
    pub(crate) fn pass(&mut self, at: Nanos, instrument: InstrumentId, each: &mut impl FnMut(Alert)) {
        self.closed.retain(|closed| at < closed.until);
        let closed = &mut self.closed;
        self.open.retain(|open| {
            let (pace, quiet) = (pace(open.detector), at.since(open.last));
            let over = match open.firing {
                None => quiet > LAPSE_NANOS,
                Some(_) => quiet >= nanos(pace.clear_ms),
            };
            if over {
                each(open.told(at, instrument, State::Resolved));
                if open.firing.is_some() && pace.cooldown_ms > 0 {
                    if closed.len() >= CLOSED_MAX {
                        closed.remove(0);
                    }
                    closed.push(Closed {
                        detector: open.detector,
                        key: open.key,
                        until: at.plus(nanos(pace.cooldown_ms)),
                    });
                }
            }
            !over
        });
    }

    /// Alerts that fire.
    pub(crate) fn firing(&self) -> impl Iterator<Item = (u8, Severity)> + '_ {
        self.open.iter().filter_map(|open| open.firing.map(|(severity, _)| (open.detector, severity)))
    }
}

impl Open {
    fn fire(&mut self, at: Nanos, instrument: InstrumentId, severity: Severity) -> Alert {
        let fired = self.firing.map_or(at, |(_, fired)| fired);
        self.firing = Some((severity, fired));
        self.told(at, instrument, State::Firing)
    }

    fn told(&self, at: Nanos, instrument: InstrumentId, state: State) -> Alert {
        Alert {
            id: self.id,
            at,
            instrument,
            detector: self.detector,
            key: self.key,
            severity: self.firing.map_or(Severity::Info, |(severity, _)| severity),
            state,
            since: self.since,
            fired: self.firing.map(|(_, fired)| fired),
            count: self.count,
            text: self.text.clone(),
            evidence: self.evidence.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn finding(severity: Severity, persist_ms: u32, since: i64) -> Finding {
        let (text, evidence) = ("x".to_owned(), vec![Measure::new("n", 1.0, Some(0.5))]);
        Finding { key: 7, severity, persist_ms, holds: false, since: Nanos(since), text, evidence }
    }

    struct Stage(Lifecycle, Vec<(i64, State, Severity)>);

    impl Stage {
        fn find(&mut self, at: i64, finding: &Finding) -> bool {
            let told = &mut self.1;
            let whose = (InstrumentId(0), "binance:BTCUSDT");
            self.0.take(Nanos(at * SECOND), whose, 0, finding, false, &mut |a| told.push((at, a.state, a.severity)))
        }
        fn pass(&mut self, at: i64) {
            let told = &mut self.1;
            self.0.pass(Nanos(at * SECOND), InstrumentId(0), &mut |a| told.push((at, a.state, a.severity)));
        }
    }

    #[test]
    fn fires_after_it_has_persisted_once_and_gets_worse() {
        let mut stage = Stage(Lifecycle::default(), Vec::new());
        for at in 0..=5 {
            assert!(stage.find(at, &finding(Severity::Warning, 3_000, 0)));
        }
        for at in 6..=9 {
            stage.find(at, &finding(Severity::Critical, 2_000, 0));
        }
        use {Severity::*, State::*};
        assert_eq!(stage.1, [(0, Pending, Warning), (3, Firing, Warning), (8, Firing, Critical)]);
    }

    #[test]
    fn a_break_begins_the_wait_anew() {
        let mut stage = Stage(Lifecycle::default(), Vec::new());
        let warning = finding(Severity::Warning, 3_000, 0);
        for at in [0, 1, 2, 5, 6, 7] {
            stage.find(at, &warning);
            stage.pass(at);
        }
        assert!(stage.1.iter().all(|(_, state, _)| *state != State::Firing), "{:?}", stage.1);
        stage.find(8, &warning);
        assert_eq!(stage.1.last().map(|told| told.1), Some(State::Firing));
    }

    #[test]
    fn is_resolved_when_it_has_been_quiet_and_cools_down() {
        let mut stage = Stage(Lifecycle::default(), Vec::new());
        let pace = CATALOGUE[0].pace;
        let (clear, cool) = (i64::from(pace.clear_ms) / 1000, i64::from(pace.cooldown_ms) / 1000);
        assert!(clear > 1 && cool > 1, "the first detector of the list is what this test is about");
        stage.find(0, &finding(Severity::Warning, 0, 0));
        let holds = Finding { holds: true, ..finding(Severity::Warning, 0, 0) };
        stage.find(clear - 1, &holds);
        stage.pass(clear);
        assert_eq!(stage.1.len(), 1, "what holds keeps it");
        stage.pass(2 * clear - 1);
        assert_eq!(stage.1.last().map(|told| told.1), Some(State::Resolved));
        assert!(!stage.find(2 * clear, &finding(Severity::Warning, 0, 0)), "cooling down");
        assert!(stage.find(2 * clear + cool, &finding(Severity::Warning, 0, 0)));
        assert_eq!(stage.1.last().map(|told| told.1), Some(State::Firing));
    }

    #[test]
    fn the_same_thing_has_the_same_id_and_another_has_another() {
        let id = |name, key, since| AlertId::of("okx:BTC-USDT", name, key, Nanos(since));
        assert_eq!(id("a", 1, 2), id("a", 1, 2));
        assert!(id("a", 1, 2) != id("b", 1, 2) && id("a", 1, 2) != id("a", 2, 2) && id("a", 1, 2) != id("a", 1, 3));
    }
}
