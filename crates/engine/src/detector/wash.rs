//! Wash-like prints: much volume both ways that leaves the book and the price as they were, in sizes nobody trades by chance.

use super::bars::{Bars, money};
use super::near::{Near, changes, slot};
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::event::Event;
use crate::metric::{Finer, Seen};
use crate::units::{NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos, Price, Size};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

mod sizes;

use sizes::{Clusters, Sizes};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Trading that is added up, s.
    pub window_s: u32,
    /// Traded in it, times the usual.
    pub volume_multiple: f64,
    /// Share of it that took nothing from the book.
    pub hollow: f64,
    /// And above the usual share by that part of what is left to the whole.
    pub hollow_beyond: f64,
    /// Bought minus sold over both, at most.
    pub lean_max: f64,
    /// Move of mid at most, standard deviations: so much volume should have moved it.
    pub sigmas_max: f64,
    /// Trades before their sizes are judged.
    pub trades_min: u32,
    /// Mean distance of the first digits' shares from Benford's, beyond the usual one.
    pub digits: f64,
    /// Share of round sizes (one digit, then zeros) beyond the usual one.
    pub round: f64,
    /// Share of the three commonest sizes beyond the usual one.
    pub cluster: f64,
    /// Deviation of the sizes' logarithms, at most that share of the usual one.
    pub width: f64,
}

impl Default for Params {
    fn default() -> Self {
        Params {
            window_s: 20,
            volume_multiple: 1.6,
            hollow: 0.35,
            hollow_beyond: 0.2,
            lean_max: 0.5,
            sigmas_max: 5.0,
            trades_min: 20,
            digits: 0.03,
            round: 0.3,
            cluster: 0.15,
            width: 0.6,
        }
    }
}

/// Prices whose last loss is remembered.
const SLOTS: usize = 64;
/// Trades that wait for the book's word, at most; the oldest is judged early.
const WAITING_MAX: usize = 64;
/// The book tells of a trade within that, before or after it, ns.
const LATE_NANOS: i64 = 400 * NANOS_PER_MILLI;
/// Losses that count are that near to the touch, bps.
const NEAR_BPS: f64 = 20.0;
/// Windows over which the usual is averaged: seconds.
const MEMORY: f64 = 300.0;

/// What a level lost.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Loss {
    price: i64,
    size: i64,
    at: Nanos,
}

/// A print that the book has not confirmed yet.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Waiting {
    price: i64,
    size: i64,
    quote: f64,
    at: Nanos,
}

/// One second.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Second {
    judged: f32,
    hollow: f32,
    sizes: Sizes,
}

/// The last seconds, and what is usual.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Wash {
    bars: Bars,
    losses: Vec<Loss>,
    waiting: VecDeque<Waiting>,
    seconds: VecDeque<Second>,
    now: Second,
    usual_hollow: f64,
    /// Sizes of long, fading.
    usual_sizes: Sizes,
    clusters: Clusters,
    usual_cluster: f64,
    since: Option<Nanos>,
}

impl Detector for Wash {
    type Params = Params;

    const ABOUT: About = About {
        id: "wash",
        title: "Wash-like prints",
        family: Family::Manipulation,
        sees: "Sees volume both ways at a multiple of the usual that takes nothing from the book and does not move the price, \
               and sizes whose first digits, roundness or spread differ from this market's own. Self-crossing can be seen \
               only where the parties of a trade are published: none of these venues does, so it is left out. Hidden and \
               iceberg orders that refill at once look hollow too, which is why the volume, the balance and the sizes are \
               asked as well. Tails by a power law are not tested.",
        source: "Cong, Li, Tang & Yang 2023, Management Science 69:6427 (digits, clustering); Benford 1938; volume without impact",
        needs_book: true,
        pace: Pace { clear_ms: 15_000, cooldown_ms: 60_000 },
    };

    fn on(&mut self, seen: &Seen<'_>, _: &Params, _: &mut Found) {
        if let Event::Trade(trade) = &seen.stamped.event {
            if let Some(quote) = self.bars.on(seen) {
                if self.waiting.len() >= WAITING_MAX
                    && let Some(oldest) = self.waiting.pop_front()
                {
                    self.judge(oldest);
                }
                self.now.sizes.add(trade.size.0);
                self.clusters.add(trade.size.0);
                let waiting = Waiting { price: trade.price.0, size: trade.size.0, quote, at: seen.at };
                self.waiting.push_back(waiting);
            }
            return;
        }
        if seen.before.is_empty() {
            return;
        }
        let Some(near) = Near::of(seen.book, NEAR_BPS) else { return };
        if self.losses.is_empty() {
            self.losses.resize(SLOTS, Loss::default());
        }
        for (_, level, Size(before)) in changes(seen) {
            if level.size.0 >= before || !near.holds(level.price) {
                continue;
            }
            let Some(loss) = self.losses.get_mut(slot(level.price, SLOTS)) else { continue };
            if loss.price != level.price.0 || seen.at.since(loss.at) > LATE_NANOS {
                *loss = Loss { price: level.price.0, ..Loss::default() };
            }
            loss.size = loss.size.saturating_add(before - level.size.0);
            loss.at = seen.at;
        }
    }

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        while let Some(oldest) = self.waiting.front().copied().filter(|w| look.at.since(w.at) > LATE_NANOS) {
            self.waiting.pop_front();
            self.judge(oldest);
        }
        let window = params.window_s.clamp(5, 60) as usize;
        if self.bars.tick(look, window + 1).is_none() {
            return;
        }
        if self.seconds.capacity() == 0 {
            self.seconds.reserve_exact(window + 1);
            self.waiting.reserve_exact(WAITING_MAX);
        }
        if self.seconds.len() >= window
            && let Some(old) = self.seconds.pop_front()
        {
            self.usual_sizes.fade(MEMORY);
            self.usual_sizes.plus(&old.sizes);
        }
        self.seconds.push_back(std::mem::take(&mut self.now));
        if !self.bars.is_warm() || self.seconds.len() < window {
            self.learn();
            found.gauge(self.bars.warmup());
            return found.skip(Skip::ZscoreWarmup);
        }
        self.weigh(look, window, params, found);
        self.learn();
    }

    fn on_gap(&mut self) {
        self.bars.gap();
        self.losses.fill(Loss::default());
        self.waiting.clear();
        self.since = None;
    }

    fn on_rescale(&mut self, finer: Finer) {
        self.losses.fill(Loss::default());
        self.waiting.clear();
        self.clusters.clear();
        let finer_size = (finer.size as f64).ln();
        self.usual_sizes.shift(finer_size);
        self.now.sizes.shift(finer_size);
        for second in &mut self.seconds {
            second.sizes.shift(finer_size);
        }
    }
}

impl Wash {
    /// How much of a print the book does not show.
    fn judge(&mut self, print: Waiting) {
        let mut explained = 0;
        if let Some(loss) = self.losses.get_mut(slot(Price(print.price), SLOTS))
            && loss.price == print.price
            && loss.at.since(print.at) >= -LATE_NANOS
        {
            explained = loss.size.clamp(0, print.size);
            loss.size -= explained;
        }
        let hollow = 1.0 - explained as f64 / print.size.max(1) as f64;
        self.now.judged += print.quote as f32;
        self.now.hollow += (print.quote * hollow) as f32;
    }

    fn hollow(&self) -> Option<f64> {
        let sum = |of: fn(&Second) -> f32| self.seconds.iter().map(|second| f64::from(of(second))).sum::<f64>();
        let judged = sum(|second| second.judged);
        (judged > 0.0).then(|| sum(|second| second.hollow) / judged)
    }

    fn learn(&mut self) {
        if self.since.is_none()
            && let Some(hollow) = self.hollow()
        {
            let part = 1.0 / MEMORY.min(f64::from(self.bars.seen()).max(1.0));
            self.usual_hollow += part * (hollow - self.usual_hollow);
            self.usual_cluster += part * (self.clusters.share() - self.usual_cluster);
        }
    }

    fn weigh(&mut self, look: &Look<'_>, window: usize, params: &Params, found: &mut Found) {
        let flow = self.bars.flow(window);
        let (multiple, lean) = (self.bars.multiple(flow, window), flow.lean().abs());
        let hollow = self.hollow().unwrap_or_default();
        let cut = params.hollow.max(self.usual_hollow + params.hollow_beyond * (1.0 - self.usual_hollow));
        found.gauge(Gauge { measure: Some(Measure::new("hollow_share", hollow, Some(cut))), warmup: None });
        let sigmas = self.bars.change_bps(window).unwrap_or_default().abs() / self.bars.sigma_bps(window);
        if multiple < params.volume_multiple || hollow < cut || lean > params.lean_max || sigmas > params.sigmas_max {
            self.since = None;
            return;
        }
        let mut sizes = Sizes::default();
        self.seconds.iter().for_each(|second| sizes.plus(&second.sizes));
        let usual = &self.usual_sizes;
        let digits = (sizes.benford_distance(), usual.benford_distance() + params.digits);
        let round = (sizes.round_share(), usual.round_share() + params.round);
        let width = (sizes.log_deviation(), usual.log_deviation() * params.width);
        let cluster = (self.clusters.share(), self.usual_cluster + params.cluster);
        let odd = [digits.0 >= digits.1, round.0 >= round.1, cluster.0 >= cluster.1, width.0 <= width.1];
        let names = ["odd first digits", "round sizes", "few sizes", "sizes too much alike"];
        let enough = sizes.count() >= f64::from(params.trades_min) && usual.count() >= f64::from(params.trades_min);
        if !enough || !odd.contains(&true) {
            self.since = None;
            return;
        }
        let why: Vec<&str> = odd.iter().zip(names).filter(|(is, _)| **is).map(|(_, name)| name).collect();
        let why = why.join(", ");
        let since = *self.since.get_or_insert(look.at.plus(-(window as i64) * NANOS_PER_SECOND));
        found.raise(Finding {
            key: 0,
            severity: Severity::Warning,
            persist_ms: 2_000,
            holds: false,
            since,
            text: format!(
                "{} traded in {window} s ({multiple:.1}x the usual), {} bought and {} sold; {:.0} % of it took nothing from \
                 the book (usually {:.0} %) and mid moved {sigmas:.1} standard deviations; {why}",
                money(flow.total()),
                money(flow.buy),
                money(flow.sell),
                hollow * 100.0,
                self.usual_hollow * 100.0,
            ),
            evidence: vec![
                Measure::new("volume_multiple", multiple, Some(params.volume_multiple)),
                Measure::new("hollow_share", hollow, Some(cut)),
                Measure::new("flow_lean", lean, Some(params.lean_max)),
                Measure::new("move_sigmas", sigmas, Some(params.sigmas_max)),
                Measure::new("first_digit_distance", digits.0, Some(digits.1)),
                Measure::new("first_digit_chi_square", sizes.chi_square(), None),
                Measure::new("round_share", round.0, Some(round.1)),
                Measure::new("cluster_share", cluster.0, Some(cluster.1)),
                Measure::new("log_size_deviation", width.0, Some(width.1)),
            ],
        });
    }
}
