//! What a recording holds from its first input to its last, found out beside the playing.

use fathometer_edge::recording;
use fathometer_engine::input::Body;
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// A jump begins that long before its target, so that history, heatmap and rolling metrics are what they were.
pub const RUN_UP_NANOS: i64 = 1_800 * NANOS_PER_SECOND;

/// A whole recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Time of the last input.
    pub last: Nanos,
    /// Frames and answers.
    pub frames: u64,
    /// Where an engine can begin, in order; never the first input, where it always can.
    pub starts: Vec<Start>,
}

/// A file with the engine's state at its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Index of the file.
    pub file: usize,
    /// Time of its first input.
    pub at: Nanos,
    /// Frames before it.
    pub frames: u64,
}

impl Survey {
    /// Reads everything once; `None` if it was told to stop, or something cannot be read (which playing will tell).
    pub fn of(files: &[PathBuf], stop: &AtomicBool) -> Option<Self> {
        let mut survey = Survey::default();
        if files.iter().all(|file| is_segment(file)) {
            for index in 0..files.len() {
                survey.read(files.get(index..=index)?, Some(index), stop)?;
            }
        } else {
            survey.read(files, None, stop)?;
        }
        Some(survey)
    }

    fn read(&mut self, files: &[PathBuf], index: Option<usize>, stop: &AtomicBool) -> Option<()> {
        let mut source = recording::open(files).ok()?;
        let mut first = true;
        while let Some(input) = source.next().ok()? {
            match input.body {
                Body::Text(_) | Body::Binary(_) | Body::Reply { .. } => self.frames += 1,
                Body::Checkpoint(_) if first => {
                    let file = index.filter(|index| *index > 0);
                    self.starts.extend(file.map(|file| Start { file, at: input.at, frames: self.frames }));
                }
                _ => {}
            }
            first = false;
            self.last = self.last.max(input.at);
            if stop.load(Ordering::Relaxed) {
                return None;
            }
        }
        Some(())
    }

    /// The latest place to begin for a jump to that time.
    pub fn start_for(&self, target: Nanos) -> Option<Start> {
        self.starts.iter().rev().find(|start| target.since(start.at) >= RUN_UP_NANOS).copied()
    }
}

/// The files of a recording, each tape segment on its own, so that playing can begin at any of them.
pub fn files_of(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for path in paths {
        let mut within: Vec<PathBuf> = std::fs::read_dir(path)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|file| is_segment(file))
            .collect();
        within.sort();
        if within.is_empty() {
            all.push(path.clone());
        } else {
            all.extend(within);
        }
    }
    all
}

fn is_segment(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "ftape") && file.is_file()
}
