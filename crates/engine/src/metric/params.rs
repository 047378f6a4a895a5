//! What can be chosen about the metrics, and how the choices become columns.

use crate::zscore::ZScoreParams;
use serde::{Deserialize, Serialize};

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
    /// Window of what is estimated from bars of one second (impact, illiquidity, volatilities), seconds.
    pub bar_window_seconds: f64,
    /// Buckets of equal volume in the VPIN.
    pub vpin_buckets: usize,
    /// Volume of a VPIN bucket, quote currency; 0: the volume of five minutes divided by the number of buckets.
    pub vpin_bucket_quote: f64,
    /// Notional whose execution makes the impact prices of the premium index, quote currency.
    pub premium_impact_quote: f64,
    /// Interest of a funding interval, bps.
    pub premium_interest_bps: f64,
    /// Standard scores; `zscore` of `features.yaml`.
    pub zscore: ZScoreParams,
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
            bar_window_seconds: 300.0,
            vpin_buckets: 50,
            vpin_bucket_quote: 0.0,
            premium_impact_quote: 25_000.0,
            premium_interest_bps: 1.0,
            zscore: ZScoreParams::default(),
        }
    }
}

/// Units of a band: parts of 10^8, so a band is rounded to 0.0001 bps.
pub(super) const BAND_ONE: i64 = 100_000_000;
const PARTS_PER_BPS: f64 = 10_000.0;
/// Buckets of a second in the rolling windows.
const BUCKETS_PER_SECOND: f64 = 10.0;
/// Longest rolling window: one hour of buckets.
const BUCKETS_MAX: f64 = 36_000.0;
/// Most levels per side that a column may ask for.
const LEVELS_MAX: usize = 1_000;
/// Most levels of the multi-level OFI, since they are read at every depth event.
const OFI_LEVELS_MAX: usize = 20;
/// Most steps of the volatility window.
const STEPS_MAX: f64 = 36_000.0;
/// Fewest and most bars of one second.
const BARS: std::ops::RangeInclusive<f64> = 30.0..=3_600.0;
/// Most buckets of the VPIN.
const VPIN_BUCKETS_MAX: usize = 1_000;

impl Params {
    /// What is wrong with the choices, one sentence each; such choices are left out or moved to the nearest possible.
    pub fn problems(&self) -> Vec<String> {
        let mut all = Vec::new();
        let mut check = |good: bool, key: &str, must: String| {
            if !good {
                all.push(format!("{key} must be {must}"));
            }
        };
        check(self.bands_bps.iter().all(|x| parts(*x).is_some()), "bands_bps", "0.0001 to 9999 each".into());
        let positive = |x: &f64| x.is_finite() && *x > 0.0;
        check(self.slippage_notionals.iter().all(positive), "slippage_notionals", "above 0 each".into());
        let levels = |x: &usize| (1..=LEVELS_MAX).contains(x);
        check(self.imbalance_levels.iter().all(levels), "imbalance_levels", format!("1 to {LEVELS_MAX} each"));
        check(levels(&self.weighted_levels), "weighted_levels", format!("1 to {LEVELS_MAX}"));
        let ofi = (1..=OFI_LEVELS_MAX).contains(&self.ofi_levels);
        check(ofi, "ofi_levels", format!("1 to {OFI_LEVELS_MAX}"));
        let window = |x: f64| (1.0..=BUCKETS_MAX).contains(&(x * BUCKETS_PER_SECOND));
        let windows = !self.ofi_windows_seconds.is_empty() && self.ofi_windows_seconds.iter().all(|x| window(*x));
        check(windows, "ofi_windows_seconds", "one or more, 0.1 to 3600 each".into());
        check(window(self.trade_window_seconds), "trade_window_seconds", "0.1 to 3600".into());
        let step = (0.001..=3_600.0).contains(&self.volatility_step_seconds);
        check(step, "volatility_step_seconds", "0.001 to 3600".into());
        let steps = (2.0..=STEPS_MAX).contains(&(self.volatility_window_seconds / self.volatility_step_seconds));
        check(steps, "volatility_window_seconds", format!("2 to {STEPS_MAX} times volatility_step_seconds"));
        check(positive(&self.peer_age_max_seconds), "peer_age_max_seconds", "above 0".into());
        check(BARS.contains(&self.bar_window_seconds), "bar_window_seconds", "30 to 3600".into());
        let buckets = (1..=VPIN_BUCKETS_MAX).contains(&self.vpin_buckets);
        check(buckets, "vpin_buckets", format!("1 to {VPIN_BUCKETS_MAX}"));
        let volume = self.vpin_bucket_quote >= 0.0 && self.vpin_bucket_quote.is_finite();
        check(volume, "vpin_bucket_quote", "0 or above".into());
        check(positive(&self.premium_impact_quote), "premium_impact_quote", "above 0".into());
        check(self.premium_interest_bps.abs() <= 1e4, "premium_interest_bps", "-10000 to 10000".into());
        all
    }

    /// Depth bands in parts of `BAND_ONE`, ascending, each once.
    pub(super) fn bands(&self) -> Vec<i64> {
        let mut all: Vec<i64> = self.bands_bps.iter().filter_map(|x| parts(*x)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Slippage notionals in quote currency, ascending, each once.
    pub(super) fn notionals(&self) -> Vec<f64> {
        let mut all: Vec<f64> = self.slippage_notionals.iter().copied().filter(|x| x.is_finite() && *x > 0.0).collect();
        all.sort_unstable_by(f64::total_cmp);
        all.dedup();
        all
    }

    /// Numbers of levels of the imbalances, ascending, each once.
    pub(super) fn imbalances(&self) -> Vec<usize> {
        let mut all: Vec<usize> = self.imbalance_levels.iter().map(|n| (*n).clamp(1, LEVELS_MAX)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Levels per side of the depth-weighted price and of the slope.
    pub(super) fn weighted(&self) -> usize {
        self.weighted_levels.clamp(1, LEVELS_MAX)
    }

    /// Levels of the multi-level OFI.
    pub(super) fn ofi_depth(&self) -> usize {
        self.ofi_levels.clamp(1, OFI_LEVELS_MAX)
    }

    /// Windows of the OFI in buckets, ascending, each once, at least one.
    pub(super) fn ofi_windows(&self) -> Vec<usize> {
        let mut all: Vec<usize> = self.ofi_windows_seconds.iter().map(|x| buckets(*x)).collect();
        if all.is_empty() {
            all.push(buckets(1.0));
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Window of what is made of trades and of the rates, in buckets.
    pub(super) fn trade_window(&self) -> usize {
        buckets(self.trade_window_seconds)
    }

    /// Window of what is made of trades, in whole seconds.
    pub(super) fn trade_window_whole_seconds(&self) -> usize {
        self.trade_window_seconds.round().clamp(1.0, 3_600.0).max(1.0) as usize // NaN becomes 1
    }

    /// Number of bars of one second.
    pub(super) fn bars(&self) -> usize {
        self.bar_window_seconds.round().clamp(*BARS.start(), *BARS.end()).max(*BARS.start()) as usize // NaN: the fewest
    }

    /// Buckets of the VPIN.
    pub(super) fn vpin(&self) -> usize {
        self.vpin_buckets.clamp(1, VPIN_BUCKETS_MAX)
    }

    /// Step in ns and number of steps of the realised volatility.
    pub(super) fn volatility(&self) -> (i64, usize) {
        let step = (self.volatility_step_seconds * 1e3).round().clamp(1.0, 3.6e6);
        let count = (self.volatility_window_seconds * 1e3 / step).round().clamp(2.0, STEPS_MAX);
        (step as i64 * crate::units::NANOS_PER_MILLI, count as usize)
    }
}

/// A band in parts of `BAND_ONE`, if it is between nothing and the whole price.
fn parts(bps: f64) -> Option<i64> {
    let parts = (bps * PARTS_PER_BPS).round();
    (parts >= 1.0 && parts < BAND_ONE as f64).then_some(parts as i64)
}

/// Nearest whole number of buckets.
fn buckets(seconds: f64) -> usize {
    (seconds * BUCKETS_PER_SECOND).round().clamp(1.0, BUCKETS_MAX).max(1.0) as usize // NaN becomes 1
}

/// A window as column ids write it: `60s`, `0.5s`.
pub(super) fn window_label(buckets: usize) -> String {
    format!("{}s", buckets as f64 / BUCKETS_PER_SECOND)
}

/// A band as column ids write it: `25bps`, `2.5bps`.
pub(super) fn band_label(parts: i64) -> String {
    format!("{}bps", parts as f64 / PARTS_PER_BPS)
}

/// An amount as column ids write it: `100k`, `1m`, `2500`.
pub(super) fn amount_label(amount: f64) -> String {
    match amount {
        x if x % 1e6 == 0.0 => format!("{}m", x / 1e6),
        x if x % 1e3 == 0.0 => format!("{}k", x / 1e3),
        x => x.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_carry_the_unit_and_tell_apart() {
        assert_eq!([10_000.0, 1e6, 2_500.0, 1_500_000.0, 0.5].map(amount_label), ["10k", "1m", "2500", "1500k", "0.5"]);
        assert_eq!([10, 600, 5].map(window_label), ["1s", "60s", "0.5s"]);
        assert_eq!([10_000, 25_000, 1_000_000].map(band_label), ["1bps", "2.5bps", "100bps"]);
    }

    #[test]
    fn the_defaults_are_good_and_nonsense_is_named_and_survived() {
        assert_eq!(Params::default().problems(), Vec::<String>::new());
        let nonsense = Params {
            bands_bps: vec![-1.0, f64::NAN, 5.0, 5.0],
            slippage_notionals: vec![0.0, f64::INFINITY],
            imbalance_levels: vec![0],
            ofi_levels: 0,
            ofi_windows_seconds: vec![],
            weighted_levels: usize::MAX,
            trade_window_seconds: f64::NAN,
            volatility_window_seconds: 0.0,
            volatility_step_seconds: f64::NAN,
            peer_age_max_seconds: -1.0,
            bar_window_seconds: f64::NAN,
            vpin_buckets: 0,
            vpin_bucket_quote: -1.0,
            premium_impact_quote: 0.0,
            premium_interest_bps: f64::NAN,
            zscore: ZScoreParams { window_size: 0, min_samples: u32::MAX, ..ZScoreParams::default() },
        };
        let problems = nonsense.problems();
        assert_eq!(problems.len(), 15, "{problems:#?}");
        assert!(problems[0].starts_with("bands_bps must be"));
        assert_eq!(nonsense.bands(), [50_000]);
        assert_eq!(nonsense.trade_window(), 1);
        assert_eq!((nonsense.bars(), nonsense.vpin()), (30, 1));
        let (step, count) = nonsense.volatility();
        assert!(step >= 0 && count <= STEPS_MAX as usize);
    }
}
