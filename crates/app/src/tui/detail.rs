//! Beside the ladder: the state of the book in a sentence, every metric with its unit or the reason why it is absent, and
//! the latest trades.

use super::draw::{Picture, validity};
use super::number::{ABSENT, clock, exact, millis, plain, span};
use super::style::{self, ASK, BID, DIM, PLAIN, TITLE};
use crate::view::Market;
use fathometer_engine::metric::{Reason, Value};
use fathometer_engine::output::Validity;
use fathometer_engine::units::Decimal;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Longest name of a column that is written out.
const ID_WIDTH_MAX: usize = 26;

/// The state of the book, in three lines.
pub fn book<'a>(picture: &Picture<'_>, market: &Market) -> Vec<Line<'a>> {
    let (light, _, colour) = style::validity(validity(market));
    let Some(status) = &market.status else {
        return vec![Line::styled("○ waiting for its first message", DIM)];
    };
    let since = span(picture.now.since(status.since).max(0));
    let recovery = match status.recovery_ns {
        Some(nanos) if status.validity == Validity::Live => format!(", recovered in {}", span(nanos)),
        _ => String::new(),
    };
    let counters = &status.counters;
    let latency = match (status.latency_ns, status.latency_raw_ns) {
        (Some((corrected, doubt)), Some(raw)) => {
            format!("latency {} ±{} ms (raw {})", millis(corrected), millis(doubt), millis(raw))
        }
        (None, Some(raw)) => format!("latency raw {} ms (clock not estimated yet)", millis(raw)),
        _ => "latency –".to_owned(),
    };
    vec![
        Line::from(vec![
            Span::styled(format!("{light} "), colour),
            Span::styled(format!("{} for {since}{recovery}", style::sentence(status.validity)), PLAIN),
        ]),
        Line::styled(
            format!(
                "{} gaps  {} resyncs  audit {}/{}",
                counters.gaps, counters.resyncs, counters.audit_matched, counters.audit_checked
            ),
            DIM,
        ),
        Line::styled(latency, DIM),
    ]
}

/// The state of the book and all metrics, in columns where there is room.
pub fn book_and_metrics<'a>(picture: &Picture<'_>, market: &Market, area: Rect) -> Vec<Line<'a>> {
    let mut lines = book(picture, market);
    if let Some(status) = &market.status {
        let (bids, asks) = status.levels;
        let price =
            |units: Option<i64>| units.map_or("the end".to_owned(), |units| exact(units, market.info.scale.price));
        let (low, high) = status.trusted;
        lines.push(Line::styled(format!("{bids} x {asks} levels, known from {} to {}", price(low), price(high)), DIM));
        let age = span(picture.now.since(market.sampled_at).max(0));
        lines.push(Line::styled(format!("update {}  sampled {age} ago", status.last_update_id), DIM));
    }
    let rows = area.height.saturating_sub(lines.len() as u16) as usize;
    let id_width = picture.view.columns.iter().map(|column| column.id.len()).max().unwrap_or(0);
    // On a narrow screen the longest names are cut: the numbers beside them are not.
    let id_width = id_width.min((area.width as usize).saturating_sub(20)).min(ID_WIDTH_MAX);
    let cell_width = id_width + 16;
    let across = (area.width as usize / (cell_width + 9)).max(1);
    let all: Vec<_> = picture.view.columns.iter().zip(0..).collect();
    let down = all.len().div_ceil(across).max(1);
    let first = picture.screen.scroll.min(down.saturating_sub(rows));
    for row in first..down.min(first + rows) {
        let mut spans = Vec::new();
        for (column, index) in all.iter().skip(row).step_by(down) {
            spans.push(Span::styled(format!("{:id_width$.id_width$} ", column.id), DIM));
            let value = market.values.get(*index).copied().unwrap_or(Value::Absent(Reason::NoData));
            match value {
                Value::Is(number) => {
                    spans.push(Span::styled(format!("{:>14} ", plain(number)), PLAIN));
                    spans.push(Span::styled(format!("{:8}", column.unit), DIM));
                }
                Value::Absent(reason) => {
                    spans.push(Span::styled(format!("{:22} ", format!("{ABSENT} {}", because(reason))), DIM));
                }
            }
        }
        lines.push(Line::from(spans));
    }
    lines
}

/// The latest trades, newest first.
pub fn trades<'a>(market: &Market, area: Rect) -> Vec<Line<'a>> {
    if market.trades.is_empty() {
        return vec![Line::styled("trades: none yet", DIM)];
    }
    let scale = market.info.scale;
    let mut lines = vec![Line::styled("trades", TITLE)];
    for trade in market.trades.iter().rev().take(area.height.saturating_sub(1) as usize) {
        let (side, style) = if trade.taker_buy { ("buy ", BID) } else { ("sell", ASK) };
        let size = Decimal::new(trade.size.0, scale.size);
        let text = format!("{} {side} {:>11} {size:>9}", clock(trade.at), exact(trade.price.0, scale.price));
        lines.push(Line::styled(text, style));
    }
    lines
}

/// Why a number is absent, in few words.
pub fn because(reason: Reason) -> &'static str {
    match reason {
        Reason::BookInvalid => "book not valid",
        Reason::BeyondTrusted => "beyond known levels",
        Reason::EmptySide => "a side is empty",
        Reason::NotFillable => "book too thin",
        Reason::Warmup => "warming up",
        Reason::NoData => "nothing received",
        Reason::TooOld => "too old",
        Reason::NotApplicable => "does not apply",
        Reason::ContractUnknown => "contract unknown",
        Reason::Undefined => "undefined",
    }
}
