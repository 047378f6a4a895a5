//! Crossed or locked book: bids at or above asks outside an auction, for longer than a matching engine's half step.

use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::output::Validity;
use crate::units::{NANOS_PER_MILLI, Nanos, Side};
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Crossed for that long is a warning, ms.
    pub warning_ms: u32,
    /// For that long critical, ms.
    pub critical_ms: u32,
}

impl Default for Params {
    fn default() -> Self {
        Params { warning_ms: 1_000, critical_ms: 10_000 }
    }
}

/// Since when the book is crossed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Crossed {
    since: Option<Nanos>,
}

impl Detector for Crossed {
    type Params = Params;

    const ABOUT: About = About {
        id: "crossed",
        title: "Crossed or locked book",
        family: Family::Pricing,
        sees: "Sees that the venue's own updates leave bids at or above asks while the venue says that it trades \
               continuously. Cannot tell a broken matching engine from a feed that lost a deletion: the book is rebuilt \
               from a snapshot meanwhile, and what outlasts that is the venue's.",
        source: "definition: best bid >= best ask",
        needs_book: false,
        pace: Pace { clear_ms: 5_000, cooldown_ms: 30_000 },
    };

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        if look.may_cross {
            self.since = None;
            return found.skip(Skip::NotApplicable);
        }
        if !matches!(look.validity, Validity::Live | Validity::Crossed) {
            self.since = None;
            return found.skip(Skip::BookInvalid);
        }
        let (Some(bid), Some(ask)) = (look.book.best(Side::Bid), look.book.best(Side::Ask)) else {
            return found.skip(Skip::NoData);
        };
        let scale = look.instrument.scale;
        let (bid, ask) = (scale.price_f64(bid.price), scale.price_f64(ask.price));
        let overlap = Measure::new("overlap_bps", (bid - ask) / f64::midpoint(bid, ask) * 1e4, Some(0.0));
        found.gauge(Gauge { measure: Some(overlap.clone()), warmup: None });
        if look.validity == Validity::Live {
            self.since = None;
            return;
        }
        let since = *self.since.get_or_insert(look.at);
        let lasted_ms = look.at.since(since) / NANOS_PER_MILLI;
        let severity = match lasted_ms {
            ms if ms >= i64::from(params.critical_ms) => Severity::Critical,
            ms if ms >= i64::from(params.warning_ms) => Severity::Warning,
            _ => return,
        };
        found.raise(Finding {
            key: 0,
            severity,
            persist_ms: 0,
            holds: false,
            since,
            text: format!("best bid {bid} stands at or above best ask {ask} for {:.1} s", lasted_ms as f64 / 1e3),
            evidence: vec![
                overlap,
                Measure::new("lasted_ms", lasted_ms as f64, Some(f64::from(params.warning_ms))),
                Measure::new("best_bid", bid, None),
                Measure::new("best_ask", ask, None),
            ],
        });
    }

    fn on_gap(&mut self) {
        // A crossed book is itself a reason not to believe the book: what is measured here goes on.
    }
}
