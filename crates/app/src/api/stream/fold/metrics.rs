//! Values of all columns: changes tell the columns that have changed.

use super::{Extent, Fold, Head, number, string};
use crate::api::stream::frame;
use crate::hub::Store;
use crate::hub::code::reason_name;
use crate::view::Column;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::metric::Value;
use fathometer_engine::units::Nanos;

/// The values last said.
pub struct Metrics {
    names: Vec<String>,
    next: Vec<Value>,
    said: Vec<Value>,
    changed: Vec<usize>,
    all: Vec<usize>,
}

impl Metrics {
    pub(super) fn new(columns: &[Column]) -> Self {
        let names = columns.iter().map(|column| column.id.clone()).collect();
        Metrics { names, next: Vec::new(), said: Vec::new(), changed: Vec::new(), all: Vec::new() }
    }

    fn values(&self, extent: Extent) -> impl ExactSizeIterator<Item = (usize, Value)> + Clone {
        let columns = if extent == Extent::Whole { &self.all } else { &self.changed };
        let absent = Value::Absent(fathometer_engine::metric::Reason::NoData);
        columns.iter().map(move |column| (*column, self.said.get(*column).copied().unwrap_or(absent)))
    }
}

impl Fold for Metrics {
    fn look(&mut self, store: &Store, instrument: Option<InstrumentId>) -> Option<Nanos> {
        self.next.clear();
        let Some(slot) = instrument.and_then(|id| store.get(id)) else { return Some(Nanos(0)) };
        self.next.extend_from_slice(&slot.values);
        Some(slot.sampled_at)
    }

    fn step(&mut self) -> bool {
        self.changed.clear();
        let said = &self.said;
        self.changed.extend((0..self.next.len()).filter(|column| said.get(*column) != self.next.get(*column)));
        std::mem::swap(&mut self.said, &mut self.next);
        self.all.clear();
        self.all.extend(0..self.said.len());
        !self.changed.is_empty()
    }

    fn text(&self, extent: Extent, _: &Head, out: &mut String) {
        let name = |column: usize| self.names.get(column).map_or("", String::as_str);
        out.push_str(r#","values":{"#);
        for (index, (column, value)) in self.values(extent).enumerate() {
            if index > 0 {
                out.push(',');
            }
            string(name(column), out);
            out.push(':');
            number(value.get().unwrap_or(f64::NAN), out);
        }
        out.push_str(r#"},"reasons":{"#);
        let absent = self.values(extent).filter_map(|(column, value)| match value {
            Value::Absent(why) => Some((column, why)),
            Value::Is(_) => None,
        });
        for (index, (column, why)) in absent.enumerate() {
            if index > 0 {
                out.push(',');
            }
            string(name(column), out);
            out.push(':');
            string(reason_name(why), out);
        }
        out.push('}');
    }

    fn binary(&self, extent: Extent, _: &Head, out: &mut Vec<u8>) {
        frame::metrics(self.values(extent), out);
    }
}
