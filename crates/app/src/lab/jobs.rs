//! The runs, shared out over the machine's cores; results stand in the order of the runs, whoever was first.

use super::baseline::Plain;
use super::clean::{self, Clean};
use super::score::Run;
use super::watch::Watch;
use crate::failure::Failure;
use fathometer_engine::engine::Config;
use fathometer_venue::lab::{Dials, Kind, Scene, Take};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// One thing to do.
#[derive(Clone, Debug)]
pub enum Job {
    /// A script in a simulated market.
    Simulated(Kind, u64),
    /// A script in a recording.
    Recorded(Kind, u64, Box<Take>),
    /// A simulated market in which nothing is played.
    CleanSimulated(u64),
    /// A recording as it is.
    CleanRecorded(Vec<PathBuf>),
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Done {
    /// Of a script.
    Run(Run),
    /// Of a simulated market without one.
    CleanSimulated(Clean),
    /// Of a recording without one.
    CleanRecorded(Clean),
}

/// Does all of them.
///
/// # Errors
/// The first that failed.
pub fn run(jobs: &[Job], config: &Config, dials: Dials) -> Result<Vec<Done>, Failure> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, Result<Done, Failure>)>> = Mutex::new(Vec::with_capacity(jobs.len()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(jobs.len().max(1));
    let shown = std::io::stderr().is_terminal();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { return };
                    let done = work(job, config, dials);
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    results.push((index, done));
                    if shown {
                        eprint!("\r{}/{} runs ", results.len(), jobs.len());
                        let _ = std::io::stderr().flush(); // progress that cannot be shown is not missed
                    }
                }
            });
        }
    });
    if shown {
        eprintln!();
    }
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, done)| done).collect()
}

fn work(job: &Job, config: &Config, dials: Dials) -> Result<Done, Failure> {
    match job {
        Job::Simulated(kind, seed) => {
            let scene = Scene::simulated(Some(*kind), *seed, dials)?;
            Ok(Done::Run(play(scene, *kind, *seed, "simulated", config)))
        }
        Job::Recorded(kind, seed, take) => {
            let scene = Scene::recorded(*kind, *seed, dials, take)?;
            Ok(Done::Run(play(scene, *kind, *seed, &take.name, config)))
        }
        Job::CleanSimulated(seed) => {
            let mut scene = Scene::simulated(None, *seed, dials)?;
            let mut watch = Watch::new(expecting(&scene, config), None);
            while scene.step(&mut |input| watch.step(input)) {}
            let mut clean = Clean::default();
            clean.add(&format!("simulated, seed {seed}"), watch);
            Ok(Done::CleanSimulated(clean))
        }
        Job::CleanRecorded(files) => {
            let watch = clean::play(files, config)?;
            let name = files.first().and_then(|f| f.file_name()).unwrap_or_default().to_string_lossy().into_owned();
            let mut clean = Clean::default();
            clean.add(&name, watch);
            Ok(Done::CleanRecorded(clean))
        }
    }
}

fn play(mut scene: Scene, kind: Kind, seed: u64, flow: &str, config: &Config) -> Run {
    let config = expecting(&scene, config);
    let instrument = scene.instruments().first().map(|i| i.id()).unwrap_or_default();
    let mut watch = Watch::new(config.clone(), Some(Plain::new(kind, &instrument, &config)));
    while scene.step(&mut |input| watch.step(input)) {}
    let plain = watch.plain.take().map(|plain| plain.raised).unwrap_or_default();
    Run { kind, seed, flow: flow.to_owned(), instrument, label: scene.label(), raised: watch.raised, plain }
}

/// The configuration with the scene's instruments. What only screens need is left out: it would be most of the work.
fn expecting(scene: &Scene, config: &Config) -> Config {
    let instruments = scene.instruments().iter().map(|i| (i.venue, i.symbol.clone())).collect();
    Config { instruments, relief_ms: 0, ladder_ms: 60_000, audit_ms: 0, ..config.clone() }
}
