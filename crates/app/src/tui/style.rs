//! Colours: bids blue, asks orange, told apart by colour-blind readers and by side as well.

use fathometer_engine::output::Validity;
use ratatui::style::{Color, Modifier, Style};

/// Bids.
pub const BID: Style = Style::new().fg(Color::Indexed(75));
/// Asks.
pub const ASK: Style = Style::new().fg(Color::Indexed(214));
/// Titles.
pub const TITLE: Style = Style::new().fg(Color::Indexed(152)).add_modifier(Modifier::BOLD);
/// What is less important, absent or old.
pub const DIM: Style = Style::new().fg(Color::Indexed(244));
/// Plain text.
pub const PLAIN: Style = Style::new();
/// What needs attention.
pub const WARN: Style = Style::new().fg(Color::Indexed(220));
/// What is wrong.
pub const BAD: Style = Style::new().fg(Color::Indexed(203)).add_modifier(Modifier::BOLD);
/// The selected row.
pub const SELECTED: Style = Style::new().bg(Color::Indexed(237)).add_modifier(Modifier::BOLD);
/// The top and bottom bars.
pub const BAR: Style = Style::new().fg(Color::Indexed(252)).bg(Color::Indexed(236));
/// The bars of a replay, so that nobody takes it for the present.
pub const BAR_REPLAY: Style = Style::new().fg(Color::Indexed(255)).bg(Color::Indexed(54));

/// Light, word and colour of a book's state: shape as well as colour tells them apart.
pub fn validity(validity: Validity) -> (&'static str, &'static str, Style) {
    match validity {
        Validity::Live => ("●", "live", Style::new().fg(Color::Indexed(114))),
        Validity::Empty => ("○", "empty", DIM),
        Validity::Syncing => ("◐", "sync", WARN),
        Validity::Gap => ("✖", "gap", BAD),
        Validity::Checksum => ("✖", "crc", BAD),
        Validity::Audit => ("✖", "audit", BAD),
        Validity::Crossed => ("✖", "cross", BAD),
        Validity::Disconnected => ("✖", "down", BAD),
        Validity::Stale => ("◌", "stale", WARN),
        Validity::Overflow => ("✖", "ovfl", BAD),
    }
}

/// The same in a sentence.
pub fn sentence(validity: Validity) -> &'static str {
    match validity {
        Validity::Live => "exact",
        Validity::Empty => "waiting for its first snapshot",
        Validity::Syncing => "waiting for a snapshot that fits the updates",
        Validity::Gap => "updates were lost; a new snapshot is on its way",
        Validity::Checksum => "its checksum did not match; being rebuilt",
        Validity::Audit => "an independent message disagrees; being rebuilt",
        Validity::Crossed => "bids stand at or above asks; being rebuilt",
        Validity::Disconnected => "the connection is down; connecting anew",
        Validity::Stale => "nothing arrives although it should",
        Validity::Overflow => "a number did not fit the exact units",
    }
}
