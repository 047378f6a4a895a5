//! What a segment holds, without reading its inputs: from its head and the heads of its blocks.

use super::format::{self, BLOCK_HEAD, BlockHead, SEGMENT_HEAD, SegmentHead};
use super::{TapeError, name};
use fathometer_engine::units::Nanos;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A segment as its heads tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentAbout {
    /// The file.
    pub file: PathBuf,
    /// Its size, bytes.
    pub bytes: u64,
    /// Time of the run's first input: what segments of one run have in common.
    pub run: Nanos,
    /// Number within the run, from 0.
    pub segment: u32,
    /// Time of its first input.
    pub first: Nanos,
    /// Time of its last input, as far as whole blocks follow one another.
    pub last: Nanos,
    /// Inputs in these blocks.
    pub inputs: u64,
}

/// Every readable segment of a folder, sorted by name; what is none is passed over.
///
/// # Errors
/// The folder cannot be read.
pub fn segments(folder: &Path) -> Result<Vec<SegmentAbout>, TapeError> {
    let is_segment = |file: &Path| file.extension().is_some_and(|extension| extension == name::EXTENSION);
    let files = super::files_of(folder, is_segment);
    let files = files.map_err(|source| TapeError::Read { file: folder.to_path_buf(), source })?;
    Ok(files.iter().filter_map(|file| about(file).ok().flatten()).collect())
}

/// What a file's heads tell; `None` if it is no segment.
fn about(path: &Path) -> io::Result<Option<SegmentAbout>> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut start = [0; SEGMENT_HEAD];
    if bytes < SEGMENT_HEAD as u64 {
        return Ok(None);
    }
    file.read_exact_at(&mut start, 0)?;
    let head = SegmentHead::decode(&start);
    if !format::is_tape(&start) || head.version > format::VERSION {
        return Ok(None);
    }
    let (run, segment, first) = (head.run, head.segment, head.first);
    let mut about = SegmentAbout { file: path.to_path_buf(), bytes, run, segment, first, last: first, inputs: 0 };
    let mut offset = SEGMENT_HEAD as u64 + u64::from(head.length);
    let mut block = [0; BLOCK_HEAD];
    while offset + BLOCK_HEAD as u64 <= bytes {
        file.read_exact_at(&mut block, offset)?;
        let Some(head) = BlockHead::decode(&block) else { break };
        offset += BLOCK_HEAD as u64 + u64::from(head.length);
        if offset > bytes {
            break;
        }
        about.last = head.last;
        about.inputs += u64::from(head.inputs);
    }
    Ok(Some(about))
}
