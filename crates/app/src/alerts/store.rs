//! All alerts of a run, folded from what the engine says and what people do.

use super::entry::{Entry, Frames, NOTES_MAX, Note, Signed, Stage, Told};
use fathometer_engine::alert::{Alert, AlertId, Severity, State};
use fathometer_engine::detector::CATALOGUE;
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Alerts kept; beyond that the oldest that is over goes first, else the oldest.
pub const ENTRIES_MAX: usize = 10_000;
/// What an earlier run left open and is not found again within that time is over, ns.
const CARRIED_NANOS: i64 = 15 * 60 * NANOS_PER_SECOND;
/// Who says so then.
const OURSELVES: &str = "fathometer";

/// Why something cannot be done with an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such alert.
    Unknown,
    /// It is over.
    Over,
    /// It does not fire yet.
    NotFiring,
    /// It has as many notes as it may.
    TooManyNotes,
}

/// All alerts.
#[derive(Debug, Default)]
pub struct Store {
    /// By the order in which they came.
    entries: BTreeMap<u64, Entry>,
    index: HashMap<AlertId, u64>,
    next: u64,
    /// Counts every change.
    version: u64,
    /// What the journal does not hold yet, by number of arrival.
    dirty: BTreeSet<u64>,
    /// Alerts that began to fire or got worse, since the start, by detector and severity.
    fired: BTreeMap<(String, Severity), u64>,
    /// When this run first said how its watch stands.
    watched_since: Option<Nanos>,
    has_carried: bool,
    /// Whether a journal keeps it.
    is_kept: bool,
    /// Who is told.
    sinks: Vec<String>,
}

impl Store {
    /// Every alert, oldest first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.values()
    }

    /// One alert, by any of its numbers.
    pub fn get(&self, id: AlertId) -> Option<&Entry> {
        self.entries.get(self.index.get(&id)?)
    }

    /// Counts every change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How often alerts began to fire or got worse, by detector and severity.
    pub fn fired(&self) -> impl Iterator<Item = (&str, Severity, u64)> {
        self.fired.iter().map(|((detector, severity), count)| (detector.as_str(), *severity, *count))
    }

    /// Takes what the engine says of an alert of `instrument`. Whether it began to fire now, for the first time.
    pub fn take(&mut self, alert: &Alert, instrument: &str) -> bool {
        let detector = CATALOGUE.get(usize::from(alert.detector)).map_or("", |about| about.id);
        if alert.state == State::Firing {
            *self.fired.entry((detector.to_owned(), alert.severity)).or_default() += 1;
            self.adopt(alert, instrument, detector);
        }
        let Some(at) = self.index.get(&alert.id).copied() else {
            if alert.state != State::Resolved {
                self.add(Entry { sinks: self.sinks.clone(), ..entry(alert, instrument, detector) });
            }
            return alert.state == State::Firing;
        };
        if alert.state == State::Resolved && alert.fired.is_none() {
            self.remove(at); // it never came to be one
            return false;
        }
        let Some(entry) = self.entries.get_mut(&at) else { return false };
        let begins = alert.state == State::Firing && entry.fired.is_none();
        let worse = alert.state == State::Firing && alert.severity > entry.severity;
        if begins || worse {
            entry.text.clone_from(&alert.text);
            entry.evidence = finite(alert);
            entry.severity = alert.severity;
        }
        if worse {
            entry.closed = None; // whoever closed it did not know of this
            entry.resolved = None;
        }
        entry.state = alert.state;
        entry.fired = entry.fired.or(alert.fired);
        entry.count = entry.count.max(alert.count);
        entry.changed = alert.at;
        if alert.state == State::Resolved {
            entry.resolved = entry.resolved.or(Some(alert.at));
        }
        if begins {
            entry.sinks.clone_from(&self.sinks);
        }
        self.touch(at);
        begins
    }

    /// The watch goes on: what an earlier run left open and was not found again is over.
    pub fn pass(&mut self, at: Nanos) {
        let since = *self.watched_since.get_or_insert(at);
        if !self.has_carried || at.since(since) < CARRIED_NANOS {
            return;
        }
        self.has_carried = false;
        let carried: Vec<u64> = self.entries.iter().filter(|(_, entry)| entry.carried).map(|(at, _)| *at).collect();
        for number in carried {
            let Some(entry) = self.entries.get_mut(&number) else { continue };
            (entry.carried, entry.state, entry.changed) = (false, State::Resolved, at);
            entry.resolved = entry.resolved.or(Some(at));
            let text = "not found again since the restart".to_owned();
            entry.notes.push(Note { by: OURSELVES.to_owned(), at, text });
            self.touch(number);
        }
    }

    /// Somebody looks after it.
    ///
    /// # Errors
    /// There is no such alert, or it is over, or does not fire yet.
    pub fn acknowledge(&mut self, id: AlertId, by: &str, at: Nanos) -> Result<&Entry, Refusal> {
        self.change(id, |entry| match entry.stage() {
            Stage::Resolved => Err(Refusal::Over),
            Stage::Pending => Err(Refusal::NotFiring),
            Stage::Firing | Stage::Acknowledged => {
                entry.acknowledged.get_or_insert(Signed { by: by.to_owned(), at });
                Ok(())
            }
        })
    }

    /// Somebody writes something beside it.
    ///
    /// # Errors
    /// There is no such alert, or it has as many notes as it may.
    pub fn note(&mut self, id: AlertId, by: &str, text: &str, at: Nanos) -> Result<&Entry, Refusal> {
        self.change(id, |entry| {
            if entry.notes.len() >= NOTES_MAX {
                return Err(Refusal::TooManyNotes);
            }
            entry.notes.push(Note { by: by.to_owned(), at, text: text.to_owned() });
            Ok(())
        })
    }

    /// Somebody declares it over; it stays so unless it gets worse.
    ///
    /// # Errors
    /// There is no such alert, or it is over already, or does not fire yet.
    pub fn resolve(&mut self, id: AlertId, by: &str, at: Nanos) -> Result<&Entry, Refusal> {
        self.change(id, |entry| match entry.stage() {
            Stage::Resolved => Err(Refusal::Over),
            Stage::Pending => Err(Refusal::NotFiring),
            Stage::Firing | Stage::Acknowledged => {
                entry.closed = Some(Signed { by: by.to_owned(), at });
                entry.resolved = Some(at);
                Ok(())
            }
        })
    }

    /// What became of the frames around an alert.
    pub fn frames(&mut self, id: AlertId, frames: Frames) {
        let set = |entry: &mut Entry| {
            entry.frames = frames;
            Ok(())
        };
        let _ = self.change(id, set); // it may have been left out meanwhile
    }

    /// Those are told from now on.
    pub fn tell(&mut self, sinks: Vec<String>) {
        self.sinks = sinks;
    }

    /// A sink was told that.
    pub fn told(&mut self, id: AlertId, sink: &str, told: Told) {
        let set = |entry: &mut Entry| {
            entry.told.insert(sink.to_owned(), told);
            Ok(())
        };
        let _ = self.change(id, set); // it may have been left out meanwhile
    }

    /// The oldest alert of which a sink has to be told, as it stands in the journal.
    pub fn owed(&self, sink: &str, severity_min: Severity) -> Option<(Entry, Told)> {
        let mut saved = self.entries.values().filter(|entry| entry.saved || !self.is_kept);
        saved.find_map(|entry| entry.owed(sink, severity_min).map(|told| (entry.clone(), told)))
    }

    /// Alerts of which a sink has still to be told.
    pub fn owed_count(&self, sink: &str, severity_min: Severity) -> usize {
        self.entries.values().filter(|entry| entry.owed(sink, severity_min).is_some()).count()
    }

    /// Takes back what an earlier run wrote down; what it left open is to be found again.
    pub fn recall(&mut self, entries: impl IntoIterator<Item = Entry>) {
        self.is_kept = true;
        for mut entry in entries {
            entry.carried = entry.is_open();
            entry.saved = true;
            self.has_carried |= entry.carried;
            if entry.frames == Frames::Gathering {
                entry.frames = Frames::Lost("the program ended before they had all come".to_owned());
            }
            self.add(entry);
        }
        self.dirty.clear();
    }

    /// Forgets everything, as when a replay jumps.
    pub fn clear(&mut self) {
        let (version, sinks, is_kept) = (self.version + 1, std::mem::take(&mut self.sinks), self.is_kept);
        *self = Store { version, sinks, is_kept, ..Store::default() };
    }

    /// Whether the journal lacks something.
    pub fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// What the journal lacks; alerts that never fired are not kept there.
    pub fn unsaved(&mut self) -> Vec<Entry> {
        let dirty = std::mem::take(&mut self.dirty);
        let fired = dirty.into_iter().filter_map(|at| self.entries.get(&at)).filter(|entry| entry.fired.is_some());
        fired.cloned().collect()
    }

    /// These are in the journal now, unless they have changed since.
    pub fn saved(&mut self, entries: &[Entry]) {
        for entry in entries {
            let Some(at) = self.index.get(&entry.id).copied() else { continue };
            if !self.dirty.contains(&at)
                && let Some(kept) = self.entries.get_mut(&at)
            {
                kept.saved = true;
            }
        }
    }

    /// These could not be written down: once more.
    pub fn unwritten(&mut self, entries: &[Entry]) {
        let numbers = entries.iter().filter_map(|entry| self.index.get(&entry.id));
        self.dirty.extend(numbers);
    }

    fn change(
        &mut self,
        id: AlertId,
        change: impl FnOnce(&mut Entry) -> Result<(), Refusal>,
    ) -> Result<&Entry, Refusal> {
        let at = *self.index.get(&id).ok_or(Refusal::Unknown)?;
        change(self.entries.get_mut(&at).ok_or(Refusal::Unknown)?)?;
        self.touch(at);
        self.entries.get(&at).ok_or(Refusal::Unknown)
    }

    /// What an earlier run left open is found again: the same thing keeps its number.
    fn adopt(&mut self, alert: &Alert, instrument: &str, detector: &str) {
        if !self.has_carried || self.get(alert.id).is_some_and(|entry| entry.fired.is_some() && !entry.carried) {
            return;
        }
        let same = |entry: &Entry| {
            entry.carried && entry.instrument == instrument && entry.detector == detector && entry.key == alert.key
        };
        let Some(at) = self.entries.iter().find(|(_, entry)| same(entry)).map(|(at, _)| *at) else { return };
        if let Some(pending) = self.index.get(&alert.id).copied().filter(|pending| *pending != at) {
            self.remove(pending);
        }
        if let Some(entry) = self.entries.get_mut(&at) {
            entry.carried = false;
            if entry.id != alert.id && !entry.also.contains(&super::entry::Also(alert.id)) {
                entry.also.push(super::entry::Also(alert.id));
            }
        }
        self.index.insert(alert.id, at);
    }

    fn add(&mut self, mut entry: Entry) {
        let at = self.next;
        entry.number = at;
        self.next += 1;
        self.index.insert(entry.id, at);
        for also in &entry.also {
            self.index.insert(also.0, at);
        }
        self.entries.insert(at, entry);
        let saved = self.entries.get(&at).is_some_and(|entry| entry.saved);
        self.touch(at);
        if let Some(entry) = self.entries.get_mut(&at) {
            entry.saved = saved;
        }
        if self.entries.len() > ENTRIES_MAX {
            let over = self.entries.iter().find(|(_, entry)| !entry.is_open()).map(|(at, _)| *at);
            let oldest = over.or_else(|| self.entries.keys().next().copied());
            if let Some(at) = oldest {
                self.remove(at);
            }
        }
    }

    fn remove(&mut self, at: u64) {
        self.version += 1;
        self.dirty.remove(&at);
        if let Some(entry) = self.entries.remove(&at) {
            self.index.remove(&entry.id);
            for also in entry.also {
                self.index.remove(&also.0);
            }
        }
    }

    fn touch(&mut self, at: u64) {
        self.version += 1;
        self.dirty.insert(at);
        if let Some(entry) = self.entries.get_mut(&at) {
            entry.saved = false;
            entry.version = self.version;
        }
    }
}

fn entry(alert: &Alert, instrument: &str, detector: &str) -> Entry {
    Entry {
        id: alert.id,
        also: Vec::new(),
        instrument: instrument.to_owned(),
        detector: detector.to_owned(),
        key: alert.key,
        severity: alert.severity,
        state: alert.state,
        since: alert.since,
        fired: alert.fired,
        resolved: None,
        changed: alert.at,
        count: alert.count,
        text: alert.text.clone(),
        evidence: finite(alert),
        acknowledged: None,
        closed: None,
        notes: Vec::new(),
        frames: Frames::None,
        sinks: Vec::new(),
        told: BTreeMap::new(),
        carried: false,
        number: 0,
        version: 0,
        saved: false,
    }
}

/// The measures that can be written as JSON.
fn finite(alert: &Alert) -> Vec<fathometer_engine::detector::Measure> {
    alert.evidence.iter().filter(|measure| measure.value.is_finite()).cloned().collect()
}

#[cfg(test)]
mod tests;
