//! The screen of a live run.

use super::state::State;
use crate::tui::{self, Source};
use fathometer_edge::clock;
use fathometer_edge::feed::LinkState;
use std::sync::Arc;

/// Draws from the shared state.
pub struct LiveScreen(pub Arc<State>);

impl Source for LiveScreen {
    fn look(&mut self, look: &mut tui::Look<'_>) {
        let health = self.0.health();
        let note = if health.connections == 0 { self.trouble() } else { None };
        look(&self.0.view(), &health, clock::now(), note.as_deref());
    }

    fn is_over(&self) -> bool {
        self.0.is_over()
    }
}

impl LiveScreen {
    /// Why nothing is connected.
    fn trouble(&self) -> Option<String> {
        let lines = self.0.lines();
        let waiting = lines.iter().filter(|line| line.state == LinkState::Waiting).count();
        let error = lines.iter().find_map(|line| line.last_error.clone())?;
        Some(format!("not connected ({waiting} of {} lines wait to try again): {error}", lines.len()))
    }
}
