//! How much is kept of each instrument: everything of a few, less of each the more there are, within one budget.

use super::history::Layout;
use super::relief;

/// Memory for what all instruments keep together, bytes.
pub const BYTES_MAX: usize = 24 << 20;
/// Rows of the history of a second each: 30 min.
const FINE_MAX: usize = 30 * 60;
/// Rows of the history of ten seconds each: 6 h.
const COARSE_MAX: usize = 6 * 360;
/// Columns of the heatmap of a second each: 30 min.
const RELIEF_MAX: usize = 30 * 60;
/// Trades.
const TRADES_MAX: usize = 1_000;
/// Rows of the volume profile.
const PROFILE_MAX: usize = 1_000;
/// So little is kept in any case: what screens show at least.
const LEAST: usize = 30;
/// Bytes of a trade, of a row of the profile (its tree, and its part of the rolling one).
const TRADE_BYTES: usize = 32;
const PROFILE_BYTES: usize = 160;
/// What an instrument takes besides, bytes: latest values, a book, names.
const BESIDES_BYTES: usize = 12 << 10;

/// Most of each, per instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows of a second each.
    pub fine: usize,
    /// Rows of ten seconds each.
    pub coarse: usize,
    /// Columns of the heatmap of a second each.
    pub relief: usize,
    /// Trades.
    pub trades: usize,
    /// Rows of the volume profile.
    pub profile: usize,
}

impl Limits {
    /// Shares a budget among so many instruments.
    pub fn of(bytes_max: usize, instruments: usize, layout: &Layout) -> Self {
        let whole = (FINE_MAX + COARSE_MAX) * layout.row_bytes()
            + RELIEF_MAX * relief::COLUMN_BYTES
            + TRADES_MAX * TRADE_BYTES
            + PROFILE_MAX * PROFILE_BYTES;
        let each = (bytes_max / instruments.max(1)).saturating_sub(BESIDES_BYTES);
        let share = |max: usize, least: usize| (max * each.min(whole) / whole).max(least);
        Limits {
            fine: share(FINE_MAX, LEAST),
            coarse: share(COARSE_MAX, LEAST),
            relief: share(RELIEF_MAX, LEAST),
            trades: share(TRADES_MAX, 2 * LEAST),
            profile: share(PROFILE_MAX, 2 * LEAST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Column;

    fn layout() -> Layout {
        let column = |id: &str| Column { id: id.into(), unit: "quote".into(), help: String::new() };
        Layout::of(&(0..57).map(|n| column(if n < 8 { "mid" } else { "depth_bid" })).collect::<Vec<_>>())
    }

    #[test]
    fn few_instruments_keep_everything_and_a_thousand_stay_within_the_budget() {
        let all = Limits { fine: 1_800, coarse: 2_160, relief: 1_800, trades: 1_000, profile: 1_000 };
        assert_eq!(Limits::of(BYTES_MAX, 8, &layout()), all);
        let many = Limits::of(BYTES_MAX, 1_000, &layout());
        let bytes = (many.fine + many.coarse) * layout().row_bytes()
            + many.relief * relief::COLUMN_BYTES
            + many.trades * TRADE_BYTES
            + many.profile * PROFILE_BYTES
            + BESIDES_BYTES;
        assert!(bytes * 1_000 <= 64_000_000, "{bytes} per instrument: {many:?}");
        assert!(many.fine >= 30 && many.relief >= 30, "{many:?}");
    }
}
