//! Liquidation cascade: forced orders, or takers that look like them, eat one side of the book and the price runs.

use super::bars::{Bars, bps, money, way};
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::event::Event;
use crate::instrument::Kind;
use crate::metric::Seen;
use crate::units::{NANOS_PER_SECOND, Nanos};
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Length of what is looked at, s.
    pub window_s: u32,
    /// Forced orders one way in it.
    pub forced: u32,
    /// Their worth, share of what is usually traded in that time.
    pub forced_share: f64,
    /// Without forced orders: traded, times the usual.
    pub volume_multiple: f64,
    /// And the share of it that went one way, 0 to 1: bought minus sold over both.
    pub lean: f64,
    /// And what is left of the depth on the side that is eaten, share of its mean.
    pub depth_left: f64,
    /// Move of mid, standard deviations; twice as much is critical.
    pub sigmas: f64,
    /// And at least that, bps; twice as much is critical.
    pub move_min_bps: f64,
}

impl Default for Params {
    fn default() -> Self {
        Params {
            window_s: 10,
            forced: 3,
            forced_share: 0.3,
            volume_multiple: 3.0,
            lean: 0.7,
            depth_left: 0.6,
            sigmas: 5.0,
            move_min_bps: 12.0,
        }
    }
}

/// Forced orders one way, fading over the window.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Forced {
    count: f64,
    quote: f64,
}

/// Forced orders of late, and the depth near the touch as a mean.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Cascade {
    bars: Bars,
    /// Buying, selling.
    forced: [Forced; 2],
    /// Whether the venue tells forced orders at all.
    told: bool,
    /// Bids, asks.
    depth_mean: [f64; 2],
    since: Option<Nanos>,
}

const DEPTH_PART: f64 = 1.0 / 120.0;

impl Detector for Cascade {
    type Params = Params;

    const ABOUT: About = About {
        id: "cascade",
        title: "Liquidation cascade",
        family: Family::Pricing,
        sees: "Sees a burst of forced orders one way that moves the price, where the venue publishes them; elsewhere, or where \
               it publishes only some of them, one-sided takers at a multiple of the usual volume that empty that side of \
               the book while mid runs. Without published orders it cannot tell forced selling from panic.",
        source: "Brunnermeier & Pedersen 2009, RFS 22:2201 (liquidity spirals); the venues' forced-order streams",
        needs_book: true,
        pace: Pace { clear_ms: 15_000, cooldown_ms: 60_000 },
    };

    fn on(&mut self, seen: &Seen<'_>, _: &Params, _: &mut Found) {
        self.bars.on(seen);
        if let Event::Liquidation(order) = &seen.stamped.event {
            let scale = seen.instrument.scale;
            let quote = seen.instrument.quote_amount(scale.price_f64(order.price), scale.size_f64(order.size));
            let forced = &mut self.forced[usize::from(!order.buy)];
            forced.count += 1.0;
            forced.quote += quote.unwrap_or_default();
            self.told = true;
        }
    }

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        if look.instrument.kind == Kind::Spot {
            return found.skip(Skip::NotApplicable); // nobody is liquidated there
        }
        let window = params.window_s.clamp(2, 60) as usize;
        let Some(mid) = self.bars.tick(look, window + 1) else { return };
        let left = self.depth_left(look);
        let forced = self.forced;
        for forced in &mut self.forced {
            forced.count *= 1.0 - 1.0 / window as f64;
            forced.quote *= 1.0 - 1.0 / window as f64;
        }
        if !self.bars.is_warm() {
            found.gauge(self.bars.warmup());
            return found.skip(Skip::ZscoreWarmup);
        }
        let (Some(change), Some(from)) = (self.bars.change_bps(window), self.bars.mid_ago(window)) else { return };
        let (up, flow) = (change > 0.0, self.bars.flow(window));
        let (sigmas, multiple) = (change.abs() / self.bars.sigma_bps(window), self.bars.multiple(flow, window));
        let lean = flow.lean() * change.signum();
        let (forced, left) = (forced[usize::from(!up)], left[usize::from(up)]);
        let share = forced.quote / self.bars.usual(window).max(f64::MIN_POSITIVE);
        found.gauge(Gauge { measure: Some(Measure::new("move_sigmas", sigmas, Some(params.sigmas))), warmup: None });
        let runs = sigmas >= params.sigmas && change.abs() >= params.move_min_bps;
        let is_forced = forced.count >= f64::from(params.forced) && share >= params.forced_share;
        let looks_so = multiple >= params.volume_multiple && lean >= params.lean && left <= params.depth_left;
        if !runs || !(is_forced || looks_so) {
            self.since = None;
            return;
        }
        let since = *self.since.get_or_insert(look.at.plus(-(window as i64) * NANOS_PER_SECOND));
        let doubled = sigmas >= 2.0 * params.sigmas && change.abs() >= 2.0 * params.move_min_bps;
        let what = if is_forced {
            format!("{:.0} forced orders worth {} {}", forced.count, money(forced.quote), bought(up))
        } else {
            let of = if self.told { "few forced orders published" } else { "no forced orders are published" };
            format!("takers {} {} ({multiple:.1}x the usual; {of})", bought(up), money(flow.total()))
        };
        let side = if up { "asks" } else { "bids" };
        found.raise(Finding {
            key: u64::from(up),
            severity: if doubled { Severity::Critical } else { Severity::Warning },
            persist_ms: 0,
            holds: false,
            since,
            text: format!(
                "{what} within {window} s; mid ran {} {:.1} bps from {from} to {mid}, {:.0} % of the usual {side} are left",
                way(up),
                bps(mid, from).abs(),
                left * 100.0,
            ),
            evidence: vec![
                Measure::new("move_bps", change, Some(params.move_min_bps)),
                Measure::new("move_sigmas", sigmas, Some(params.sigmas)).with_zscore(sigmas),
                Measure::new("forced_orders", forced.count, Some(f64::from(params.forced))),
                Measure::new("forced_share", share, Some(params.forced_share)),
                Measure::new("volume_multiple", multiple, Some(params.volume_multiple)),
                Measure::new("flow_lean", lean, Some(params.lean)),
                Measure::new("depth_left_share", left, Some(params.depth_left)),
            ],
        });
    }

    fn on_gap(&mut self) {
        self.bars.gap();
        self.since = None;
    }
}

impl Cascade {
    /// What is left of the depth within 10 bps over its mean: bids, asks; 1 where it is not known.
    fn depth_left(&mut self, look: &Look<'_>) -> [f64; 2] {
        let columns = ["depth_bid_10bps_quote", "depth_ask_10bps_quote"];
        std::array::from_fn(|side| {
            let (Some(depth), mean) = (look.value(columns[side]), &mut self.depth_mean[side]) else { return 1.0 };
            if *mean <= 0.0 {
                *mean = depth;
            }
            *mean += DEPTH_PART * (depth - *mean);
            depth / mean.max(f64::MIN_POSITIVE)
        })
    }
}

fn bought(up: bool) -> &'static str {
    if up { "bought" } else { "sold" }
}
