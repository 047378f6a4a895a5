//! Alerts as people deal with them: kept over restarts, acknowledged, noted, resolved, with their evidence, and delivered.
//!
//! The engine's thread folds what it says into the `Store`, in memory. A thread of its own (`keeper`) writes what has changed
//! to the journal, and only what is written there is delivered: so what was sent is known after any restart.

pub mod delivery;
pub mod entry;
pub mod evidence;
pub mod heard;
pub mod journal;
pub mod keeper;
pub mod store;
pub mod vault;

use delivery::SinkHealth;
use fathometer_engine::alert::Severity;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use store::Store;
use tokio::sync::Notify;

/// Those who are told, by name: of what severity on, and how they do.
pub type Sinks = BTreeMap<String, (Severity, SinkHealth)>;

/// Shared by the engine's thread, the keeper, the senders and the API.
#[derive(Default)]
pub struct Alerts {
    store: Mutex<Store>,
    changed: Condvar,
    /// Where the frames around alerts lie, if anything keeps them.
    pub evidence: OnceLock<PathBuf>,
    sinks: Mutex<Sinks>,
    /// Told whenever something was written down that may have to be delivered.
    pub saved: Arc<Notify>,
}

impl Alerts {
    /// What is known; to be held only for as long as it takes to copy.
    pub fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How those do who are told, by name.
    pub fn sinks(&self) -> MutexGuard<'_, Sinks> {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the keeper, or where nothing is kept the senders: something has changed.
    pub fn wake(&self) {
        self.changed.notify_all();
        self.saved.notify_waiters();
    }

    /// Waits until something has changed, or that long.
    fn wait(&self, patience: Duration) -> MutexGuard<'_, Store> {
        let store = self.lock();
        if store.is_dirty() {
            return store;
        }
        self.changed.wait_timeout(store, patience).unwrap_or_else(PoisonError::into_inner).0
    }
}
