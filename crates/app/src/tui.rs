//! The terminal screen: draws a view a few times a second and listens to the keyboard. It computes nothing.

pub mod columns;
pub mod detail;
pub mod draw;
pub mod help;
pub mod ladder;
pub mod number;
pub mod screen;
pub mod style;

use crate::failure::{Failure, Outcome};
use crate::health::Health;
use crate::view::View;
use crossterm::event::{Event, KeyEventKind};
use draw::{Picture, draw, shown};
use fathometer_engine::units::Nanos;
use ratatui::DefaultTerminal;
use screen::{Asked, Screen};
use std::time::Duration;

/// The screen is drawn that often.
const DRAW_EVERY: Duration = Duration::from_millis(200);

/// Looks at the market, the program, the time, and something to be said.
pub type Look<'a> = dyn FnMut(&View, &Health, Nanos, Option<&str>) + 'a;

/// Where a screen gets what it draws.
pub trait Source {
    /// Lends the present state to `look`.
    fn look(&mut self, look: &mut Look<'_>);
    /// Whether there is nothing more to come.
    fn is_over(&self) -> bool;
}

/// Takes the terminal, draws until the person quits or the source is over, gives the terminal back.
///
/// # Errors
/// The terminal cannot be drawn on.
pub fn run(source: &mut impl Source) -> Outcome {
    let failed = |error| Failure::failed(format!("cannot draw on this terminal: {error}; use --headless"));
    let mut terminal = ratatui::try_init().map_err(failed)?;
    let outcome = until_quit(&mut terminal, source).map_err(failed);
    ratatui::restore();
    outcome
}

fn until_quit(terminal: &mut DefaultTerminal, source: &mut impl Source) -> std::io::Result<()> {
    let mut screen = Screen::default();
    let mut frozen: Option<(View, Health, Nanos)> = None;
    while !source.is_over() {
        let mut ids = Vec::new();
        let mut drawn = Ok(());
        let mut paint = |view: &View, health: &Health, now: Nanos, note: Option<&str>| {
            ids = shown(view, &screen).iter().map(|market| market.id.clone()).collect();
            let picture = Picture { view, health, screen: &screen, now, note };
            drawn = terminal.draw(|frame| draw(frame, &picture)).map(|_| ());
        };
        if !screen.paused {
            frozen = None;
        }
        match &frozen {
            Some((view, health, now)) => paint(view, health, *now, None),
            None if screen.paused => {
                let mut copy = None;
                source.look(&mut |view, health, now, _| copy = Some((view.clone(), health.clone(), now)));
                if let Some((view, health, now)) = &copy {
                    paint(view, health, *now, None);
                }
                frozen = copy;
            }
            None => source.look(&mut paint),
        }
        drawn?;
        // Every key that waits is taken before the next drawing.
        let mut patience = DRAW_EVERY;
        while crossterm::event::poll(patience)? {
            patience = Duration::ZERO;
            if let Event::Key(key) = crossterm::event::read()?
                && key.kind != KeyEventKind::Release
                && screen.key(key, &ids, columns::COLUMNS.len() + 1) == Asked::Quit
            {
                return Ok(());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
