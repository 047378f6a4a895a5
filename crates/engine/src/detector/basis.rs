//! Basis: a perpetual or future far from its index, and unusually far.

use super::dual::{Cut, Dual, Rule, Worse, scored};
use super::{About, Detector, Family, Found, Look, Measure, Pace, Skip};
use crate::instrument::Kind;
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
    /// A threshold that follows from what is usual is at least that far from the median, bps.
    pub floor_bps: f64,
    /// The z-score's window.
    pub zscore: ZScoreParams,
}

impl Default for Params {
    fn default() -> Self {
        Params {
            warning: Some(Cut { multiple: 6.0, zscore: 2.0, persistence_seconds: 120.0, ..Cut::default() }),
            critical: Some(Cut { multiple: 12.0, zscore: 3.0, persistence_seconds: 60.0, ..Cut::default() }),
            floor_bps: 5.0,
            zscore: ZScoreParams::default(),
        }
    }
}

/// Watches the basis.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Basis {
    dual: Dual,
}

impl Detector for Basis {
    type Params = Params;

    const ABOUT: About = About {
        id: "basis",
        title: "Basis",
        family: Family::Classic,
        sees: "Sees that a derivative's mid stands farther from its index (without one, from its mark, else from the spot \
               mid of its group) than a threshold and than it usually does, for minutes. Without a threshold of its own an \
               instrument is held to six and twelve scaled median deviations from its median of five minutes. Cannot tell \
               which of the two prices is wrong, nor see a basis that is wide by convention and always was.",
        source: "dual condition: threshold and z-score over 300 samples of a second; persistence 2 min and 1 min",
        needs_book: true,
        pace: Pace { clear_ms: 10_000, cooldown_ms: 60_000 },
    };

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        if !matches!(look.instrument.kind, Kind::Perpetual | Kind::Future) {
            return found.skip(Skip::NotApplicable);
        }
        let candidates = [("basis_index_bps", "index"), ("basis_mark_bps", "mark"), ("basis_spot_bps", "spot")];
        let Some((value, against)) =
            candidates.into_iter().find_map(|(id, against)| look.value(id).map(|value| (value, against)))
        else {
            return found.skip(Skip::NoData);
        };
        let rule = Rule {
            worse: Worse::Farther,
            warning: params.warning.as_ref(),
            critical: params.critical.as_ref(),
            floor: params.floor_bps,
            zscore: params.zscore,
            name: "basis_bps",
        };
        self.dual.look(look.at, value, &rule, found, |judged| {
            let (way, far) = (if value < 0.0 { "below" } else { "above" }, value.abs());
            let text = format!(
                "mid stands {far:.1} bps {way} the {against}, farther than {:.1} bps{}",
                judged.threshold,
                scored(judged)
            );
            let other = match against {
                "index" => look.peers.index,
                "mark" => look.peers.mark,
                _ => look.peers.spot_mid,
            };
            let mut evidence: Vec<_> = judged.median.map(|x| Measure::new("median_bps", x, None)).into_iter().collect();
            evidence.extend(other.map(|(price, _)| Measure::new("reference_price", price, None)));
            evidence.extend(look.touch().map(|(bid, ask)| Measure::new("mid", f64::midpoint(bid, ask), None)));
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
    use crate::detector::tests::Stage;

    fn run(stage: &mut Stage, seconds: i64, index: f64) {
        for i in 0..seconds {
            stage.peers.index = Some((index * (1.0 + 1e-6 * (i % 5) as f64), stage.at));
            stage.run(1_000);
        }
    }

    fn classic(stage: &mut Stage) {
        let cut = |threshold, zscore, persistence_seconds| {
            Some(Cut { threshold: Some(threshold), zscore, persistence_seconds, ..Cut::default() })
        };
        stage.rules.usual.basis.warning = cut(10.0, 2.0, 120.0);
        stage.rules.usual.basis.critical = cut(20.0, 3.0, 60.0);
    }

    #[test]
    fn fires_after_two_minutes_beyond_the_threshold() {
        let mut stage = Stage::new();
        classic(&mut stage);
        run(&mut stage, 200, 1_000.0);
        run(&mut stage, 119, 998.8); // 12 bps above
        assert_eq!(stage.fired("basis"), []);
        run(&mut stage, 4, 998.8);
        // Fails when persistence is not handed on, or when the window learns from what it judges.
        assert_eq!(stage.fired("basis").iter().map(|f| f.0).collect::<Vec<_>>(), [Severity::Warning]);
        assert!(stage.fired("basis")[0].1.contains("above the index"), "{}", stage.fired("basis")[0].1);
    }

    #[test]
    fn far_below_is_as_bad_as_far_above_and_critical_sooner() {
        let mut stage = Stage::new();
        classic(&mut stage);
        run(&mut stage, 200, 1_000.0);
        run(&mut stage, 64, 1_002.5); // 25 bps below
        // Fails when `Worse::Farther` forgets the absolute value.
        assert_eq!(stage.fired("basis").iter().map(|f| f.0).collect::<Vec<_>>(), [Severity::Critical]);
    }

    #[test]
    fn a_minute_is_not_enough_and_spot_has_no_basis() {
        let mut stage = Stage::new();
        classic(&mut stage);
        run(&mut stage, 200, 1_000.0);
        run(&mut stage, 60, 998.8);
        run(&mut stage, 100, 1_000.0);
        run(&mut stage, 100, 998.8);
        assert_eq!(stage.fired("basis"), []);
        stage.instrument.kind = Kind::Spot;
        run(&mut stage, 300, 990.0);
        assert_eq!(stage.fired("basis"), []);
    }
}
