//! The binary form: a head of 24 bytes, then a body by kind; little-endian.

use super::fold::Head;
use super::kind::Kind;
use crate::hub::code;
use crate::hub::relief::Relief;
use crate::view::TradeLine;
use fathometer_engine::metric::Value;
use fathometer_engine::output::Validity;
use fathometer_engine::units::{Level, POW10, Scale};

/// Version of the form.
pub const VERSION: u8 = 1;
/// Flag of a snapshot.
const SNAPSHOT: u8 = 1;

/// Writes the head.
pub fn head(kind: Kind, head: &Head, snapshot: bool, out: &mut Vec<u8>) {
    let flags = if snapshot { SNAPSHOT } else { 0 };
    let validity = code::validity(head.validity.unwrap_or(Validity::Live));
    out.extend([VERSION, kind.code().unwrap_or(0), flags, validity]);
    out.extend(head.instrument.map_or(u32::MAX, |id| id.0).to_le_bytes());
    out.extend(head.sequence.to_le_bytes());
    out.extend(head.at.0.to_le_bytes());
}

/// Values by column.
pub fn metrics(values: impl ExactSizeIterator<Item = (usize, Value)>, out: &mut Vec<u8>) {
    counts(values.len(), 0, out);
    for (column, value) in values {
        let (reason, number) = match value {
            Value::Is(number) => (0, number),
            Value::Absent(why) => (code::reason(why), 0.0),
        };
        out.extend((column as u16).to_le_bytes());
        out.extend([reason, 0, 0, 0, 0, 0]);
        out.extend(number.to_le_bytes());
    }
}

/// Levels, bids first.
pub fn book(bids: &[Level], asks: &[Level], out: &mut Vec<u8>) {
    counts(bids.len(), asks.len(), out);
    for level in bids.iter().chain(asks) {
        out.extend(level.price.0.to_le_bytes());
        out.extend(level.size.0.to_le_bytes());
    }
}

/// Trades, oldest first.
pub fn trades<'a>(trades: impl ExactSizeIterator<Item = &'a TradeLine>, out: &mut Vec<u8>) {
    counts(trades.len(), 0, out);
    for trade in trades {
        out.extend(trade.at.0.to_le_bytes());
        out.extend(trade.price.0.to_le_bytes());
        out.extend(trade.size.0.to_le_bytes());
        out.extend([u8::from(trade.taker_buy), 0, 0, 0, 0, 0, 0, 0]);
    }
}

/// A column of the heatmap.
pub fn relief(column: &Relief, scale: Scale, out: &mut Vec<u8>) {
    let it = &column.head;
    for units in [it.width, it.first, it.bid.map_or(i64::MIN, |p| p.0), it.ask.map_or(i64::MIN, |p| p.0)] {
        out.extend(units.to_le_bytes());
    }
    out.extend((column.sizes.len() as u32).to_le_bytes());
    out.extend(it.split.to_le_bytes());
    column.sizes.iter().for_each(|size| out.extend(shown(*size, scale).to_le_bytes()));
}

/// A size as screens show it, to seven digits.
pub fn shown(size: i64, scale: Scale) -> f32 {
    let unit = POW10.get(usize::from(scale.size)).copied().unwrap_or(1);
    (size as f64 / unit as f64) as f32
}

fn counts(one: usize, other: usize, out: &mut Vec<u8>) {
    out.extend((one as u16).to_le_bytes());
    out.extend((other as u16).to_le_bytes());
    out.extend([0; 4]);
}
