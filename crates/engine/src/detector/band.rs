//! What waits near the touch, as detectors measure it.

use super::{Look, Skip};
use crate::instrument::Contract;
use crate::metric::depth::limit;
use crate::output::Validity;
use crate::units::{POW10, Side, float};

/// Both sides, as arrays are indexed by them.
pub(super) const SIDES: [Side; 2] = [Side::Bid, Side::Ask];

/// The word of a side.
pub(super) fn word(side: Side) -> &'static str {
    match side {
        Side::Bid => "bid",
        Side::Ask => "ask",
    }
}

/// Worth of the orders of a side within so many basis points of mid, quote currency.
pub(super) fn depth_quote(look: &Look<'_>, side: Side, bps: f64) -> Result<f64, Skip> {
    if look.validity != Validity::Live {
        return Err(Skip::BookInvalid);
    }
    let (Some(bid), Some(ask)) = (look.book.best(Side::Bid), look.book.best(Side::Ask)) else {
        return Err(Skip::NoData);
    };
    let parts = (bps.clamp(0.0, 9_999.0) * 1e4).round() as i64;
    let limit = limit(side, bid.price.0 + ask.price.0, parts);
    if !look.book.knows(side, limit) {
        return Err(Skip::BeyondTrusted);
    }
    let total = look.book.total_to(side, limit);
    let power = |n: u8| POW10.get(usize::from(n)).map_or(1.0, |p| *p as f64);
    let (price, size) = (power(look.instrument.scale.price), power(look.instrument.scale.size));
    match look.instrument.contract {
        Contract::Base => Ok(float(total.notional) / (price * size)),
        Contract::Linear(value) => Ok(float(total.notional) / (price * size) * value.to_f64()),
        Contract::Inverse(value) => Ok(float(total.size) / size * value.to_f64()),
        Contract::Unknown => Err(Skip::NoData),
    }
}

/// Spread over mid, bps.
pub(super) fn spread_bps(look: &Look<'_>) -> Result<f64, Skip> {
    let (bid, ask) = look.touch().ok_or(Skip::NoData)?;
    Ok((ask - bid) / f64::midpoint(bid, ask) * 1e4)
}
