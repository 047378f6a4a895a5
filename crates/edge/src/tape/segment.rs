//! The writing side's file: creates segments, compresses blocks into them, forces them onto the disk.

use super::format::{BLOCK_HEAD, BlockHead, SegmentHead};
use super::pack::Packer;
use super::{Fsync, TapeError, name};
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Encoded inputs on their way to the file.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) bytes: Vec<u8>,
    pub(crate) inputs: u32,
    pub(crate) first: Nanos,
    pub(crate) last: Nanos,
}

/// The folder and what is open in it.
pub(crate) struct Folder {
    path: PathBuf,
    fsync: Fsync,
    packer: Packer,
    out: Vec<u8>,
    open: Option<Open>,
}

struct Open {
    file: File,
    path: PathBuf,
    bytes: u64,
    blocks: u32,
    forced_at: Option<Nanos>,
}

impl Folder {
    pub(crate) fn new(path: &Path, fsync: Fsync) -> Result<Self, TapeError> {
        let failed = |source| TapeError::Write { file: path.to_path_buf(), source };
        std::fs::create_dir_all(path).map_err(failed)?;
        let packer = Packer::new().map_err(failed)?;
        Ok(Folder { path: path.to_path_buf(), fsync, packer, out: Vec::new(), open: None })
    }

    /// Closes the open segment and begins the next, under a name that no file has.
    pub(crate) fn begin(
        &mut self,
        stamp: &str,
        number: u32,
        run: Nanos,
        first: Nanos,
        configuration: &[u8],
    ) -> Result<(), TapeError> {
        self.force()?;
        let (file, path) = create(&self.path, stamp, number)?;
        let mut open = Open { file, path, bytes: 0, blocks: 0, forced_at: None };
        open.write(&SegmentHead::encode(number, run, first, configuration))?;
        if self.fsync != Fsync::Never {
            let folder = File::open(&self.path).and_then(|f| f.sync_all()); // the name itself has to survive too
            folder.map_err(|source| TapeError::Write { file: self.path.clone(), source })?;
        }
        self.open = Some(open);
        Ok(())
    }

    /// Writes a block; returns the segment's size, bytes.
    pub(crate) fn write(&mut self, block: &Block) -> Result<u64, TapeError> {
        let Some(open) = &mut self.open else { return Ok(0) };
        self.out.clear();
        self.out.resize(BLOCK_HEAD, 0);
        let packed = self.packer.pack(&block.bytes, block.first, &mut self.out);
        let codec = packed.map_err(|source| TapeError::Write { file: open.path.clone(), source })?;
        let (head, payload) = self.out.split_at_mut(BLOCK_HEAD);
        let parts = BlockHead {
            length: payload.len() as u32,
            raw_length: block.bytes.len() as u32,
            inputs: block.inputs,
            first: block.first,
            last: block.last,
            number: open.blocks,
            codec,
            crc: crc32c::crc32c(payload),
        };
        head.copy_from_slice(&parts.encode());
        open.write(&self.out)?;
        open.blocks += 1;
        let due = match (self.fsync, open.forced_at) {
            (Fsync::Never, _) => false,
            (Fsync::Block, _) | (Fsync::Every(_), None) => true,
            (Fsync::Every(seconds), Some(at)) => block.last.since(at) >= i64::from(seconds) * NANOS_PER_SECOND,
        };
        if due {
            open.force()?;
            open.forced_at = Some(block.last);
        }
        Ok(open.bytes)
    }

    /// Forces everything written onto the disk.
    pub(crate) fn force(&mut self) -> Result<(), TapeError> {
        self.open.as_mut().map_or(Ok(()), Open::force)
    }
}

impl Open {
    fn write(&mut self, bytes: &[u8]) -> Result<(), TapeError> {
        match self.file.write_all(bytes) {
            Ok(()) => {
                self.bytes += bytes.len() as u64;
                Ok(())
            }
            Err(source) => {
                let _ = self.file.set_len(self.bytes); // half a block helps nobody; if this fails too, readers see a torn tail
                Err(TapeError::Write { file: self.path.clone(), source })
            }
        }
    }

    fn force(&mut self) -> Result<(), TapeError> {
        self.file.sync_data().map_err(|source| TapeError::Write { file: self.path.clone(), source })
    }
}

/// A new file; a taken name, of whichever run, moves on to the next number.
fn create(folder: &Path, stamp: &str, number: u32) -> Result<(File, PathBuf), TapeError> {
    let mut number = number;
    loop {
        let path = folder.join(name::segment(stamp, number));
        match File::options().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && number < 999_999 => number += 1,
            Err(source) => return Err(TapeError::Write { file: path, source }),
        }
    }
}
