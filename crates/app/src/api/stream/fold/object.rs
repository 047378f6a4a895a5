//! Objects that others make: the server's time, latencies, the program's state. Always whole.

use super::{Extent, Fold, Head, Provider};
use crate::api::stream::kind::Kind;
use crate::hub::Store;
use fathometer_edge::clock;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::units::Nanos;
use serde_json::Value;

/// The object last said.
pub struct Object {
    kind: Kind,
    provider: Option<Provider>,
    said: Option<Value>,
}

impl Object {
    pub(super) fn new(kind: Kind, provider: Option<Provider>) -> Self {
        Object { kind, provider, said: None }
    }
}

impl Fold for Object {
    fn look(&mut self, _: &Store, _: Option<InstrumentId>) -> Option<Nanos> {
        Some(clock::now())
    }

    /// Not made under the hub's lock: whoever provides it may need other locks.
    fn step(&mut self) -> bool {
        let next = self.provider.as_ref().and_then(|provide| provide());
        let changed = next != self.said;
        self.said = next;
        changed
    }

    fn text(&self, _: Extent, _: &Head, out: &mut String) {
        out.push_str(",\"");
        out.push_str(self.kind.name());
        out.push_str("\":");
        out.push_str(&self.said.as_ref().map_or_else(|| "null".to_owned(), Value::to_string));
    }

    fn is_whole(&self) -> bool {
        true
    }
}
