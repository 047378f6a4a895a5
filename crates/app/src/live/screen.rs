//! The screen of a live run.

use super::state::State;
use crate::health::Health;
use crate::tui::Source;
use crate::view::View;
use fathometer_edge::clock;
use fathometer_edge::feed::LinkState;
use fathometer_engine::units::Nanos;
use std::sync::Arc;

/// Draws from the shared state.
pub struct LiveScreen(pub Arc<State>);

impl Source for LiveScreen {
    fn look(&mut self, look: &mut dyn FnMut(&View, &Health, Nanos, Option<&str>)) {
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
