//! Reads segments as one stream of inputs, past damage and torn ends, which it reports.

use super::format::{self, BLOCK_HEAD, BlockHead, CONFIGURATION_MAX, SEGMENT_HEAD, SegmentHead};
use super::pack::{How, Unpacker};
use super::{INPUT_BYTES_MAX, TapeError, codec, files_of, name};
use fathometer_engine::input::Input;
use fathometer_engine::units::Nanos;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The end of a file that was being written when its writer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// Which file.
    pub file: PathBuf,
    /// Where the whole part ends.
    pub offset: u64,
    /// How many bytes follow.
    pub bytes: u64,
}

/// Damage with whole blocks behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Which file.
    pub file: PathBuf,
    /// Where it begins.
    pub offset: u64,
    /// How many bytes were skipped.
    pub bytes: u64,
    /// How many blocks are missing.
    pub blocks: u32,
}

/// Reads inputs from segment files, in order.
pub struct Reader {
    files: std::vec::IntoIter<PathBuf>,
    open: Option<Open>,
    header: Vec<u8>,
    unpacker: Unpacker,
    payload: Vec<u8>,
    raw: Vec<u8>,
    position: usize,
    left: u32,
    state: codec::State,
    torn: Vec<Torn>,
    lost: Vec<Lost>,
}

#[derive(Debug)]
struct Open {
    file: File,
    path: PathBuf,
    length: u64,
    offset: u64,
    block_offset: u64,
    next_number: u32,
}

impl Reader {
    /// Opens segments, or folders of them (sorted by name), as one stream in the order given.
    ///
    /// # Errors
    /// `Nothing` if there is no tape, `NotATape` or `Newer` for the first file, `Read` if it cannot be read.
    pub fn open<P: AsRef<Path>>(paths: &[P]) -> Result<Self, TapeError> {
        let mut files = Vec::new();
        for path in paths {
            let path = path.as_ref();
            let found = files_of(path, |f| f.extension().is_some_and(|e| e == name::EXTENSION));
            let found = found.map_err(|source| TapeError::Read { file: path.to_path_buf(), source })?;
            if found.is_empty() {
                return Err(TapeError::Nothing { path: path.to_path_buf() });
            }
            files.extend(found);
        }
        let first = files.first().cloned().unwrap_or_default();
        let unpacker = Unpacker::new();
        let mut reader = Reader {
            files: files.into_iter(),
            open: None,
            header: Vec::new(),
            unpacker: unpacker.map_err(|source| TapeError::Read { file: first.clone(), source })?,
            payload: Vec::new(),
            raw: Vec::new(),
            position: 0,
            left: 0,
            state: codec::State::new(Nanos(0)),
            torn: Vec::new(),
            lost: Vec::new(),
        };
        if !reader.open_next()? {
            let found = "only the beginning of a file: its writer was stopped before the first input".to_owned();
            return Err(TapeError::NotATape { file: first, found });
        }
        Ok(reader)
    }

    /// The configuration in the head of the segment being read.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// Ends torn off so far, one per file whose writer was killed.
    pub fn torn(&self) -> &[Torn] {
        &self.torn
    }

    /// Damage passed over so far.
    pub fn lost(&self) -> &[Lost] {
        &self.lost
    }

    /// The next input; `None` at the end of the last file.
    ///
    /// # Errors
    /// `Read`, `NotATape` or `Newer` for a later file, `Unknown` for a block this program does not understand.
    #[allow(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Result<Option<Input<'_>>, TapeError> {
        while self.left == 0 {
            if self.open.is_none() && !self.open_next()? {
                return Ok(None);
            }
            self.load()?;
        }
        self.left -= 1;
        let bytes = self.raw.get(self.position..).unwrap_or_default();
        let mut rest = bytes;
        match codec::decode(&mut rest, &mut self.state) {
            Some(input) => {
                self.position += bytes.len() - rest.len();
                Ok(Some(input))
            }
            None => {
                self.left = 0;
                Err(unknown(self.open.as_ref()))
            }
        }
    }

    /// Opens the next file that has a whole head; false if there is none.
    fn open_next(&mut self) -> Result<bool, TapeError> {
        for path in self.files.by_ref() {
            let failed = |source| TapeError::Read { file: path.clone(), source };
            let file = File::open(&path).map_err(failed)?;
            let length = file.metadata().map_err(failed)?.len();
            let mut head = [0; SEGMENT_HEAD];
            let start = head.split_at_mut(length.min(SEGMENT_HEAD as u64) as usize).0;
            file.read_exact_at(start, 0).map_err(failed)?;
            if !format::is_tape(start) && !format::may_become_tape(start) {
                return Err(TapeError::NotATape { found: what_is(start), file: path });
            }
            let torn = Torn { file: path.clone(), offset: 0, bytes: length };
            if start.len() < SEGMENT_HEAD {
                self.torn.push(torn);
                continue;
            }
            let decoded = SegmentHead::decode(&head);
            if decoded.version > format::VERSION {
                return Err(TapeError::Newer { file: path, version: decoded.version });
            }
            let blocks = SEGMENT_HEAD as u64 + u64::from(decoded.length);
            if decoded.length > CONFIGURATION_MAX || blocks > length {
                self.torn.push(torn);
                continue;
            }
            let mut header = vec![0; decoded.length as usize];
            file.read_exact_at(&mut header, SEGMENT_HEAD as u64).map_err(failed)?;
            if SegmentHead::crc_of(&head, &header) != decoded.crc {
                // the blocks may be good, but not for a replay that would run on a wrong configuration
                let found = "a tape whose head is damaged (its checksum does not match)".to_owned();
                return Err(TapeError::NotATape { file: path, found });
            }
            self.header = header;
            self.open = Some(Open { file, path, length, offset: blocks, block_offset: blocks, next_number: 0 });
            return Ok(true);
        }
        Ok(false)
    }

    /// Loads the next whole block of the open file, or closes the file.
    fn load(&mut self) -> Result<(), TapeError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        if open.offset >= open.length {
            self.open = None;
            return Ok(());
        }
        let begun = open.offset;
        let mut found = open.block(begun, &mut self.payload)?;
        if found.is_none() {
            let mut search = begun;
            while let Some(offset) = open.marker_after(search)? {
                found = open.block(offset, &mut self.payload)?.filter(|b| b.number >= open.next_number);
                open.offset = offset;
                search = offset;
                if found.is_some() {
                    break;
                }
            }
        }
        let Some(head) = found else {
            self.torn.push(Torn { file: open.path.clone(), offset: begun, bytes: open.length - begun });
            self.open = None;
            return Ok(());
        };
        if open.offset != begun || head.number != open.next_number {
            let blocks = head.number.saturating_sub(open.next_number);
            self.lost.push(Lost { file: open.path.clone(), offset: begun, bytes: open.offset - begun, blocks });
        }
        open.block_offset = open.offset;
        open.offset += BLOCK_HEAD as u64 + u64::from(head.length);
        open.next_number = head.number.saturating_add(1);
        let how =
            How { codec: head.codec, inputs: head.inputs, first: head.first, raw_length: head.raw_length as usize };
        if self.unpacker.unpack(&self.payload, how, &mut self.raw).is_none() {
            return Err(unknown(self.open.as_ref()));
        }
        self.position = 0;
        self.left = head.inputs;
        self.state = codec::State::new(head.first);
        Ok(())
    }
}

impl Open {
    /// Reads the block at an offset; `None` if there is no whole one.
    fn block(&self, offset: u64, payload: &mut Vec<u8>) -> Result<Option<BlockHead>, TapeError> {
        let failed = |source| TapeError::Read { file: self.path.clone(), source };
        let left = self.length.saturating_sub(offset);
        if left < BLOCK_HEAD as u64 {
            return Ok(None);
        }
        let mut head = [0; BLOCK_HEAD];
        self.file.read_exact_at(&mut head, offset).map_err(failed)?;
        let Some(head) = BlockHead::decode(&head) else { return Ok(None) };
        if u64::from(head.length) > left - BLOCK_HEAD as u64 || head.raw_length as usize > INPUT_BYTES_MAX {
            return Ok(None);
        }
        payload.resize(head.length as usize, 0);
        self.file.read_exact_at(payload, offset + BLOCK_HEAD as u64).map_err(failed)?;
        Ok((crc32c::crc32c(payload) == head.crc).then_some(head))
    }

    /// Where the first marker after an offset stands.
    fn marker_after(&self, offset: u64) -> Result<Option<u64>, TapeError> {
        let mut window = vec![0; 1 << 16];
        let mut start = offset + 1;
        while start + BLOCK_HEAD as u64 <= self.length {
            let size = (self.length - start).min(window.len() as u64) as usize;
            let bytes = window.split_at_mut(size).0;
            let read = self.file.read_exact_at(bytes, start);
            read.map_err(|source| TapeError::Read { file: self.path.clone(), source })?;
            if let Some(at) = bytes.windows(4).position(|w| w == format::MARKER) {
                return Ok(Some(start + at as u64));
            }
            start += size as u64 - 3; // a marker may lie across two windows
        }
        Ok(None)
    }
}

fn unknown(open: Option<&Open>) -> TapeError {
    let (file, offset) = open.map_or_else(Default::default, |o| (o.path.clone(), o.block_offset));
    TapeError::Unknown { file, offset }
}

/// What a file that is no tape looks like, for people.
fn what_is(start: &[u8]) -> String {
    match start {
        [] => "an empty file".to_owned(),
        [0x1f, 0x8b, ..] => "gzip data".to_owned(),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd data".to_owned(),
        _ => match std::str::from_utf8(start).or_else(|e| std::str::from_utf8(start.split_at(e.valid_up_to()).0)) {
            Ok(text) if text.len() + 3 >= start.len() && !text.contains('\0') => {
                format!("text beginning with {text:?}")
            }
            _ => "binary data".to_owned(),
        },
    }
}
