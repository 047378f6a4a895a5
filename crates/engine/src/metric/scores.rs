//! Standard scores of the columns that people watch, taken from the samples themselves once a second: `zscore.rs` says what
//! they are.

use super::{Params, Reason, Spec, Value};
use crate::units::{NANOS_PER_SECOND, Nanos};
use crate::zscore::{NoScore, ZScore};
use serde::{Deserialize, Serialize};

/// Ends of the columns' names, and the columns whose sum is scored.
const WATCHED: [(&str, &[&str]); 6] = [
    ("spread", &["spread_bps"]),
    ("depth_10bps", &["depth_bid_10bps_quote", "depth_ask_10bps_quote"]),
    ("imbalance_5", &["imbalance_5"]),
    ("ofi_1s", &["ofi_1s"]),
    ("basis", &["basis_index_bps"]),
    ("volume", &["volume_buy_60s_base_per_s", "volume_sell_60s_base_per_s"]),
];

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Series {
    /// Where the columns stand in a sample.
    columns: Vec<usize>,
    score: ZScore,
}

/// A series per column that is watched and there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Scores {
    next: Option<Nanos>,
    series: Vec<Series>,
}

/// What is watched, as far as the columns are there.
fn watched<'a>(params: &Params, specs: &'a [Spec]) -> impl Iterator<Item = (&'static str, Vec<usize>)> + 'a {
    let wanted = if params.zscore.enabled { WATCHED.as_slice() } else { &[] };
    wanted.iter().filter_map(|(name, ids)| {
        let column = |id: &&str| specs.iter().position(|spec| spec.id == **id);
        Some((*name, ids.iter().map(column).collect::<Option<Vec<usize>>>()?))
    })
}

impl Scores {
    /// Over the columns of these specs.
    pub(super) fn new(params: &Params, specs: &[Spec]) -> Self {
        let series = watched(params, specs).map(|(_, columns)| Series { columns, score: ZScore::new(params.zscore) });
        Scores { next: None, series: series.collect() }
    }

    /// The columns it adds.
    pub(super) fn specs(params: &Params, specs: &[Spec]) -> Vec<Spec> {
        let both = |name: &str| {
            [
                Spec {
                    id: format!("z_{name}"),
                    unit: "standard deviations",
                    help: "How unusual the number is among its last samples, one a second; absent while warming up, anew after a gap.",
                    formula: "(x - mean) / standard deviation over the window, x within it",
                },
                Spec {
                    id: format!("z_robust_{name}"),
                    unit: "scaled MADs",
                    help: "The same by median and median absolute deviation, which single outliers do not move.",
                    formula: "(x - median) / (1.4826 MAD) over the window",
                },
            ]
        };
        watched(params, specs).flat_map(|(name, _)| both(name)).collect()
    }

    /// The book is no longer believed.
    pub(super) fn on_gap(&mut self) {
        self.series.iter_mut().for_each(|series| series.score.gap());
    }

    /// Appends the scores of a sample whose columns stand in `out` from `from` on.
    pub(super) fn sample(&mut self, at: Nanos, from: usize, out: &mut Vec<Value>) {
        let is_due = self.next.is_none_or(|next| at >= next);
        if is_due {
            self.next = Some(Nanos(at.0.saturating_sub(at.0.rem_euclid(NANOS_PER_SECOND))).plus(NANOS_PER_SECOND));
        }
        for Series { columns, score } in &mut self.series {
            let value = columns.iter().try_fold(0.0, |sum, column| match out.get(from + column) {
                Some(Value::Is(x)) => Ok(sum + x),
                Some(Value::Absent(reason)) => Err(*reason),
                None => Err(Reason::NoData),
            });
            if let (Ok(x), true) = (value, is_due) {
                score.push(x);
            }
            let classic = value.and_then(|x| score.classic_of(x).map_err(NoScore::reason));
            let robust = value.and_then(|x| score.robust_of(x).map_err(NoScore::reason));
            out.extend([classic, robust].map(Value::from));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::instrument::Contract;
    use crate::metric::tests::{Stage, params};
    use crate::metric::{Params, Reason, catalogue};
    use crate::units::Side::{Ask, Bid};
    use crate::zscore::ZScoreParams;

    #[test]
    fn by_hand() {
        let mut stage = Stage::new(Contract::Base).book(&[(100_00, 1_000)], &[(100_01, 1_000)]);
        // The first of five levels takes 1, 2, 3, ... 30: the spread stays, the imbalance rises.
        let mut imbalances = Vec::new();
        for i in 0..30i64 {
            stage.depth(i * 1_000 - 500, &[(Bid, 100_00, 1_000 * (i + 1)), (Ask, 100_01, 1_000)]);
            for tenth in 0..10 {
                stage.at(i * 1_000 + tenth * 100); // ten samples a second, of which one counts
                stage.take_sample();
                assert_eq!(stage.reason("z_imbalance_5"), Some(Reason::Warmup).filter(|_| i < 29));
            }
            imbalances.push(i as f64 / (i + 2) as f64);
        }
        let mean = imbalances.iter().sum::<f64>() / 30.0;
        let deviation = (imbalances.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 29.0).sqrt();
        assert!((stage.value("z_imbalance_5") - (29.0 / 31.0 - mean) / deviation).abs() < 1e-12);
        assert_eq!(stage.reason("z_spread"), Some(Reason::Undefined)); // it never varied
        assert_eq!(stage.reason("z_robust_basis"), Some(Reason::NotApplicable));
        stage.gap();
        assert_eq!(stage.reason("z_imbalance_5"), Some(Reason::Warmup));
    }

    #[test]
    fn can_be_switched_off() {
        let off = Params { zscore: ZScoreParams { enabled: false, ..ZScoreParams::default() }, ..params() };
        assert!(catalogue(&off).iter().all(|spec| !spec.id.starts_with("z_")));
        assert_eq!(catalogue(&params()).iter().filter(|spec| spec.id.starts_with("z_")).count(), 12);
    }
}
