//! The tape: every input, in the order in which the engine saw it, in append-only segment files that survive a crash.
//!
//! A segment is one file, little-endian throughout:
//!
//! | part | bytes | content |
//! |---|---|---|
//! | magic | 8 | `FTHMTAPE` |
//! | version | u16 | 1 |
//! | reserved | u16 | 0 |
//! | segment | u32 | number within its run, from 0 |
//! | run | i64 | time of the run's first input, ns since the epoch |
//! | first | i64 | time of the segment's first input, ns since the epoch |
//! | length | u32 | of the configuration |
//! | CRC | u32 | CRC-32C of all bytes before it and of the configuration |
//! | configuration | length | opaque to the tape; what a replay needs to build the same engine |
//!
//! and then blocks, each of which can be read without the others:
//!
//! | part | bytes | content |
//! |---|---|---|
//! | marker | 4 | `FBLK`, for finding the next block after damage |
//! | length | u32 | of the payload |
//! | uncompressed length | u32 | of the encoded inputs |
//! | inputs | u32 | how many |
//! | first, last | 2 x i64 | time of the first and of the last input, ns since the epoch |
//! | number | u32 | of the block within the segment, from 0 |
//! | codec | u32 | 1: zstd; 2: folded (see `fold`), then zstd |
//! | payload CRC | u32 | CRC-32C of the payload |
//! | header CRC | u32 | CRC-32C of the 44 bytes before it |
//! | payload | length | the encoded inputs, compressed |
//!
//! An encoded input is a kind byte (bit 7: same link as the input before), the time as a zigzag varint difference from
//! the input before (the first from the block's `first`), the link plus one as a varint unless it is the same, and the
//! parts of the body, each text or byte string preceded by its length as a varint.

mod about;
pub(crate) mod codec;
mod fold;
mod format;
mod name;
mod pack;
mod reader;
mod ring;
mod segment;
mod writer;

pub use about::{SegmentAbout, segments};
pub use format::is_tape;
pub(crate) use format::may_become_tape;
pub use reader::{Lost, Reader, Torn};
pub use ring::{Encoded, Encoder, Ring};
pub use writer::{TapeGauge, TapeStats, Writer};

use std::io;
use std::path::{Path, PathBuf};

/// When written blocks are forced onto the disk. Without it they survive the end of the process, not that of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fsync {
    /// Left to the operating system.
    Never,
    /// After every block.
    Block,
    /// After the first block that ends that many seconds (of input time) or more after the last one forced.
    Every(u32),
}

/// How a tape is written.
#[derive(Clone, Debug)]
pub struct Options {
    /// A segment of that many bytes on disk wants to be followed by a new one.
    pub segment_bytes_max: u64,
    /// A segment of that many seconds of input time wants to be followed by a new one.
    pub segment_seconds_max: u32,
    /// A block is closed before it exceeds that many uncompressed bytes; a larger input gets a block of its own.
    pub block_bytes_max: usize,
    /// A block is closed when an input arrives that many milliseconds or more after the block's first.
    pub block_millis_max: u32,
    /// When written blocks are forced onto the disk.
    pub fsync: Fsync,
    /// What a replay needs to build the same engine; opaque to the tape.
    pub header: Vec<u8>,
}

impl Default for Options {
    /// Segments of 256 MiB or an hour, blocks of 512 KiB or half a second, forced onto the disk every second.
    fn default() -> Self {
        Options {
            segment_bytes_max: 256 << 20,
            segment_seconds_max: 3600,
            block_bytes_max: 512 << 10,
            block_millis_max: 500,
            fsync: Fsync::Every(1),
            header: Vec::new(),
        }
    }
}

/// Largest encoded input, bytes.
pub const INPUT_BYTES_MAX: usize = 512 << 20;

/// What can go wrong with a tape.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    /// Recording has just stopped; told once.
    #[error("cannot write the tape {}: {source}; recording has stopped, live books go on. {}", .file.display(), remedy(.source))]
    Write {
        /// The file or folder.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Recording stopped earlier; the input was not recorded.
    #[error("recording has stopped earlier; start anew to record again")]
    Stopped,
    /// One input is larger than any tape holds; it was not recorded, the others are.
    #[error(
        "an input of {bytes} bytes is larger than the tape's limit of {INPUT_BYTES_MAX} bytes and was left out; look for a runaway frame on its link"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The file cannot be opened or read.
    #[error("cannot read {}: {source}; check the path and its permissions", .file.display())]
    Read {
        /// The file or folder.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Something else.
    #[error("{} is not a tape: found {found}. Accepted: Fathometer tapes (*.ftape), hftbacktest collector files, cryptofeed sessions", .file.display())]
    NotATape {
        /// The file.
        file: PathBuf,
        /// What it looks like.
        found: String,
    },
    /// Written by a later version of the program.
    #[error("{} was written in tape version {version}, this program reads up to {}; update the program", .file.display(), format::VERSION)]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its version.
        version: u16,
    },
    /// A block whose checksum is right does not hold inputs.
    #[error("{}: the block at byte {offset} holds something this program does not know; it may have been written by a later version: update the program", .file.display())]
    Unknown {
        /// The file.
        file: PathBuf,
        /// Where its block begins.
        offset: u64,
    },
    /// No tape among the given paths.
    #[error("no tape (*.ftape) in {}; check the path, or record one first", .path.display())]
    Nothing {
        /// The path given.
        path: PathBuf,
    },
}

/// What a person can do about a write error.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "Free disk space or choose another folder, then start recording anew."
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "Give this user the right to write there or choose another folder, then start recording anew."
        }
        io::ErrorKind::FileTooLarge => {
            "Choose a smaller segment size or raise the file size limit (ulimit -f), then start recording anew."
        }
        _ => "Check the disk or choose another folder, then start recording anew.",
    }
}

/// All files of a path: itself, or if it is a folder the files within whose names `keep`, sorted by name.
pub(crate) fn files_of(path: &Path, keep: fn(&Path) -> bool) -> io::Result<Vec<PathBuf>> {
    if !std::fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let file = entry?.path();
        if keep(&file) && std::fs::metadata(&file)?.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}
