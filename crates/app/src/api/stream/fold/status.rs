//! State and counters of a book: always whole.

use super::{Extent, Fold, Head};
use crate::api::instruments::StatusTold;
use crate::hub::Store;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::output::Status;
use fathometer_engine::units::Nanos;

/// The status last said.
#[derive(Default)]
pub struct State {
    next: Option<Status>,
    said: Option<Status>,
}

impl Fold for State {
    fn look(&mut self, store: &Store, instrument: Option<InstrumentId>) -> Option<Nanos> {
        self.next = instrument.and_then(|id| store.get(id)).and_then(|slot| slot.status.clone());
        Some(self.next.as_ref().map_or(Nanos(0), |status| status.at))
    }

    fn step(&mut self) -> bool {
        let changed = self.next != self.said;
        self.said = self.next.take();
        changed
    }

    fn text(&self, _: Extent, head: &Head, out: &mut String) {
        let told = self.said.as_ref().map(|status| StatusTold::of(status, head.scale));
        out.push_str(r#","status":"#);
        out.push_str(&serde_json::to_string(&told).unwrap_or_else(|_| "null".to_owned()));
    }

    fn is_whole(&self) -> bool {
        true
    }
}
