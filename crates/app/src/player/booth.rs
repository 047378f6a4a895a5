//! Where recordings are opened for screens: one player at a time, beside a live run or as what is served.

use super::recordings::{self, About};
use super::{OpenError, Player};
use crate::live::state::State;
use fathometer_engine::engine::Config;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The one player, and what can be opened in it.
#[derive(Default)]
pub struct Booth {
    /// Where recordings lie; none: nothing can be opened by name.
    pub folder: Option<PathBuf>,
    /// The configuration of recordings that bring none.
    pub fallback: Config,
    /// Whether what plays here is what is served, so that it cannot be closed.
    served: bool,
    player: Mutex<Option<Arc<Player>>>,
}

/// Why a recording was not opened.
#[derive(Debug, thiserror::Error)]
pub enum BoothError {
    /// No folder was named.
    #[error("no folder of recordings was named")]
    NoFolder,
    /// The folder cannot be read.
    #[error("cannot read {}: {source}", .folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// There is none of that name.
    #[error("there is no recording `{0}`")]
    Unknown(String),
    /// It cannot be played.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The recording is what is served.
    #[error("the recording is what this program serves")]
    Served,
}

impl Booth {
    /// For recordings beside a live run.
    pub fn beside(folder: Option<PathBuf>, fallback: Config) -> Self {
        Booth { folder, fallback, ..Booth::default() }
    }

    /// For a recording that is what is served.
    pub fn serving(player: Player, folder: Option<PathBuf>, fallback: Config) -> Self {
        Booth { folder, fallback, served: true, player: Mutex::new(Some(Arc::new(player))) }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Player>>> {
        self.player.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is open.
    pub fn player(&self) -> Option<Arc<Player>> {
        self.lock().clone()
    }

    /// The state of what is open.
    pub fn state(&self) -> Option<Arc<State>> {
        self.lock().as_ref().map(|player| player.state.clone())
    }

    /// What can be opened.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self) -> Result<Vec<About>, BoothError> {
        let Some(folder) = &self.folder else { return Ok(Vec::new()) };
        recordings::list(folder).map_err(|source| BoothError::Folder { folder: folder.clone(), source })
    }

    /// Opens a recording in the place of what is open; it stands at its beginning. Blocks while files are read.
    ///
    /// # Errors
    /// There is none of that name, or it cannot be played; then what is open stays.
    pub fn open(&self, name: &str) -> Result<Arc<Player>, BoothError> {
        if self.folder.is_none() {
            return Err(BoothError::NoFolder);
        }
        let found = self.list()?.into_iter().find(|about| about.name == name);
        let about = found.ok_or_else(|| BoothError::Unknown(name.chars().take(200).collect()))?;
        if self.served {
            return Err(BoothError::Served);
        }
        let player = Arc::new(Player::open(&about.name, &about.files, &self.fallback, 1.0)?);
        let before = self.lock().replace(player.clone());
        drop(before); // outside the lock: a thread may have to be waited for
        Ok(player)
    }

    /// Opens a file that lies elsewhere, likewise.
    ///
    /// # Errors
    /// It cannot be played; then what is open stays.
    pub fn open_file(&self, name: &str, file: PathBuf) -> Result<Arc<Player>, BoothError> {
        if self.served {
            return Err(BoothError::Served);
        }
        let player = Arc::new(Player::open(name, &[file], &self.fallback, 1.0)?);
        let before = self.lock().replace(player.clone());
        drop(before); // outside the lock: a thread may have to be waited for
        Ok(player)
    }

    /// Closes what is open.
    ///
    /// # Errors
    /// It is what is served.
    pub fn close(&self) -> Result<(), BoothError> {
        if self.served {
            return Err(BoothError::Served);
        }
        let before = self.lock().take();
        drop(before);
        Ok(())
    }
}
