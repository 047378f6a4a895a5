//! The engine's side of recording: encodes inputs into blocks and hands them to a thread that compresses and writes.

use super::format::CONFIGURATION_MAX;
use super::segment::{Block, Folder};
use super::{INPUT_BYTES_MAX, Options, TapeError, codec, name};
use fathometer_engine::input::{Body, Input, NO_LINK};
use fathometer_engine::units::{NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Blocks waiting to be written, at most (32 MiB of default blocks, seconds of the busiest market). When the disk is so
/// slow that they all wait, `append` waits too: nothing is left out, and the feeds' own queues fill behind it.
const QUEUE_BLOCKS: usize = 64;

/// Records inputs. Dropping it writes what is left; `close` does the same and tells whether it went well.
#[derive(Debug)]
pub struct Writer {
    options: Options,
    jobs: Option<SyncSender<Job>>,
    /// Buffers coming back; as many as there are blocks under way.
    spare: Receiver<Vec<u8>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    block: Block,
    state: codec::State,
    /// Of the segment being written; `None` before the first input.
    segment: Option<Segment>,
}

#[derive(Clone, Debug)]
struct Segment {
    number: u32,
    run: Nanos,
    first: Nanos,
    stamp: String,
    last: Nanos,
}

#[derive(Debug)]
enum Job {
    Begin { number: u32, run: Nanos, first: Nanos, stamp: String },
    Write(Block),
    Force(SyncSender<()>),
}

/// What the thread tells the engine's side.
#[derive(Debug, Default)]
struct Shared {
    failed: AtomicBool,
    error: Mutex<Option<TapeError>>,
    segment: AtomicU32,
    segment_bytes: AtomicU64,
    /// Of the segments before the current one, bytes on disk.
    bytes_before: AtomicU64,
    /// Of all blocks written, bytes before compression.
    bytes_raw: AtomicU64,
    /// Blocks handed over and not yet written.
    waiting: AtomicUsize,
}

/// Reads how far a tape is; keeps nothing open.
#[derive(Clone, Debug)]
pub struct TapeGauge(Arc<Shared>);

/// How far a tape is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TapeStats {
    /// Number of the segment being written, from 0.
    pub segment: u32,
    /// Its size on disk, bytes.
    pub segment_bytes: u64,
    /// All of this run on disk, bytes.
    pub bytes: u64,
    /// The same before compression, bytes.
    pub bytes_raw: u64,
    /// Blocks waiting to be written.
    pub blocks_waiting: usize,
    /// Most that may wait.
    pub blocks_max: usize,
    /// Whether recording has stopped because of an error.
    pub failed: bool,
}

impl TapeGauge {
    /// As it is now.
    pub fn stats(&self) -> TapeStats {
        let shared = &self.0;
        let segment_bytes = shared.segment_bytes.load(Ordering::Relaxed);
        TapeStats {
            segment: shared.segment.load(Ordering::Relaxed),
            segment_bytes,
            bytes: shared.bytes_before.load(Ordering::Relaxed).saturating_add(segment_bytes),
            bytes_raw: shared.bytes_raw.load(Ordering::Relaxed),
            blocks_waiting: shared.waiting.load(Ordering::Relaxed),
            blocks_max: QUEUE_BLOCKS,
            failed: shared.failed.load(Ordering::Relaxed),
        }
    }
}

impl Writer {
    /// Begins recording into a folder, which is created if need be. The first file appears with the first input.
    ///
    /// # Errors
    /// `Write` if the folder cannot be created or the thread cannot be started, `TooLarge` for a header beyond 64 MiB.
    pub fn create(dir: &Path, mut options: Options) -> Result<Self, TapeError> {
        if options.header.len() > CONFIGURATION_MAX as usize {
            return Err(TapeError::TooLarge { bytes: options.header.len() });
        }
        options.block_bytes_max = options.block_bytes_max.min(INPUT_BYTES_MAX);
        let mut folder = Folder::new(dir, options.fsync)?;
        let (jobs, todo) = sync_channel(QUEUE_BLOCKS);
        let (give_back, spare) = sync_channel(QUEUE_BLOCKS); // a buffer that finds no room is given up
        let shared = Arc::new(Shared::default());
        let (theirs, header) = (Arc::clone(&shared), options.header.clone());
        let thread = std::thread::Builder::new()
            .name("tape".to_owned())
            .spawn(move || write_all(&mut folder, &header, &todo, &give_back, &theirs))
            .map_err(|source| TapeError::Write { file: dir.to_path_buf(), source })?;
        Ok(Writer {
            options,
            jobs: Some(jobs),
            spare,
            shared,
            thread: Some(thread),
            block: Block::default(),
            state: codec::State::new(Nanos(0)),
            segment: None,
        })
    }

    /// Records one input.
    ///
    /// # Errors
    /// `Write` once if the tape could not be written, `Stopped` ever after; `TooLarge` for this input only.
    pub fn append(&mut self, input: &Input<'_>) -> Result<(), TapeError> {
        self.check()?;
        let size = codec::size_max(input);
        if size > INPUT_BYTES_MAX {
            return Err(TapeError::TooLarge { bytes: size });
        }
        let waited_max = i64::from(self.options.block_millis_max) * NANOS_PER_MILLI;
        if self.block.inputs > 0
            && (self.block.bytes.len() + size > self.options.block_bytes_max
                || input.at.since(self.block.first) >= waited_max)
        {
            self.cut()?;
        }
        if self.segment.is_none() {
            self.begin(input.at)?;
        }
        if self.block.inputs == 0 {
            self.block.first = input.at;
            self.state = codec::State::new(input.at);
        }
        codec::encode(&mut self.block.bytes, &mut self.state, input);
        self.block.inputs += 1;
        self.block.last = input.at;
        if let Some(segment) = &mut self.segment {
            segment.last = input.at;
        }
        Ok(())
    }

    /// Whether the segment has reached its size or age: time to `rotate`, between two inputs.
    pub fn wants_rotation(&self) -> bool {
        let Some(segment) = &self.segment else { return false };
        let known = self.shared.segment.load(Ordering::Acquire) == segment.number; // else the thread is still at the one before
        (known && self.shared.segment_bytes.load(Ordering::Relaxed) >= self.options.segment_bytes_max)
            || segment.last.since(segment.first) >= i64::from(self.options.segment_seconds_max) * NANOS_PER_SECOND
    }

    /// Ends the segment and begins the next with the engine's state, from which it can be replayed alone. The state
    /// includes the open links, so they are not told again.
    ///
    /// # Errors
    /// As `append`.
    pub fn rotate(&mut self, checkpoint: &[u8]) -> Result<(), TapeError> {
        self.check()?;
        self.cut()?;
        let Some(at) = self.segment.as_ref().map(|s| s.last) else { return Ok(()) };
        self.begin(at)?;
        self.append(&Input { at, link: NO_LINK, body: Body::Checkpoint(checkpoint) })
    }

    /// Waits until everything appended is on the disk.
    ///
    /// # Errors
    /// As `append`.
    pub fn sync(&mut self) -> Result<(), TapeError> {
        self.check()?;
        self.cut()?;
        let (done, wait) = sync_channel(1);
        self.send(Job::Force(done))?;
        wait.recv().map_err(|_| self.check().err().unwrap_or(TapeError::Stopped))
    }

    /// Writes what is left, waits until it is on the disk and ends the recording.
    ///
    /// # Errors
    /// `Write` if that failed and was not told before.
    pub fn close(mut self) -> Result<(), TapeError> {
        match self.sync() {
            Err(TapeError::Stopped) => Ok(()), // told before
            other => other,
        }
    }

    fn begin(&mut self, first: Nanos) -> Result<(), TapeError> {
        let stamp = name::stamp(first);
        let segment = match self.segment.take() {
            None => Segment { number: 0, run: first, first, stamp, last: first },
            // names follow the order of writing even if the clock was set back
            Some(s) => Segment { number: s.number + 1, run: s.run, first, stamp: stamp.max(s.stamp), last: first },
        };
        let job = Job::Begin { number: segment.number, run: segment.run, first, stamp: segment.stamp.clone() };
        self.segment = Some(segment);
        self.send(job)
    }

    /// Hands the open block over.
    fn cut(&mut self) -> Result<(), TapeError> {
        if self.block.inputs == 0 {
            return Ok(());
        }
        let bytes = self.spare.try_recv().unwrap_or_else(|_| Vec::with_capacity(self.options.block_bytes_max));
        let full = std::mem::replace(&mut self.block, Block { bytes, ..Block::default() });
        self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        self.send(Job::Write(full))
    }

    /// For screens.
    pub fn gauge(&self) -> TapeGauge {
        TapeGauge(Arc::clone(&self.shared))
    }

    fn send(&mut self, job: Job) -> Result<(), TapeError> {
        match &self.jobs {
            Some(jobs) => jobs.send(job).map_err(|_| TapeError::Stopped),
            None => Err(TapeError::Stopped),
        }
    }

    fn check(&self) -> Result<(), TapeError> {
        if !self.shared.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut error = self.shared.error.lock().unwrap_or_else(PoisonError::into_inner);
        Err(error.take().unwrap_or(TapeError::Stopped))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.cut();
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The thread: writes until the other side is gone. After an error it only takes jobs away, so that nobody waits for it.
fn write_all(
    folder: &mut Folder,
    header: &[u8],
    todo: &Receiver<Job>,
    give_back: &SyncSender<Vec<u8>>,
    shared: &Shared,
) {
    while let Ok(job) = todo.recv() {
        let mut waiting = None; // let go only after an error is known to all
        let result = match job {
            _ if shared.failed.load(Ordering::Relaxed) => continue,
            Job::Begin { number, run, first, stamp } => {
                let written = shared.segment_bytes.swap(0, Ordering::Relaxed);
                shared.bytes_before.fetch_add(written, Ordering::Relaxed);
                shared.segment.store(number, Ordering::Release);
                folder.begin(&stamp, number, run, first, header)
            }
            Job::Write(mut block) => folder.write(&block).map(|bytes| {
                shared.segment_bytes.store(bytes, Ordering::Relaxed);
                shared.bytes_raw.fetch_add(block.bytes.len() as u64, Ordering::Relaxed);
                shared.waiting.fetch_sub(1, Ordering::Relaxed);
                block.bytes.clear();
                let _ = give_back.try_send(block.bytes);
            }),
            Job::Force(done) => {
                waiting = Some(done);
                folder.force()
            }
        };
        match (result, waiting) {
            (Ok(()), Some(done)) => {
                let _ = done.send(()); // whoever waited may be gone
            }
            (Ok(()), None) => {}
            (Err(error), _waiting) => {
                *shared.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                shared.failed.store(true, Ordering::Release);
            }
        }
    }
    if !shared.failed.load(Ordering::Relaxed) {
        let _ = folder.force(); // the side that would listen is gone
    }
}
