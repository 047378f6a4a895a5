//! Stalled feed: no change of the book for much longer than usual, while trades go on or the line is down.

use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::event::Event;
use crate::metric::Seen;
use crate::output::Validity;
use crate::units::{NANOS_PER_MILLI, Nanos};
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Silence that is a warning, ms; at least `usual_multiple` times the usual pause.
    pub warning_ms: u32,
    /// Silence that is critical, ms.
    pub critical_ms: u32,
    /// An instrument that is told of seldom may be silent for so many of its usual pauses.
    pub usual_multiple: f64,
}

impl Default for Params {
    fn default() -> Self {
        Params { warning_ms: 5_000, critical_ms: 30_000, usual_multiple: 10.0 }
    }
}

/// What is kept of the feed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Stall {
    depth_at: Option<Nanos>,
    /// Usual pause between changes, ns: an average that forgets, longer pauses counting fully.
    pause_ns: f64,
    /// Other events of the instrument since the last change of the book.
    others: u32,
}

/// Weight of the newest pause in the average.
const WEIGHT: f64 = 0.05;
/// Trades and quotes meanwhile that are evidence; one or two may have come without a change of the book.
const OTHERS_MIN: u32 = 3;

impl Detector for Stall {
    type Params = Params;

    const ABOUT: About = About {
        id: "stall",
        title: "Stalled feed",
        family: Family::Feed,
        sees: "Sees that nothing has changed the book for five seconds and for ten of its usual pauses, although the \
               instrument trades (three events and more), or that its connection is down. Cannot tell a venue that stopped from a line that did, \
               and a market without trades that falls silent is believed.",
        source: "customary rule: a connection is stale after 5 s",
        needs_book: false,
        pace: Pace { clear_ms: 2_000, cooldown_ms: 30_000 },
    };

    fn on(&mut self, seen: &Seen<'_>, _: &Params, _: &mut Found) {
        match seen.stamped.event {
            Event::Depth(_) => {
                if let Some(last) = self.depth_at {
                    let pause = seen.at.since(last).max(0) as f64;
                    self.pause_ns += WEIGHT * (pause - self.pause_ns);
                }
                (self.depth_at, self.others) = (Some(seen.at), 0);
            }
            Event::Trade(_) | Event::Bbo(_) => self.others = self.others.saturating_add(1),
            _ => {}
        }
    }

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let Some(last) = self.depth_at else { return found.skip(Skip::NoData) };
        let silent_ms = (look.at.since(last) / NANOS_PER_MILLI).max(0) as f64;
        let warning_ms = f64::from(params.warning_ms).max(self.pause_ns / NANOS_PER_MILLI as f64 * params.usual_multiple);
        let measure = Measure::new("silent_ms", silent_ms, Some(warning_ms));
        found.gauge(Gauge { measure: Some(measure.clone()), warmup: None });
        let down = matches!(look.validity, Validity::Disconnected | Validity::Stale);
        if silent_ms < warning_ms || !(down || self.others >= OTHERS_MIN) {
            return;
        }
        let critical = silent_ms >= f64::from(params.critical_ms).max(warning_ms);
        let why = match look.validity {
            Validity::Disconnected => "the connection is down".to_owned(),
            Validity::Stale => "its stream was given up as dead".to_owned(),
            _ => format!("{} trades and quotes came meanwhile", self.others),
        };
        found.raise(Finding {
            key: 0,
            severity: if critical { Severity::Critical } else { Severity::Warning },
            persist_ms: 0,
            holds: false,
            since: last,
            text: format!("the book has not changed for {:.1} s: {why}", silent_ms / 1e3),
            evidence: vec![
                measure,
                Measure::new("usual_pause_ms", self.pause_ns / NANOS_PER_MILLI as f64, None),
                Measure::new("events_meanwhile", f64::from(self.others), None),
            ],
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::alert::Severity;
    use crate::detector::tests::{ASK, BID, SIZE, Stage};
    use crate::output::Validity;

    fn beat(stage: &mut Stage, count: i64, pause_ms: i64) {
        for _ in 0..count {
            stage.depth(&[(BID, SIZE)], &[]);
            stage.run(pause_ms);
        }
    }

    #[test]
    fn fires_when_trades_go_on_without_the_book() {
        let mut stage = Stage::new();
        beat(&mut stage, 50, 100);
        (0..3).for_each(|_| stage.trade(ASK, 1, true));
        stage.run(4_500);
        assert_eq!(stage.fired("stall"), []);
        stage.run(30_000);
        // Fails when `others` is not counted, or silence not measured.
        let fired: Vec<_> = stage.fired("stall").iter().map(|f| f.0).collect();
        assert_eq!(fired, [Severity::Warning, Severity::Critical]);
    }

    #[test]
    fn fires_when_the_line_is_down() {
        let mut stage = Stage::new();
        beat(&mut stage, 50, 100);
        stage.gap(Validity::Disconnected);
        stage.run(6_000);
        // Fails when the detector is asked only while the book is believed.
        assert_eq!(stage.fired("stall").len(), 1);
    }

    #[test]
    fn a_quiet_market_may_be_silent() {
        let mut stage = Stage::new();
        beat(&mut stage, 50, 100);
        stage.run(60_000);
        beat(&mut stage, 200, 3_000); // told of every three seconds
        stage.trade(ASK, 1, true);
        stage.run(20_000);
        // Fails when the usual pause is left out.
        assert_eq!(stage.fired("stall"), []);
    }
}
