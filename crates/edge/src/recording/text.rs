//! Lines of a text file, plain or gzip, with its torn end told from its end.

use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// Longest line, bytes; a longer one is passed over.
const LINE_BYTES_MAX: usize = 64 << 20;
const BUFFER_BYTES: usize = 256 << 10;

/// What reading a line came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Got {
    /// A line; it may be the last one and lack its end.
    Line {
        /// Whether the line feed was there.
        ended: bool,
    },
    /// A line beyond `LINE_BYTES_MAX`, passed over.
    TooLong,
    /// The file breaks off here, with what the decompressor said.
    Torn(String),
    /// The end.
    End,
}

/// Reads lines.
pub(super) struct Lines {
    reader: Box<dyn BufRead + Send>,
    gzip: bool,
}

impl Lines {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, File::open(path)?);
        let gzip = reader.fill_buf()?.starts_with(&[0x1f, 0x8b]);
        let reader: Box<dyn BufRead + Send> = if gzip {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(reader)))
        } else {
            Box::new(reader)
        };
        Ok(Lines { reader, gzip })
    }

    /// Puts the next line into `line`, without its end.
    ///
    /// # Errors
    /// What the operating system says; not what the decompressor says.
    pub(super) fn next(&mut self, line: &mut Vec<u8>) -> io::Result<Got> {
        line.clear();
        match self.read(line) {
            Err(e)
                if self.gzip
                    && matches!(
                        e.kind(),
                        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
                    ) =>
            {
                Ok(Got::Torn(e.to_string()))
            }
            other => other,
        }
    }

    fn read(&mut self, line: &mut Vec<u8>) -> io::Result<Got> {
        let read = self.reader.by_ref().take(LINE_BYTES_MAX as u64).read_until(b'\n', line)?;
        if read == 0 {
            return Ok(Got::End);
        }
        let ended = line.pop_if(|last| *last == b'\n').is_some();
        if !ended && read == LINE_BYTES_MAX {
            line.clear();
            self.reader.skip_until(b'\n')?;
            return Ok(Got::TooLong);
        }
        line.pop_if(|last| *last == b'\r');
        Ok(Got::Line { ended })
    }
}
