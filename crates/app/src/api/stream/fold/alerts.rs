//! Alerts: changes tell those that are new or have changed and those that are gone, a snapshot the latest and all open ones.

use super::{Extent, Fold, Head};
use crate::api::alerts::told::{AlertTold, Counts, counts};
use crate::hub::Store;
use fathometer_engine::alert::AlertId;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::units::Nanos;
use std::collections::BTreeMap;

/// Alerts told, beside those that are open: the latest.
const LATEST_MAX: usize = 200;

/// The alerts last said.
#[derive(Default)]
pub struct Alerts {
    version: u64,
    /// In the order in which they came.
    said: BTreeMap<u64, (AlertId, u64, AlertTold)>,
    changed: Vec<u64>,
    gone: Vec<String>,
    counts: Counts,
    news: bool,
}

impl Fold for Alerts {
    fn look(&mut self, store: &Store, _: Option<InstrumentId>) -> Option<Nanos> {
        (self.changed, self.gone, self.news) = (Vec::new(), Vec::new(), false);
        let alerts = store.alerts.lock();
        if alerts.version() == self.version {
            return Some(store.now);
        }
        (self.version, self.news, self.counts) = (alerts.version(), true, counts(&alerts));
        let from = alerts.all().count().saturating_sub(LATEST_MAX);
        let mut now = BTreeMap::new();
        let told = alerts.all().enumerate().filter(|(place, entry)| *place >= from || entry.is_open());
        for (_, entry) in told {
            let known = self.said.remove(&entry.number).filter(|(_, version, _)| *version == entry.version);
            let told = known.unwrap_or_else(|| {
                self.changed.push(entry.number);
                (entry.id, entry.version, AlertTold::of(entry))
            });
            now.insert(entry.number, told);
        }
        let left = std::mem::replace(&mut self.said, now);
        self.gone = left.into_values().map(|(id, ..)| id.to_string()).collect();
        let (said, gone) = (&self.said, &mut self.gone);
        gone.retain(|id| said.values().all(|(kept, ..)| kept.to_string() != *id));
        Some(store.now)
    }

    fn step(&mut self) -> bool {
        self.news
    }

    fn text(&self, extent: Extent, _: &Head, out: &mut String) {
        let told: Vec<&AlertTold> = match extent {
            Extent::Whole => self.said.values().map(|(_, _, told)| told).collect(),
            Extent::Change => self.changed.iter().filter_map(|at| self.said.get(at)).map(|(_, _, told)| told).collect(),
        };
        let gone: &[String] = if extent == Extent::Whole { &[] } else { &self.gone };
        let mut member = |name: &str, value: String| {
            out.push_str(",\"");
            out.push_str(name);
            out.push_str("\":");
            out.push_str(&value);
        };
        member("counts", serde_json::to_string(&self.counts).unwrap_or_else(|_| "null".to_owned()));
        member("alerts", serde_json::to_string(&told).unwrap_or_else(|_| "[]".to_owned()));
        member("gone", serde_json::to_string(gone).unwrap_or_else(|_| "[]".to_owned()));
    }
}
