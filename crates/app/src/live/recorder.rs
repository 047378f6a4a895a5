//! The tape of a live run: every input before the engine sees it; when it cannot be written, recording stops, the books go on.

use crate::failure::Failure;
use crate::runner::Runner;
use crate::view::FaultLine;
use fathometer_edge::tape::{Options, TapeError, TapeGauge, Writer};
use fathometer_engine::engine::Config;
use fathometer_engine::input::{Body, Input, NO_LINK};
use fathometer_engine::output::{FaultKind, Remedy};
use fathometer_engine::units::Nanos;
use std::path::{Path, PathBuf};

/// Writes the tape while that is possible.
pub struct Recorder {
    folder: PathBuf,
    writer: Option<Writer>,
    /// Inputs recorded.
    pub recorded: u64,
    last: Nanos,
    /// Why recording stopped before the run did.
    broken: Option<String>,
}

impl Recorder {
    /// Begins a tape in a folder; the configuration at its head makes a replay mean the same.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn create(folder: &Path, config: &Config) -> Result<Self, Failure> {
        Self::create_with(folder, config, Options::default())
    }

    /// The same with blocks and segments of other sizes.
    ///
    /// # Errors
    /// As `create`.
    pub fn create_with(folder: &Path, config: &Config, options: Options) -> Result<Self, Failure> {
        let header = serde_json::to_vec(config);
        let header =
            header.map_err(|error| Failure::failed(format!("cannot write the configuration down: {error}")))?;
        let writer = Writer::create(folder, Options { header, ..options }).map_err(Failure::input)?;
        Ok(Recorder { folder: folder.to_owned(), writer: Some(writer), recorded: 0, last: Nanos(0), broken: None })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How far it is, for screens; none after recording has stopped.
    pub fn gauge(&self) -> Option<TapeGauge> {
        self.writer.as_ref().map(Writer::gauge)
    }

    /// Records an input; the fault to be shown where that is not possible.
    pub fn append(&mut self, input: &Input<'_>) -> Option<FaultLine> {
        let writer = self.writer.as_mut()?;
        self.last = input.at;
        match writer.append(input) {
            Ok(()) => {
                self.recorded += 1;
                None
            }
            Err(error) => Some(self.stopped(&error)),
        }
    }

    /// Whether it is time for a new segment.
    pub fn wants_rotation(&self) -> bool {
        self.writer.as_ref().is_some_and(Writer::wants_rotation)
    }

    /// Begins a new segment with the engine's state at its head. The engine takes the checkpoint as well, because it will
    /// in every replay.
    pub fn rotate(&mut self, runner: &mut Runner) -> Option<FaultLine> {
        let writer = self.writer.as_mut()?;
        let checkpoint = match runner.engine.checkpoint() {
            Ok(checkpoint) => checkpoint,
            Err(error) => return Some(line(self.last, format!("no new segment was begun: {error}"), Remedy::Skip)),
        };
        if let Err(error) = writer.rotate(&checkpoint) {
            return Some(self.stopped(&error));
        }
        runner.step(&Input { at: self.last, link: NO_LINK, body: Body::Checkpoint(&checkpoint) });
        None
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// It could not all be written, now or earlier: why.
    pub fn close(&mut self) -> Result<(), String> {
        let closed = self.writer.take().map_or(Ok(()), Writer::close).map_err(|error| error.to_string());
        self.broken.take().map_or(closed, Err)
    }

    /// A tape with a hole would not replay to what was seen: with the first input that is left out it ends.
    fn stopped(&mut self, error: &TapeError) -> FaultLine {
        self.writer = None;
        self.broken = Some(error.to_string());
        tracing::error!("{error}");
        line(self.last, error.to_string(), Remedy::Stop)
    }
}

fn line(at: Nanos, text: String, remedy: Remedy) -> FaultLine {
    FaultLine { at, instrument: None, kind: FaultKind::Tape, remedy, text }
}
