//! What the keys do and what the signs mean.

use super::style::{ASK, BID, DIM, TITLE};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

const KEYS: [(&str, &str); 10] = [
    ("up down  j k", "another instrument"),
    ("Enter  Esc", "the instrument on the whole screen, and back"),
    ("Tab  left right", "other columns of the table"),
    ("s  S", "order by the next column, turn the order round"),
    ("/", "search by name; Esc clears"),
    ("PgUp PgDn", "scroll the metrics, or ten instruments"),
    ("Space", "stop the screen; the data goes on"),
    ("?", "this help; any key leaves it"),
    ("q", "end"),
    ("", ""),
];

/// The help.
pub fn lines<'a>() -> Paragraph<'a> {
    let mut lines = vec![Line::styled("Keys", TITLE)];
    lines.extend(
        KEYS.iter().map(|(key, does)| Line::from(vec![Span::styled(format!("{key:16}"), BID), Span::raw(*does)])),
    );
    lines.push(Line::styled("Signs", TITLE));
    lines.push(Line::from("● exact to the last update   ◐ waiting for a snapshot   ✖ wrong, being rebuilt"));
    lines.push(Line::from("○ nothing yet   ◌ silent although it should not be"));
    lines.push(Line::from("– no number can be vouched for; Enter shows the reason. Dimmed: older than 3 s"));
    lines.push(Line::from(vec![
        Span::styled("bids blue", BID),
        Span::styled(", ", DIM),
        Span::styled("asks orange", ASK),
    ]));
    Paragraph::new(lines)
}
