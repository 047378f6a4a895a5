//! Depth: too little waits within ten basis points of mid.

use super::band::depth_quote;
use super::dual::{Cut, Dual, Rule, Worse, scored};
use super::{About, Detector, Family, Found, Look, Measure, Pace};
use crate::units::Side;
use crate::zscore::ZScoreParams;
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// When it is a warning, quote currency.
    pub warning: Option<Cut>,
    /// When it is critical, quote currency.
    pub critical: Option<Cut>,
    /// Band around mid, bps.
    pub band_bps: f64,
    /// The z-score's window.
    pub zscore: ZScoreParams,
}

impl Default for Params {
    fn default() -> Self {
        Params {
            warning: Some(Cut { multiple: 0.25, zscore: 2.0, persistence_seconds: 5.0, ..Cut::default() }),
            critical: Some(Cut { multiple: 0.1, zscore: 2.0, persistence_seconds: 5.0, ..Cut::default() }),
            band_bps: 10.0,
            zscore: ZScoreParams::default(),
        }
    }
}

/// Watches the depth of both sides together.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Depth {
    dual: Dual,
}

impl Detector for Depth {
    type Params = Params;

    const ABOUT: About = About {
        id: "depth",
        title: "Thin book",
        family: Family::Classic,
        sees: "Sees that what waits on both sides within ten basis points of mid is worth less than a threshold; without \
               one, less than a quarter and a tenth of its median of five minutes. Measured only where every level of the \
               band is known. Cannot see orders that are not displayed.",
        source: "threshold in quote currency, lower is worse; z-score over 300 samples of a second where asked for",
        needs_book: true,
        pace: Pace { clear_ms: 5_000, cooldown_ms: 30_000 },
    };

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let depths = (depth_quote(look, Side::Bid, params.band_bps), depth_quote(look, Side::Ask, params.band_bps));
        let (bid, ask) = match depths {
            (Ok(bid), Ok(ask)) => (bid, ask),
            (Err(why), _) | (_, Err(why)) => return found.skip(why),
        };
        let rule = Rule {
            worse: Worse::Lower,
            warning: params.warning.as_ref(),
            critical: params.critical.as_ref(),
            floor: 0.0,
            zscore: params.zscore,
            name: "depth_quote",
        };
        let (value, band) = (bid + ask, params.band_bps);
        self.dual.look(look.at, value, &rule, found, |judged| {
            let text = format!(
                "{value:.0} {} wait within {band} bps of mid ({bid:.0} to buy, {ask:.0} to sell), less than {:.0}{}",
                look.instrument.quote,
                judged.threshold,
                scored(judged)
            );
            let mut evidence = vec![Measure::new("bid_quote", bid, None), Measure::new("ask_quote", ask, None)];
            evidence.extend(judged.median.map(|median| Measure::new("median_quote", median, None)));
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
    use crate::detector::tests::{ASK, BID, SIZE, Stage, number};
    use crate::units::Price;

    /// The first 110 levels a side keep so much.
    fn thin(stage: &mut Stage, size: i64) {
        let bids: Vec<_> = (0..110).map(|n| (BID - n, size)).collect();
        let asks: Vec<_> = (0..110).map(|n| (ASK + n, size)).collect();
        stage.depth(&bids, &asks);
    }

    #[test]
    fn fires_when_little_is_left_by_amount_and_by_share() {
        for absolute in [true, false] {
            let mut stage = Stage::new();
            if absolute {
                let cut = |threshold| Some(Cut { threshold: Some(threshold), zscore: 0.0, ..Cut::default() });
                stage.rules.usual.depth.warning = cut(50_000.0);
                stage.rules.usual.depth.critical = cut(15_000.0);
            }
            stage.run(40_000); // 100 levels a side of 1 at 1000: 200,000
            thin(&mut stage, SIZE / 5);
            stage.run(8_000);
            thin(&mut stage, SIZE / 20);
            stage.run(8_000);
            let fired: Vec<_> = stage.fired("depth").iter().map(|f| f.0).collect();
            // Fails when `Worse::Lower` compares the other way, or one side only is measured.
            assert_eq!(fired, [Severity::Warning, Severity::Critical], "{absolute}");
            assert_eq!(stage.measure("depth", "depth_quote").map(f64::round), Some(10_000.0));
        }
    }

    #[test]
    fn says_nothing_where_levels_are_unknown() {
        let mut stage = Stage::new();
        stage.run(40_000);
        stage.book.set_trusted(Side::Bid, Some(Price(BID - 50)));
        thin(&mut stage, 1);
        stage.run(8_000);
        // Fails when the trusted range is not looked at.
        assert_eq!(stage.fired("depth"), []);
        assert_eq!(stage.board().lines[number("depth") as usize].skip, Some(Skip::BeyondTrusted));
    }
}
