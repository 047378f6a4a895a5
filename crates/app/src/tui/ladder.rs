//! The ladder of the selected instrument: asks above bids, sizes as numbers and bars; and the small chart of its mid.

use super::draw::validity;
use super::number::{ABSENT, exact};
use super::style::{ASK, BID, DIM};
use crate::view::Market;
use fathometer_engine::output::Validity;
use fathometer_engine::units::Level;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// The ladder in the lines of a place: as many levels of each side as there is room for, the touch in the middle.
pub fn lines<'a>(market: &Market, area: Rect) -> Vec<Line<'a>> {
    if market.bids.is_empty() && market.asks.is_empty() {
        return vec![Line::styled("No levels yet: waiting for a snapshot.", DIM)];
    }
    let per_side = (area.height.saturating_sub(1) / 2) as usize;
    let valid = validity(market) == Validity::Live;
    let asks = market.asks.iter().take(per_side);
    let bids = market.bids.iter().take(per_side);
    let largest = asks.clone().chain(bids.clone()).map(|level| level.size.0).max().unwrap_or(1).max(1);
    let row = |level: &Level, style: Style| {
        let price = exact(level.price.0, market.info.scale.price);
        let size = exact(level.size.0, market.info.scale.size);
        let text = format!("{price:>12} {size:>12} ");
        let room = (area.width as usize).saturating_sub(text.chars().count());
        let style = if valid { style } else { DIM };
        Line::from(vec![Span::styled(text, style), Span::styled(bar(level.size.0, largest, room), style)])
    };
    let mut lines: Vec<Line<'_>> = asks.map(|level| row(level, ASK)).collect();
    lines.reverse();
    lines.push(middle(market, valid));
    lines.extend(bids.map(|level| row(level, BID)));
    lines
}

/// Between best ask and best bid: how far they are apart.
fn middle<'a>(market: &Market, valid: bool) -> Line<'a> {
    let spread = match (market.asks.first(), market.bids.first()) {
        (Some(ask), Some(bid)) => exact(ask.price.0 - bid.price.0, market.info.scale.price),
        _ => ABSENT.to_owned(),
    };
    let doubt = if valid { "" } else { " invalid" };
    Line::styled(format!("{:>12} {spread:>12}{doubt}", "spread"), DIM)
}

/// A bar of eighths of a character.
fn bar(size: i64, largest: i64, room: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (size.max(0) as f64 / largest as f64 * (room * 8) as f64).round() as usize;
    let eighths = eighths.clamp(usize::from(room > 0), room * 8);
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

/// The mid of the last seconds as a line of small bars; a blank where the book could not be vouched for.
pub fn sparkline(market: &Market, room: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let latest: Vec<Option<f64>> = market.mids.iter().rev().take(room).rev().copied().collect();
    let known = || latest.iter().flatten().copied();
    let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    let bar = |mid: &Option<f64>| match mid {
        None => ' ',
        Some(_) if high <= low => BARS[3],
        Some(mid) => BARS[(((mid - low) / (high - low)) * 7.0).round().clamp(0.0, 7.0) as usize],
    };
    latest.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fill_their_room_and_no_more() {
        assert_eq!(bar(10, 10, 4), "████");
        assert_eq!(bar(5, 10, 4), "██");
        assert_eq!(bar(1, 1000, 4), "▏", "what is there is seen");
        assert_eq!(bar(i64::MAX, 1, 4), "████");
        assert_eq!(bar(1, 1, 0), "");
    }
}
