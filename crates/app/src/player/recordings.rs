//! What can be opened by name: the runs on tape and the recordings of a folder.

use fathometer_edge::recording;
use fathometer_edge::tape::{SegmentAbout, segments};
use fathometer_engine::units::Nanos;
use std::io;
use std::path::{Path, PathBuf};

/// Most recordings listed; the first by name.
pub const LISTED_MAX: usize = 1_000;

/// One recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// What it is asked for by: the name of a file or folder, without any path.
    pub name: String,
    /// Size on disk, bytes.
    pub bytes: u64,
    /// Time of its first input, if it is known without reading everything.
    pub from: Option<Nanos>,
    /// Time of its last, likewise.
    pub to: Option<Nanos>,
    /// `tape`: of this program; `foreign`: of another.
    pub kind: &'static str,
    /// Its files.
    pub files: Vec<PathBuf>,
}

/// Everything in a folder that can be replayed, by name: each run whose tape lies there, each folder in it with tapes, and
/// every other recording.
///
/// # Errors
/// The folder cannot be read.
pub fn list(folder: &Path) -> io::Result<Vec<About>> {
    let mut all = runs(folder);
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|name| !name.starts_with('.')) else {
            continue;
        };
        if path.is_dir() {
            all.extend(taped(name.to_owned(), segments(&path).unwrap_or_default()));
        } else if path.extension().is_none_or(|extension| extension != "ftape") {
            all.extend(foreign(name, &path));
        }
        if all.len() >= LISTED_MAX {
            break;
        }
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all.truncate(LISTED_MAX);
    Ok(all)
}

/// The recording of that name. A name is only compared with what is there, never made part of a path.
///
/// # Errors
/// The folder cannot be read.
pub fn find(folder: &Path, name: &str) -> io::Result<Option<About>> {
    Ok(list(folder)?.into_iter().find(|about| about.name == name))
}

/// Segments that lie in the folder itself, by run: the time of its first input holds them together.
fn runs(folder: &Path) -> Vec<About> {
    let mut runs: Vec<Vec<SegmentAbout>> = Vec::new();
    for segment in segments(folder).unwrap_or_default() {
        match runs.iter_mut().find(|run| run.first().is_some_and(|first| first.run == segment.run)) {
            Some(run) => run.push(segment),
            None => runs.push(vec![segment]),
        }
    }
    let named = runs.into_iter().filter_map(|run| {
        let name = run.first()?.file.file_stem()?.to_str()?.to_owned();
        taped(name, run)
    });
    named.collect()
}

fn taped(name: String, segments: Vec<SegmentAbout>) -> Option<About> {
    let from = segments.first()?.first;
    Some(About {
        name,
        bytes: segments.iter().map(|segment| segment.bytes).sum(),
        from: Some(from),
        to: segments.iter().map(|segment| segment.last).max(),
        kind: "tape",
        files: segments.into_iter().map(|segment| segment.file).collect(),
    })
}

fn foreign(name: &str, path: &Path) -> Option<About> {
    let bytes = std::fs::metadata(path).ok()?.len();
    let mut source = recording::open(&[path]).ok()?;
    let from = source.next().ok()?.map(|input| input.at);
    let files = vec![path.to_path_buf()];
    Some(About { name: name.to_owned(), bytes, from, to: None, kind: "foreign", files })
}
