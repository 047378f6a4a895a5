//! Trades: changes tell the new ones, a snapshot the latest.

use super::{Extent, Fold, Head, list, number, units};
use crate::api::stream::frame;
use crate::hub::Store;
use crate::view::TradeLine;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::units::Nanos;
use std::collections::VecDeque;

/// Trades in a snapshot.
pub const SNAPSHOT_MAX: usize = 200;
/// Most trades in a change; where more came between two, the older ones are left out.
const CHANGE_MAX: usize = 1_000;

/// The trades last said.
#[derive(Default)]
pub struct Trades {
    new: Vec<TradeLine>,
    said: VecDeque<TradeLine>,
    /// Trades since the start that were looked at.
    seen: u64,
}

impl Fold for Trades {
    fn look(&mut self, store: &Store, instrument: Option<InstrumentId>) -> Option<Nanos> {
        self.new.clear();
        let Some(slot) = instrument.and_then(|id| store.get(id)) else { return Some(Nanos(0)) };
        let count = usize::try_from(slot.trades_seen.saturating_sub(self.seen)).unwrap_or(CHANGE_MAX).min(CHANGE_MAX);
        self.new.extend(slot.trades.iter().skip(slot.trades.len().saturating_sub(count)));
        self.seen = slot.trades_seen;
        Some(slot.trades.back().map_or(Nanos(0), |trade| trade.at))
    }

    fn step(&mut self) -> bool {
        let skipped = self.new.len().saturating_sub(SNAPSHOT_MAX);
        self.said.extend(self.new.iter().skip(skipped));
        while self.said.len() > SNAPSHOT_MAX {
            self.said.pop_front();
        }
        !self.new.is_empty()
    }

    fn text(&self, extent: Extent, head: &Head, out: &mut String) {
        out.push_str(r#","trades":"#);
        let each = |trade: &TradeLine, out: &mut String| {
            out.push_str(r#"{"at_ms":"#);
            number(trade.at.0 as f64 / 1e6, out);
            out.push_str(r#","price":"#);
            units(trade.price.0, head.scale.price, out);
            out.push_str(r#","size":"#);
            units(trade.size.0, head.scale.size, out);
            out.push_str(if trade.taker_buy { r#","side":"buy"}"# } else { r#","side":"sell"}"# });
        };
        match extent {
            Extent::Whole => list(&self.said, out, each),
            Extent::Change => list(&self.new, out, each),
        }
    }

    fn binary(&self, extent: Extent, _: &Head, out: &mut Vec<u8>) {
        match extent {
            Extent::Whole => frame::trades(self.said.iter(), out),
            Extent::Change => frame::trades(self.new.iter(), out),
        }
    }
}
