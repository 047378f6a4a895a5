//! What went wrong: changes tell the new faults, a snapshot the latest.

use super::{Extent, Fold, Head};
use crate::api::faults::FaultTold;
use crate::hub::{FAULTS_MAX, Store};
use crate::view::FaultLine;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::units::Nanos;
use std::collections::VecDeque;
use std::fmt::Write;

/// The faults last said.
#[derive(Default)]
pub struct Faults {
    new: Vec<FaultLine>,
    said: VecDeque<FaultLine>,
    seen: u64,
}

impl Fold for Faults {
    fn look(&mut self, store: &Store, _: Option<InstrumentId>) -> Option<Nanos> {
        self.new.clear();
        let count = usize::try_from(store.faults_seen.saturating_sub(self.seen)).unwrap_or(FAULTS_MAX);
        self.new.extend(store.faults.iter().skip(store.faults.len().saturating_sub(count)).cloned());
        self.seen = store.faults_seen;
        Some(store.now)
    }

    fn step(&mut self) -> bool {
        self.said.extend(self.new.iter().cloned());
        while self.said.len() > FAULTS_MAX {
            self.said.pop_front();
        }
        !self.new.is_empty()
    }

    fn text(&self, extent: Extent, _: &Head, out: &mut String) {
        let numbered = |lines: &mut dyn ExactSizeIterator<Item = &FaultLine>| {
            let first = self.seen.saturating_sub(lines.len() as u64) + 1;
            (first..).zip(lines).map(|(sequence, line)| FaultTold::of(sequence, line)).collect::<Vec<_>>()
        };
        let told = match extent {
            Extent::Whole => numbered(&mut self.said.iter()),
            Extent::Change => numbered(&mut self.new.iter()),
        };
        let _ = write!(out, r#","seen":{},"faults":"#, self.seen);
        out.push_str(&serde_json::to_string(&told).unwrap_or_else(|_| "[]".to_owned()));
    }
}
