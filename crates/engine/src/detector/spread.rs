//! Spread: wider than its threshold and unusually wide.

use super::band::spread_bps;
use super::dual::{Cut, Dual, Rule, Worse, scored};
use super::{About, Detector, Family, Found, Look, Measure, Pace};
use crate::zscore::ZScoreParams;
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// When it is a warning, bps.
    pub warning: Option<Cut>,
    /// When it is critical, bps.
    pub critical: Option<Cut>,
    /// A threshold that follows from the median is at least that wide, bps.
    pub floor_bps: f64,
    /// The z-score's window.
    pub zscore: ZScoreParams,
}

impl Default for Params {
    fn default() -> Self {
        Params {
            warning: Some(Cut { multiple: 5.0, zscore: 2.5, persistence_seconds: 2.0, ..Cut::default() }),
            critical: Some(Cut { multiple: 10.0, zscore: 3.0, persistence_seconds: 2.0, ..Cut::default() }),
            floor_bps: 1.0,
            zscore: ZScoreParams::default(),
        }
    }
}

/// Watches the spread.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Spread {
    dual: Dual,
}

impl Detector for Spread {
    type Params = Params;

    const ABOUT: About = About {
        id: "spread",
        title: "Wide spread",
        family: Family::Classic,
        sees: "Sees that the best bid and ask are farther apart than a threshold and than they usually are, once a second. \
               Without a threshold of its own an instrument is held to five and ten times its median of five minutes. \
               Cannot tell why the quotes left, and a market that was always wide is not unusual.",
        source: "dual condition: threshold and z-score over 300 samples of a second",
        needs_book: true,
        pace: Pace { clear_ms: 5_000, cooldown_ms: 30_000 },
    };

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let (value, (bid, ask)) = match (spread_bps(look), look.touch()) {
            (Ok(value), Some(touch)) => (value, touch),
            (Err(why), _) => return found.skip(why),
            (_, None) => return found.skip(super::Skip::NoData),
        };
        let rule = Rule {
            worse: Worse::Higher,
            warning: params.warning.as_ref(),
            critical: params.critical.as_ref(),
            floor: params.floor_bps,
            zscore: params.zscore,
            name: "spread_bps",
        };
        self.dual.look(look.at, value, &rule, found, |judged| {
            let text = format!(
                "the spread is {value:.2} bps ({bid} / {ask}), above {:.2} bps{}",
                judged.threshold,
                scored(judged)
            );
            let mut evidence = vec![Measure::new("best_bid", bid, None), Measure::new("best_ask", ask, None)];
            evidence.extend(judged.median.map(|median| Measure::new("median_bps", median, None)));
            (text, evidence)
        });
    }

    fn on_gap(&mut self) {
        self.dual.gap();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Severity;
    use crate::detector::Skip;
    use crate::detector::tests::{ASK, BID, Stage};
    use crate::output::Validity;

    /// Takes away what stands within so many ticks of mid.
    fn widen(stage: &mut Stage, ticks: i64) {
        let bids: Vec<_> = (0..ticks).map(|n| (BID - n, 0)).collect();
        let asks: Vec<_> = (0..ticks).map(|n| (ASK + n, 0)).collect();
        stage.depth(&bids, &asks);
    }

    fn cut(threshold: f64, zscore: f64, persistence_seconds: f64) -> Option<Cut> {
        Some(Cut { threshold: Some(threshold), zscore, persistence_seconds, ..Cut::default() })
    }

    #[test]
    fn fires_at_both_severities_when_threshold_and_score_are_exceeded() {
        let mut stage = Stage::new();
        stage.rules.usual.spread.warning = cut(3.0, 2.0, 0.0);
        stage.rules.usual.spread.critical = cut(5.0, 3.0, 0.0);
        stage.run(40_000); // 0.2 bps
        widen(&mut stage, 20); // 42 ticks, 4.2 bps
        stage.run(2_000);
        assert_eq!(stage.fired("spread").len(), 1);
        widen(&mut stage, 30); // 6.2 bps
        stage.run(2_000);
        // Fails when `Worse::Higher` compares the other way, or when the critical cut is never asked.
        let fired: Vec<_> = stage.fired("spread").iter().map(|(severity, _)| *severity).collect();
        assert_eq!(fired, [Severity::Warning, Severity::Critical]);
        assert!((stage.measure("spread", "spread_bps").unwrap() - 6.2).abs() < 1e-9);
    }

    #[test]
    fn a_market_that_was_always_wide_is_not_unusual() {
        let mut stage = Stage::new();
        stage.rules.usual.spread.warning = cut(3.0, 2.0, 0.0);
        stage.rules.usual.spread.critical = None;
        widen(&mut stage, 20);
        stage.gap(Validity::Gap);
        stage.validity = Validity::Live;
        for i in 0..60 {
            widen(&mut stage, 20 + i % 3); // 4.2 to 4.6 bps, again and again
            stage.depth(&[(BID - 20, 1), (BID - 21, 1)], &[(ASK + 20, 1), (ASK + 21, 1)]);
            stage.run(1_000);
        }
        // Fails when the score is not asked for.
        assert_eq!(stage.fired("spread"), []);
    }

    #[test]
    fn has_to_persist_and_does_not_become_usual_meanwhile() {
        let mut stage = Stage::new();
        stage.rules.usual.spread.warning = cut(3.0, 2.0, 120.0);
        stage.rules.usual.spread.critical = None;
        stage.run(300_000);
        widen(&mut stage, 20);
        stage.run(119_000);
        assert_eq!(stage.fired("spread"), []);
        stage.run(3_000);
        // Fails when the window learns while the condition holds: after 60 s the score would be below 2.
        assert_eq!(stage.fired("spread").len(), 1);
    }

    #[test]
    fn warms_up_after_a_gap_and_says_so() {
        let mut stage = Stage::new();
        stage.run(40_000);
        stage.gap(Validity::Gap);
        stage.run(300);
        let line = |stage: &Stage| stage.board().lines[crate::detector::tests::number("spread") as usize].clone();
        assert_eq!(line(&stage).skip, Some(Skip::BookInvalid));
        stage.validity = Validity::Live;
        stage.run(300);
        assert_eq!(line(&stage).skip, Some(Skip::Gap));
        stage.run(10_000);
        let line = line(&stage);
        assert_eq!(line.skip, Some(Skip::ZscoreWarmup));
        // Fails when a gap does not start the window anew.
        assert_eq!(line.gauge.unwrap().warmup, Some((10, 30)));
    }
}
