//! Clean flow: nothing was played, so that every alert is a false one, or somebody's real game.

use super::watch::{Raised, Watch};
use crate::failure::Failure;
use fathometer_edge::recording;
use fathometer_engine::engine::Config;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Recordings under the folder of real data that make books, each a stream of its own, and files that follow each other.
const SETS: [&[&str]; 6] = [
    &["nkaz001-hftbacktest/examples/spot/btcusdt_20240808.gz", "nkaz001-hftbacktest/examples/spot/btcusdt_20240809.gz"],
    &["nkaz001-hftbacktest/examples/usdm/ethusdt_20240808.gz"],
    &["nkaz001-hftbacktest/history/usdm_btcusdt_20230404.dat.gz"],
    &["bmoscon-cryptofeed/history/1312c062/BINANCE_FUTURES-1125a2.0"],
    &["bmoscon-cryptofeed/history/906605df/OKEX.ws.1.0"],
    &["bmoscon-cryptofeed/master/OKX.ws.1.0"],
];

/// The folder of real recordings, if it is there.
pub fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("FATHOMETER_REALDATA").map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from("../shared/realdata"))).filter(|folder| folder.is_dir())
}

/// The recordings in it.
pub fn recordings(folder: &Path) -> Vec<Vec<PathBuf>> {
    let whole = |set: &&[&str]| -> Vec<PathBuf> { set.iter().map(|name| folder.join(name)).collect() };
    SETS.iter().map(whole).filter(|files| files.iter().all(|file| file.is_file())).collect()
}

/// What clean flow raised.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Clean {
    /// Hours, summed over instruments.
    pub instrument_hours: f64,
    /// Alerts of warning or higher.
    pub alarms: Vec<(String, Raised)>,
}

impl Clean {
    /// Adds what was watched.
    pub fn add(&mut self, name: &str, watch: Watch) {
        self.instrument_hours += watch.hours();
        let alarms = watch.raised.into_iter().filter(Raised::is_alarm);
        self.alarms.extend(alarms.map(|alarm| (name.to_owned(), alarm)));
    }

    /// The same, together.
    pub fn join(&mut self, other: Clean) {
        self.instrument_hours += other.instrument_hours;
        self.alarms.extend(other.alarms);
    }

    /// Alarms per instrument and hour; none where nothing was watched.
    pub fn rate(&self) -> Option<f64> {
        (self.instrument_hours > 0.0).then(|| self.alarms.len() as f64 / self.instrument_hours)
    }
}

/// A whole recording through the engine as it is.
///
/// # Errors
/// It cannot be read.
pub fn play(files: &[PathBuf], config: &Config) -> Result<Watch, Failure> {
    let mut source = recording::open(files).map_err(Failure::input)?;
    let mut watch = Watch::new(config.clone(), None);
    while let Some(input) = source.next().map_err(Failure::input)? {
        watch.step(&input);
    }
    Ok(watch)
}
