//! A recording as it is played: an input can be looked at before it is due, and a run's own goodbye at the very end is left
//! out, because it empties the books that one wants to look at.

use fathometer_edge::feed::STOPPED;
use fathometer_edge::recording::{self, RecordingError, Source};
use fathometer_engine::input::{Body, Input};
use fathometer_engine::units::Nanos;
use std::collections::VecDeque;
use std::path::PathBuf;

/// Most inputs looked ahead at to find out whether a goodbye is the last; when there are more, it is not.
const AHEAD_MAX: usize = 100_000;

/// What comes next.
pub(super) enum Next<'a> {
    /// An input that is due.
    Input(Input<'a>),
    /// The next input is not due before that time.
    NotYet(Nanos),
    /// There is none.
    End,
    /// Nothing is known yet: ask again.
    Again,
}

/// Inputs, from the first.
pub(super) struct Reel {
    source: Source,
    /// Looked at and not taken.
    ahead: VecDeque<Vec<u8>>,
    /// How many of these are known to be no goodbye at the end.
    safe: usize,
    current: Vec<u8>,
}

impl Reel {
    /// From the first input of these files.
    ///
    /// # Errors
    /// They cannot be read.
    pub(super) fn open(files: &[PathBuf]) -> Result<Self, RecordingError> {
        let source = recording::open(files)?;
        Ok(Reel { source, ahead: VecDeque::new(), safe: 0, current: Vec::new() })
    }

    /// The configuration at its head, if it is a tape.
    pub(super) fn header(&self) -> Option<&[u8]> {
        self.source.header()
    }

    /// The next input, if it was received at `until` or earlier.
    ///
    /// # Errors
    /// The recording cannot be read further.
    pub(super) fn next(&mut self, until: Nanos) -> Result<Next<'_>, RecordingError> {
        if self.ahead.is_empty() {
            return match self.source.next()? {
                None => Ok(Next::End),
                Some(input) if input.at <= until && !is_goodbye(&input) => Ok(Next::Input(input)),
                Some(input) => {
                    self.ahead.push_back(encode(&input));
                    Ok(Next::Again)
                }
            };
        }
        let Some(first) = self.ahead.front().and_then(|bytes| decode(bytes)) else { return Ok(Next::End) };
        if first.at > until {
            return Ok(Next::NotYet(first.at));
        }
        if self.safe == 0 && is_goodbye(&first) && !self.goes_on()? {
            self.ahead.clear();
            return Ok(Next::End);
        }
        self.safe = self.safe.saturating_sub(1);
        self.current = self.ahead.pop_front().unwrap_or_default();
        Ok(decode(&self.current).map_or(Next::End, Next::Input))
    }

    /// Whether a connection is opened after the goodbye that stands first: then it was not the last.
    fn goes_on(&mut self) -> Result<bool, RecordingError> {
        while self.ahead.len() < AHEAD_MAX {
            let Some(input) = self.source.next()? else { return Ok(false) };
            self.ahead.push_back(encode(&input));
            if matches!(input.body, Body::Open { .. }) {
                break;
            }
        }
        self.safe = self.ahead.len();
        Ok(true)
    }
}

fn is_goodbye(input: &Input<'_>) -> bool {
    matches!(input.body, Body::Close { reason: STOPPED })
}

/// Plain data in memory can always be written; should it ever not be, the input reads as the end.
fn encode(input: &Input<'_>) -> Vec<u8> {
    postcard::to_stdvec(input).unwrap_or_default()
}

fn decode(bytes: &[u8]) -> Option<Input<'_>> {
    postcard::from_bytes(bytes).ok()
}
