//! The thread that writes alerts down as they change; neither the engine nor a person waits for the disk.

use super::Alerts;
use super::journal::Journal;
use crate::failure::Failure;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// It looks at least that often whether it is to end, and tries again that often what the disk did not take.
const PATIENCE: Duration = Duration::from_millis(500);

/// Writes alerts down until it is let go.
pub struct Keeper {
    alerts: Arc<Alerts>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Begins to write into a journal.
    ///
    /// # Errors
    /// No thread.
    pub fn start(alerts: Arc<Alerts>, journal: Journal) -> Result<Self, Failure> {
        let over = Arc::new(AtomicBool::new(false));
        let (theirs, end) = (alerts.clone(), over.clone());
        let thread = std::thread::Builder::new()
            .name("alerts".to_owned())
            .spawn(move || keep(&theirs, journal, &end))
            .map_err(|error| Failure::failed(format!("cannot start the thread that keeps alerts: {error}")))?;
        Ok(Keeper { alerts, over, thread: Some(thread) })
    }
}

impl Drop for Keeper {
    /// Writes what is left.
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.alerts.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn keep(alerts: &Alerts, mut journal: Journal, over: &AtomicBool) {
    let mut failing = false;
    loop {
        let ends = over.load(Ordering::Relaxed);
        let changed = if ends { alerts.lock() } else { alerts.wait(PATIENCE) }.unsaved();
        if !changed.is_empty() {
            match journal.append(&changed) {
                Ok(()) => {
                    alerts.lock().saved(&changed);
                    failing = false;
                    alerts.saved.notify_waiters();
                    shorten(alerts, &mut journal);
                }
                Err(error) => {
                    if !failing {
                        tracing::error!("alerts cannot be written down, and are not delivered until they can: {error}");
                    }
                    failing = true;
                    alerts.lock().unwritten(&changed);
                    std::thread::sleep(PATIENCE);
                }
            }
        }
        if ends {
            return;
        }
    }
}

fn shorten(alerts: &Alerts, journal: &mut Journal) {
    let entries: Vec<_> = {
        let store = alerts.lock();
        let kept = || store.all().filter(|entry| entry.fired.is_some());
        if !journal.is_long(kept().count()) {
            return;
        }
        kept().cloned().collect()
    };
    if let Err(error) = journal.compact(&entries) {
        tracing::warn!("the journal of alerts could not be made shorter: {error}");
    }
}
