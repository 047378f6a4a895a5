//! Recordings of whatever kind as one stream of inputs: our tapes, and what other programs recorded.
//!
//! What a file is follows from its content, never from its name; gzip is seen through. Beside tapes these are read:
//!
//! | recording | its lines | of |
//! |---|---|---|
//! | hftbacktest collector | `<received> <frame>`, received in ns or us; a bare depth answer stands among the frames | Binance spot, USD-M, COIN-M |
//! | cryptofeed session | `<received>: <frame>`, received in s; `<url> <-> <at>` connected; `<url> <- <at>: <sent>`; `<url> -> <at>: <answer>`; `configuration: ...` | Binance spot, USD-M, COIN-M, OKX v5 |
//!
//! Several files are one stream in the order given. Only files that hold nothing but HTTP answers are merged in by receive
//! time: they have no place of their own.

mod attribute;
mod line;
mod look;
mod merge;
mod text;

pub use merge::Recording;

use crate::tape::{self, Reader, TapeError, codec};
use fathometer_engine::input::Input;
use fathometer_engine::units::Nanos;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What can be read, for people.
const READABLE: &str = "Readable are Fathometer tapes, hftbacktest collector files and cryptofeed sessions (plain or gzip) of \
                        Binance spot, Binance USD-M, Binance COIN-M and OKX v5";

/// What can go wrong with a recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// A file cannot be opened or read.
    #[error("cannot read {}: {source}; check the path and its permissions", .file.display())]
    Read {
        /// The file or folder.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Not a recording of a known kind.
    #[error("{} is not a recording: found {found}. {READABLE}", .file.display())]
    Unrecognised {
        /// The file.
        file: PathBuf,
        /// What it looks like.
        found: String,
    },
    /// A recording, of a venue that is not supported.
    #[error("{} is a recording of {venue}, which cannot be replayed. {READABLE}", .file.display())]
    Venue {
        /// The file.
        file: PathBuf,
        /// Which venue it seems to be.
        venue: String,
    },
    /// Tapes and foreign recordings in one list.
    #[error("{} is a tape and {} is not: replay them one after the other", .tape.display(), .other.display())]
    Mixed {
        /// A tape.
        tape: PathBuf,
        /// Something else.
        other: PathBuf,
    },
    /// No file at all.
    #[error("no recording in {}; check the path. {READABLE}", .path.display())]
    Nothing {
        /// The path given.
        path: PathBuf,
    },
    /// It is a tape, and something is wrong with it.
    #[error(transparent)]
    Tape(#[from] TapeError),
}

/// What was passed over, for people: counted, and the first ones in full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// How many.
    pub count: u64,
    /// File, line (from 1; 0 for the file as a whole) and reason of the first `EXAMPLES_MAX`.
    pub examples: Vec<(PathBuf, u64, String)>,
}

/// Examples kept of what was skipped.
pub const EXAMPLES_MAX: usize = 16;

impl Skipped {
    fn add(&mut self, file: &Path, line: u64, why: impl Into<String>) {
        self.count += 1;
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push((file.to_path_buf(), line, why.into()));
        }
    }
}

/// A recording of any kind.
pub enum Source {
    /// Our own.
    Tape(Box<Reader>),
    /// Somebody else's.
    Foreign(Box<Recording>),
}

impl Source {
    /// The next input; `None` at the end.
    ///
    /// # Errors
    /// `Read` or `Tape`.
    #[allow(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Result<Option<Input<'_>>, RecordingError> {
        match self {
            Source::Tape(reader) => Ok(reader.next()?),
            Source::Foreign(recording) => recording.next(),
        }
    }

    /// The engine configuration it was recorded with; only tapes carry one.
    pub fn header(&self) -> Option<&[u8]> {
        match self {
            Source::Tape(reader) => Some(reader.header()),
            Source::Foreign(_) => None,
        }
    }

    /// What was passed over so far.
    pub fn skipped(&self) -> Skipped {
        let reader = match self {
            Source::Tape(reader) => reader,
            Source::Foreign(recording) => return recording.skipped().clone(),
        };
        let mut skipped = Skipped::default();
        for lost in reader.lost() {
            let why =
                format!("damage of {} bytes at byte {}: {} blocks are missing", lost.bytes, lost.offset, lost.blocks);
            skipped.add(&lost.file, 0, why);
        }
        for torn in reader.torn() {
            let why = format!("torn at byte {}: the last {} bytes were not wholly written", torn.offset, torn.bytes);
            skipped.add(&torn.file, 0, why);
        }
        skipped
    }
}

/// Opens recordings as one stream. A folder stands for its files, sorted by name; in a folder with tapes only these
/// count, and files in a folder that are no recordings are passed over and reported as skipped.
///
/// # Errors
/// See `RecordingError`; each names the file and what can be read.
pub fn open<P: AsRef<Path>>(paths: &[P]) -> Result<Source, RecordingError> {
    let (mut tapes, mut others) = (Vec::new(), Vec::new());
    for path in paths {
        let path = path.as_ref();
        let failed = |source| RecordingError::Read { file: path.to_path_buf(), source };
        let folder = std::fs::metadata(path).map_err(failed)?.is_dir();
        let visible = |f: &Path| f.file_name().is_some_and(|n| !n.as_encoded_bytes().starts_with(b"."));
        let files = tape::files_of(path, visible).map_err(failed)?;
        if files.is_empty() {
            return Err(RecordingError::Nothing { path: path.to_path_buf() });
        }
        let (mut of_tape, mut of_other) = (Vec::new(), Vec::new());
        for file in files {
            let start = start_of(&file).map_err(|source| RecordingError::Read { file: file.clone(), source })?;
            let beginning = folder && start.len() < 8 && tape::may_become_tape(&start);
            if tape::is_tape(&start) || beginning {
                of_tape.push((file, beginning))
            } else {
                of_other.push((file, folder))
            }
        }
        if of_tape.iter().any(|(_, beginning)| !beginning) {
            tapes.extend(of_tape.into_iter().map(|(file, _)| file));
            others.extend(of_other.into_iter().filter(|(_, folder)| !folder));
        } else {
            others.extend(of_other);
            others.extend(of_tape.into_iter().map(|(file, _)| (file, true)));
        }
    }
    match (tapes.first(), others.first()) {
        (Some(tape), Some((other, _))) => Err(RecordingError::Mixed { tape: tape.clone(), other: other.clone() }),
        (Some(_), None) => Ok(Source::Tape(Box::new(Reader::open(&tapes)?))),
        _ => Ok(Source::Foreign(Box::new(Recording::open(others)?))),
    }
}

fn start_of(file: &Path) -> io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(8);
    std::fs::File::open(file)?.take(8).read_to_end(&mut start)?;
    Ok(start)
}

/// A whole recording in memory, for measuring without the cost of reading.
#[derive(Debug)]
pub struct Loaded {
    bytes: Vec<u8>,
    inputs: u64,
    /// What was passed over.
    pub skipped: Skipped,
}

/// Reads everything.
///
/// # Errors
/// As `open` and `Source::next`.
pub fn load<P: AsRef<Path>>(paths: &[P]) -> Result<Loaded, RecordingError> {
    let mut source = open(paths)?;
    let (mut bytes, mut inputs, mut state) = (Vec::new(), 0, codec::State::new(Nanos(0)));
    while let Some(input) = source.next()? {
        codec::encode(&mut bytes, &mut state, &input);
        inputs += 1;
    }
    Ok(Loaded { bytes, inputs, skipped: source.skipped() })
}

impl Loaded {
    /// How many inputs.
    pub fn len(&self) -> u64 {
        self.inputs
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.inputs == 0
    }

    /// Size in memory, bytes: the frames and a few bytes for each.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// All inputs, in order; as often as asked.
    pub fn iter(&self) -> impl Iterator<Item = Input<'_>> {
        let (mut rest, mut state) = (&self.bytes[..], codec::State::new(Nanos(0)));
        std::iter::from_fn(move || codec::decode(&mut rest, &mut state))
    }
}
