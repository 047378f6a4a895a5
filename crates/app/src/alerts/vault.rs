//! The state folder: where alerts and their evidence lie between two runs.

use super::Alerts;
use super::entry::Entry;
use super::evidence::{Evidence, RING_BYTES_MAX};
use super::journal::{Journal, JournalError};
use super::keeper::Keeper;
use crate::failure::Failure;
use fathometer_engine::engine::Config;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// An open state folder.
pub struct Vault {
    folder: PathBuf,
    journal: Journal,
    entries: Vec<Entry>,
    /// Of a demo: gone with it.
    passing: Option<TempDir>,
}

/// What works on an open state folder while a run is under way. To be let go after the evidence, which tells it something.
pub struct Watchman {
    _keeper: Keeper,
    _passing: Option<TempDir>,
}

impl Vault {
    /// Opens the folder that was asked for; else one within the recording's; else the user's own; a demo's is gone with it.
    /// Where nothing was asked for and the folder cannot be had, alerts live in memory alone.
    ///
    /// # Errors
    /// The folder that was asked for is taken, or cannot be read or written.
    pub fn open(asked: Option<&Path>, record: Option<&Path>, demo: bool) -> Result<Option<Self>, Failure> {
        if let Some(folder) = asked {
            return Self::at(folder).map(Some).map_err(Failure::input);
        }
        let opened = match record {
            Some(folder) => Self::at(&folder.join("state")),
            None if demo => return Ok(Self::passing()),
            None => match usual_folder() {
                Some(folder) => Self::at(&folder),
                None => return Ok(None),
            },
        };
        match opened {
            Ok(vault) => Ok(Some(vault)),
            Err(error) => {
                eprintln!("warning: alerts are forgotten with this run: {error}");
                Ok(None)
            }
        }
    }

    fn at(folder: &Path) -> Result<Self, JournalError> {
        let (journal, entries) = Journal::open(folder)?;
        Ok(Vault { folder: folder.to_owned(), journal, entries, passing: None })
    }

    fn passing() -> Option<Self> {
        let passing = tempfile::Builder::new().prefix("fathometer-demo-").tempdir().ok()?;
        let vault = Self::at(passing.path()).ok()?;
        Some(Vault { passing: Some(passing), ..vault })
    }

    /// Takes back what an earlier run knew, and begins to keep what this one finds.
    ///
    /// # Errors
    /// No threads, or the folder cannot be written.
    pub fn begin(self, alerts: &Arc<Alerts>, config: &Config) -> Result<(Evidence, Watchman), Failure> {
        alerts.lock().recall(self.entries);
        let folder = self.folder.join("evidence");
        let evidence = Evidence::start(&folder, alerts.clone(), config.clone(), RING_BYTES_MAX)?;
        let _ = alerts.evidence.set(folder);
        let keeper = Keeper::start(alerts.clone(), self.journal)?;
        Ok((evidence, Watchman { _keeper: keeper, _passing: self.passing }))
    }
}

/// Where programs of this system keep what they know between two runs.
fn usual_folder() -> Option<PathBuf> {
    let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || of("HOME");
    let base = if cfg!(target_os = "macos") {
        home()?.join("Library/Application Support")
    } else {
        of("XDG_STATE_HOME").or_else(|| Some(home()?.join(".local/state")))?
    };
    Some(base.join("fathometer"))
}
