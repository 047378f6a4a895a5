//! The journal of alerts: a line of JSON for each change, forced onto the disk; the last line of an alert counts.

use super::entry::Entry;
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

const NAME: &str = "alerts.jsonl";
/// Lines beyond three times the number of alerts, and beyond this, are too many: the journal is written anew.
const LINES_SPARE: usize = 1_000;

/// Why a folder cannot hold alerts.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another program holds it.
    #[error("the state folder {} is used by another run; choose another with --state", .0.display())]
    Taken(PathBuf),
    /// It cannot be read or written.
    #[error("cannot keep alerts in {}: {source}; check the disk and the folder's rights, or choose another with --state", .folder.display())]
    Io {
        /// The folder.
        folder: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    file: File,
    lines: usize,
    /// Held for as long as the journal is open.
    _lock: File,
}

impl Journal {
    /// Opens the journal of a folder, which is created if need be; what it holds, oldest first. A line that is no alert
    /// (the last one, where the program was killed while it wrote) is passed over.
    ///
    /// # Errors
    /// The folder is taken, or cannot be read or written.
    pub fn open(folder: &Path) -> Result<(Self, Vec<Entry>), JournalError> {
        let failed = |source| JournalError::Io { folder: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let lock = File::options().create(true).append(true).open(folder.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Taken(folder.to_owned())),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let entries = read(&folder.join(NAME)).map_err(failed)?;
        // Written anew, so that nothing is ever put behind a torn line.
        let file = write(folder, &entries).map_err(failed)?;
        let journal = Journal { folder: folder.to_owned(), file, lines: entries.len(), _lock: lock };
        Ok((journal, entries))
    }

    /// Writes alerts down as they are now; they are on the disk afterwards.
    ///
    /// # Errors
    /// The disk does not take them.
    pub fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        let mut text = Vec::new();
        for entry in entries {
            line(entry, &mut text)?;
        }
        let before = self.file.metadata()?.len();
        if let Err(error) = self.file.write_all(&text).and_then(|()| self.file.sync_data()) {
            let _ = self.file.set_len(before); // a torn line in the middle would take the next with it
            return Err(error);
        }
        self.lines += entries.len();
        Ok(())
    }

    /// Whether it holds much more than `count` alerts need.
    pub fn is_long(&self, count: usize) -> bool {
        self.lines > 3 * count + LINES_SPARE
    }

    /// Writes it anew with these alerts alone.
    ///
    /// # Errors
    /// The disk does not take them; the journal stays as it was.
    pub fn compact(&mut self, entries: &[Entry]) -> io::Result<()> {
        self.file = write(&self.folder, entries)?;
        self.lines = entries.len();
        Ok(())
    }
}

fn line(entry: &Entry, out: &mut Vec<u8>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, entry)?;
    out.push(b'\n');
    Ok(())
}

fn read(path: &Path) -> io::Result<Vec<Entry>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => BufReader::new(opened?),
    };
    let (mut order, mut latest, mut bytes) = (Vec::new(), BTreeMap::new(), Vec::new());
    loop {
        bytes.clear();
        if file.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        let Ok(entry) = serde_json::from_slice::<Entry>(&bytes) else {
            tracing::warn!("a line of {} is no alert and was passed over", path.display());
            continue;
        };
        if !latest.contains_key(&entry.id) {
            order.push(entry.id);
        }
        latest.insert(entry.id, entry);
    }
    Ok(order.into_iter().filter_map(|id| latest.remove(&id)).collect())
}

/// Puts a new journal in the place of the old one: either is whole, whenever the machine stops.
fn write(folder: &Path, entries: &[Entry]) -> io::Result<File> {
    let (path, fresh) = (folder.join(NAME), folder.join("alerts.jsonl.new"));
    let mut text = Vec::new();
    for entry in entries {
        line(entry, &mut text)?;
    }
    let mut file = File::create(&fresh)?;
    file.write_all(&text)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&fresh, &path)?;
    File::open(folder)?.sync_all()?; // the name has to survive too
    File::options().append(true).open(&path)
}

#[cfg(test)]
mod tests;
