//! Configuration: a folder of YAML as written, environment and flags over it, into one typed value as meant; everything
//! that is wrong is told at once, with file, line and the nearest valid key.

pub mod alerts;
pub mod delivery;
pub mod detectors;
pub mod exchanges;
pub mod features;
pub mod fees;
pub mod instruments;
pub mod layers;
pub mod node;
pub mod problem;
pub mod table;

use crate::failure::Failure;
use fathometer_engine::instrument::Venue;
use layers::Layers;
use problem::{Problem, Problems};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Configuration as meant.
#[derive(Clone, Debug, Serialize)]
pub struct Config {
    /// The folder it was read from, if one.
    pub folder: Option<PathBuf>,
    /// Every venue and how it is reached.
    pub venues: Vec<exchanges::VenueSettings>,
    /// What is watched.
    pub instruments: Vec<instruments::Wanted>,
    /// Thresholds per instrument.
    pub thresholds: Vec<alerts::Thresholds>,
    /// Who is told of alerts.
    pub delivery: Vec<delivery::Sink>,
    /// The same as the engine's rules, with the detectors' own parameters.
    #[serde(skip)]
    pub surveillance: fathometer_engine::surveillance::Rules,
    /// How numbers are derived.
    pub features: features::Features,
    /// What the exchanges charge.
    pub fees: Vec<fathometer_engine::cost::fees::Table>,
    /// What works but is likely not what was meant.
    #[serde(skip)]
    pub warnings: Vec<Problem>,
}

/// Where configuration is to be read from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The folder; what is built in where there is none.
    pub folder: Option<PathBuf>,
    /// Environment variables.
    pub environment: Vec<(String, String)>,
    /// `file.key.key=value`.
    pub flags: Vec<String>,
}

/// The folder that is read where none is named: `config` in the working folder, if it holds one of the files.
pub fn usual_folder() -> Option<PathBuf> {
    let folder = Path::new("config");
    let found = layers::FILES.iter().any(|(name, _)| folder.join(name).with_extension("yaml").is_file());
    found.then(|| folder.to_owned())
}

impl Config {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// Everything that is wrong, in one message.
    pub fn load(sources: Sources) -> Result<Config, Failure> {
        let problems = Problems::default();
        let mut layers = Layers::built_in(&problems);
        if let Some(folder) = &sources.folder {
            layers.folder(folder, &problems).map_err(Failure::input)?;
        }
        layers.environment(sources.environment.into_iter(), &problems);
        layers.flags(&sources.flags, &problems);
        let empty = node::Node::empty("nowhere");
        let tree = |name: &str| layers.tree(name).unwrap_or(&empty);
        let venues = exchanges::read(tree("exchanges"), &problems);
        let instruments = instruments::read(tree("instruments"), &problems);
        let ids = instruments::ids(tree("instruments"));
        let ids = layers.is_whole("instruments").then_some(ids.as_slice());
        let alerts = alerts::read(tree("alerts"), ids, &problems);
        let (thresholds, delivery) = (alerts.thresholds, alerts.sinks);
        let features = features::read(tree("features"), &problems);
        let surveillance = detectors::rules(alerts.detectors, &thresholds, features.zscore, alerts.alerts_per_day);
        let fees = fees::read(tree("fees"), &problems);
        let (mut errors, warnings) = problems.into_parts();
        if errors.is_empty() {
            return Ok(Config {
                folder: sources.folder,
                venues,
                instruments,
                thresholds,
                delivery,
                surveillance,
                features,
                fees,
                warnings,
            });
        }
        errors.dedup();
        Err(Failure::input(told(sources.folder.as_deref(), &errors)))
    }

    /// How a venue is reached.
    pub fn venue(&self, venue: Venue) -> Option<&exchanges::VenueSettings> {
        self.venues.iter().find(|settings| settings.venue == venue)
    }

    /// Everything that is enabled, by venue, in the order in which it is listed.
    pub fn watched(&self) -> Vec<(Venue, String)> {
        let enabled = |venue: &Venue| self.venue(*venue).is_some_and(|settings| settings.enabled);
        let instruments = self.instruments.iter().filter(|wanted| wanted.enabled);
        let symbols = instruments.flat_map(|wanted| wanted.symbols.iter().cloned());
        let mut watched: Vec<(Venue, String)> = symbols.filter(|(venue, _)| enabled(venue)).collect();
        let mut seen = std::collections::HashSet::new();
        watched.retain(|one| seen.insert(one.clone()));
        watched
    }
}

fn told(folder: Option<&Path>, errors: &[Problem]) -> String {
    let place = folder.map_or(String::new(), |folder| format!(" in {}", folder.display()));
    let count = if errors.len() == 1 { "1 error".to_owned() } else { format!("{} errors", errors.len()) };
    let list: String = errors.iter().map(|error| format!("\n  {error}")).collect();
    format!("the configuration{place} has {count}:{list}")
}

#[cfg(test)]
mod tests;
