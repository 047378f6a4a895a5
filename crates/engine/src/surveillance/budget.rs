//! The alert budget: the operator says how many alerts a day he will read, and this chooses how unusual a finding has to be.
//!
//! How unusual: the share of all evaluations of that detector, in that hour of the day, that scored as high (a distribution-free
//! tail, shrunk towards the whole day's while the hour is young). Of everything that was evaluated at one instant the findings
//! are admitted by Benjamini and Hochberg (1995) at a level that falls with every admitted alert and recovers with time, so
//! that in the long run as many are admitted as were asked for. What is critical is never held back.

use crate::alert::Severity;
use crate::detector::CATALOGUE;
use crate::units::{NANOS_PER_SECOND, Nanos};
use serde::{Deserialize, Serialize};

const DAY_NANOS: f64 = 86_400e9;
const HOURS: usize = 24;
/// Scores are counted in steps of a tenth of their logarithm to base 2, from 2^-2 to 2^6 times the threshold.
const STEPS: usize = 81;
/// Evaluations that the whole day's share stands for while an hour has few of its own.
const SHRINK: f64 = 600.0;
/// How much an admitted alert lowers the level, natural logarithm.
const PRICE: f64 = 0.5;
/// Lowest level, natural logarithm: one in a million.
const LEVEL_MIN: f64 = -13.8;

/// How often a score was reached.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Tail {
    seen: u64,
    /// By step; the last holds all beyond.
    counts: Vec<u32>,
}

impl Default for Tail {
    fn default() -> Self {
        Tail { seen: 0, counts: vec![0; STEPS] }
    }
}

impl Tail {
    fn add(&mut self, step: Option<usize>) {
        self.seen += 1;
        if let Some(count) = step.and_then(|step| self.counts.get_mut(step)) {
            *count = count.saturating_add(1);
        }
    }

    /// Evaluations that scored that high, out of how many.
    fn at_least(&self, step: usize) -> (f64, f64) {
        let reached: u64 = self.counts.get(step..).into_iter().flatten().map(|count| u64::from(*count)).sum();
        (reached as f64, self.seen as f64)
    }
}

/// What one detector scores, by hour of the day (UTC).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Baseline {
    hours: Vec<Tail>,
    day: Tail,
}

/// A finding that would fire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    /// Whose, within the round.
    pub(crate) detector: u8,
    /// Value over threshold, 1 at the threshold.
    pub(crate) score: f64,
    pub(crate) severity: Severity,
}

/// The budget of everything that one engine watches.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Budget {
    baselines: Vec<Baseline>,
    /// Level of Benjamini and Hochberg, natural logarithm; 0: everything is admitted.
    level: f64,
    at: Nanos,
}

fn step(score: f64) -> Option<usize> {
    // A score that is no number, or below a quarter of the threshold, reaches no step.
    let step = (score.log2() + 2.0) * 10.0;
    (step >= 0.0).then(|| (step as usize).min(STEPS - 1))
}

fn hour(at: Nanos) -> usize {
    (at.0.div_euclid(3_600 * NANOS_PER_SECOND)).rem_euclid(HOURS as i64) as usize
}

impl Budget {
    /// A detector has looked; what it scored, if it measured anything.
    pub(crate) fn evaluated(&mut self, at: Nanos, detector: u8, score: Option<f64>) {
        self.baselines.resize_with(CATALOGUE.len(), Baseline::default);
        let Some(baseline) = self.baselines.get_mut(usize::from(detector)) else { return };
        baseline.hours.resize_with(HOURS, Tail::default);
        let step = score.and_then(step);
        baseline.day.add(step);
        if let Some(tail) = baseline.hours.get_mut(hour(at)) {
            tail.add(step);
        }
    }

    /// Share of evaluations that scored as high, the present one counted; 1 where nothing is known.
    pub(crate) fn tail(&self, at: Nanos, detector: u8, score: f64) -> f64 {
        let (Some(baseline), Some(step)) = (self.baselines.get(usize::from(detector)), step(score)) else { return 1.0 };
        let (reached, seen) = baseline.day.at_least(step);
        let day = (reached + 1.0) / (seen + 1.0);
        let (reached, seen) = baseline.hours.get(hour(at)).map_or((0.0, 0.0), |tail| tail.at_least(step));
        (reached + SHRINK * day) / (seen + SHRINK)
    }

    /// Which candidates of this instant fire, out of so many evaluations; `per_day` alerts are wanted.
    pub(crate) fn admit(&mut self, at: Nanos, per_day: f64, evaluated: usize, candidates: &[Candidate]) -> Vec<bool> {
        let since = if self.at == Nanos(0) { 0 } else { at.since(self.at) };
        self.at = at;
        self.level = (self.level + PRICE * per_day * since as f64 / DAY_NANOS).min(0.0);
        let tails: Vec<f64> = candidates.iter().map(|c| self.tail(at, c.detector, c.score)).collect();
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        order.sort_by(|a, b| tails[*a].total_cmp(&tails[*b]));
        let (level, out_of) = (self.level.exp(), evaluated.max(candidates.len()).max(1) as f64);
        let passes = |rank: usize, index: usize| tails[index] <= (rank + 1) as f64 / out_of * level;
        let last = order.iter().enumerate().rev().find(|(rank, index)| passes(*rank, **index)).map(|(rank, _)| rank);
        let mut admitted = vec![false; candidates.len()];
        for (rank, index) in order.into_iter().enumerate() {
            let within = self.level >= 0.0 || last.is_some_and(|last| rank <= last);
            admitted[index] = within || candidates[index].severity == Severity::Critical;
        }
        let spent = admitted.iter().filter(|fires| **fires).count() as f64;
        self.level = (self.level - PRICE * spent).max(LEVEL_MIN);
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(score: f64) -> Candidate {
        Candidate { detector: 0, score, severity: Severity::Warning }
    }

    /// A day of looks once a second, with a finding of random height every minute: how many fire, and how high they were.
    fn days(per_day: f64, days: i64) -> (usize, f64, f64) {
        let (mut budget, mut random) = (Budget::default(), 1_u64);
        let (mut fired, mut sum, mut all, mut count) = (0, 0.0, 0.0, 0.0);
        for second in 0..days * 86_400 {
            let at = Nanos((1 + second) * NANOS_PER_SECOND);
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let uniform = ((random >> 11) as f64 + 1.0) / (1_u64 << 53) as f64;
            let score = -uniform.ln() / 3.0; // exponential: above 1 in one of twenty
            budget.evaluated(at, 0, Some(score));
            if score <= 1.0 || second % 10 != 0 {
                continue;
            }
            (all, count) = (all + score, count + 1.0);
            if budget.admit(at, per_day, 1, &[warning(score)])[0] && second > 86_400 {
                fired += 1;
                sum += score;
            }
        }
        (fired, sum / fired as f64, all / count)
    }

    #[test]
    fn as_many_fire_as_were_asked_for_and_they_are_the_unusual_ones() {
        let (fired, height, usual) = days(20.0, 4);
        assert!((30..=90).contains(&fired), "{fired} in three days instead of 60");
        assert!(height > usual + 0.3, "{height} against {usual}");
    }

    #[test]
    fn a_budget_that_is_not_used_up_holds_nothing_back() {
        let (fired, ..) = days(100_000.0, 2);
        assert!((330..=530).contains(&fired), "all of about 430: {fired}");
    }

    #[test]
    fn what_is_critical_fires_whatever_was_spent() {
        let mut budget = Budget { level: LEVEL_MIN, ..Budget::default() };
        let critical = Candidate { severity: Severity::Critical, ..warning(1.1) };
        assert_eq!(budget.admit(Nanos(1), 1.0, 100, &[warning(1.1), critical]), [false, true]);
    }

    #[test]
    fn an_hour_has_its_own_baseline() {
        let mut budget = Budget::default();
        let hour = |hour: i64| Nanos(hour * 3_600 * NANOS_PER_SECOND);
        for _ in 0..10_000 {
            budget.evaluated(hour(3), 0, Some(2.0));
            budget.evaluated(hour(15), 0, Some(0.3));
        }
        assert!(budget.tail(hour(3), 0, 1.5) > 0.9, "usual at night");
        assert!(budget.tail(hour(15), 0, 1.5) < 0.1, "unusual in the afternoon");
        assert_eq!(budget.tail(hour(3), 9, 1.5), 1.0, "nothing is known of that one");
    }
}
