//! Liquidity exhaustion: half of the usual depth is gone while the spread has doubled.

use super::band::{depth_quote, spread_bps};
use super::rolling::Mean;
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::units::{NANOS_PER_SECOND, Nanos, Side};
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Band around mid in which depth is measured, bps.
    pub band_bps: f64,
    /// Window of both means, seconds.
    pub window_seconds: u32,
    /// Depth below that part of its mean.
    pub depth_share: f64,
    /// Spread above its mean so many times.
    pub spread_multiple: f64,
    /// A spread below that is wide for nobody, bps.
    pub spread_floor_bps: f64,
    /// How long both have to hold, ms.
    pub persist_ms: u32,
}

impl Default for Params {
    fn default() -> Self {
        Params {
            band_bps: 10.0,
            window_seconds: 15,
            depth_share: 0.5,
            spread_multiple: 2.0,
            spread_floor_bps: 0.5,
            persist_ms: 1_000,
        }
    }
}

/// What was usual when it began: that is what it is held against until it is over.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Episode {
    since: Nanos,
    depth: f64,
    spread: f64,
}

/// An episode that lasts longer than so many windows is what is usual now.
const WINDOWS_MAX: i64 = 8;

/// Watches depth and spread together.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Exhaustion {
    depth: Mean,
    spread: Mean,
    episode: Option<Episode>,
}

impl Detector for Exhaustion {
    type Params = Params;

    const ABOUT: About = About {
        id: "exhaustion",
        title: "Liquidity exhaustion",
        family: Family::Liquidity,
        sees: "Sees that both happen at once: what waits within ten basis points falls below half of its mean of fifteen \
               seconds and the spread is more than twice its own mean. Cannot tell orders that were taken from orders that \
               were withdrawn, nor see hidden orders that would have filled the gap.",
        source: "customary rule: depth under 50 % of its 15 s mean, spread over 2x its 15 s mean",
        needs_book: true,
        pace: Pace { clear_ms: 5_000, cooldown_ms: 30_000 },
    };

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let depth = |side| depth_quote(look, side, params.band_bps);
        let (depth, spread) = match (depth(Side::Bid), depth(Side::Ask), spread_bps(look)) {
            (Ok(bid), Ok(ask), Ok(spread)) => (bid + ask, spread),
            (Err(why), ..) | (_, Err(why), _) | (.., Err(why)) => return found.skip(why),
        };
        let usual = self.depth.get().zip(self.spread.get());
        if self.episode.is_none() {
            self.depth.push(look.at, depth, params.window_seconds);
            self.spread.push(look.at, spread, params.window_seconds);
        }
        let Some((mean_depth, mean_spread)) = self.episode.map(|e| (e.depth, e.spread)).or(usual) else {
            found.gauge(Gauge { measure: None, warmup: Some(self.depth.progress()) });
            return found.skip(Skip::ZscoreWarmup);
        };
        let (depth_cut, spread_cut) =
            (mean_depth * params.depth_share, (mean_spread * params.spread_multiple).max(params.spread_floor_bps));
        let measure = Measure::new("depth_quote", depth, Some(depth_cut));
        found.gauge(Gauge { measure: Some(measure.clone()), warmup: None });
        let is_over = |e: &Episode| look.at.since(e.since) > WINDOWS_MAX * i64::from(params.window_seconds) * NANOS_PER_SECOND;
        if self.episode.as_ref().is_some_and(is_over) {
            return self.on_gap();
        }
        let (met, holds) = (
            depth < depth_cut && spread > spread_cut,
            depth < depth_cut * 1.4 && spread > spread_cut * 0.6,
        );
        let goes_on = holds && self.episode.is_some();
        if !met && !goes_on {
            self.episode = None;
            return;
        }
        let fresh = Episode { since: look.at, depth: mean_depth, spread: mean_spread };
        let since = self.episode.get_or_insert(fresh).since;
        let part = depth / mean_depth.max(f64::MIN_POSITIVE);
        found.raise(Finding {
            key: 0,
            severity: if part < params.depth_share / 2.0 { Severity::Critical } else { Severity::Warning },
            persist_ms: params.persist_ms,
            holds: !met,
            since,
            text: format!(
                "{depth:.0} {} within {} bps is {:.0} % of its mean of {} s, and the spread of {spread:.2} bps is {:.1} \
                 times its mean",
                look.instrument.quote,
                params.band_bps,
                part * 100.0,
                params.window_seconds,
                spread / mean_spread.max(f64::MIN_POSITIVE),
            ),
            evidence: vec![
                measure,
                Measure::new("spread_bps", spread, Some(spread_cut)),
                Measure::new("mean_depth_quote", mean_depth, None),
                Measure::new("mean_spread_bps", mean_spread, None),
            ],
        });
    }

    fn on_gap(&mut self) {
        self.depth.clear();
        self.spread.clear();
        self.episode = None;
    }
}

#[cfg(test)]
mod tests {
    use crate::detector::tests::{ASK, BID, SIZE, Stage};

    /// The first so many levels a side are gone, the next keep that much.
    fn leave(stage: &mut Stage, gone: i64, size: i64) {
        let sizes = (0..120).map(|n| (n, if n < gone { 0 } else { size }));
        let bids: Vec<_> = sizes.clone().map(|(n, size)| (BID - n, size)).collect();
        let asks: Vec<_> = sizes.map(|(n, size)| (ASK + n, size)).collect();
        stage.depth(&bids, &asks);
    }

    #[test]
    fn fires_when_depth_is_gone_and_the_spread_wide() {
        let mut stage = Stage::new();
        stage.run(20_000);
        leave(&mut stage, 5, SIZE / 3); // a spread of 1.2 bps instead of 0.2
        stage.run(900);
        assert_eq!(stage.fired("exhaustion"), []);
        stage.run(3_000);
        // Fails when the mean goes on learning from the episode it judges with a shorter memory, or persistence is lost.
        assert_eq!(stage.fired("exhaustion").len(), 1);
        assert!(stage.fired("exhaustion")[0].1.contains("32 % of its mean"), "{:?}", stage.fired("exhaustion"));
    }

    #[test]
    fn neither_alone_is_exhaustion() {
        // Fails when `&&` between the two conditions becomes `||`.
        for (gone, size) in [(0, SIZE / 3), (5, SIZE)] {
            let mut stage = Stage::new();
            stage.run(20_000);
            leave(&mut stage, gone, size);
            stage.run(10_000);
            assert_eq!(stage.fired("exhaustion"), [], "{gone} {size}");
        }
    }
}
