//! `lab`: how well the detectors find what is played to them, and how often they cry without cause.

pub mod baseline;
pub mod clean;
pub mod jobs;
pub mod report;
pub mod score;
pub mod set;
pub mod watch;

use crate::cli::lab::{Flow, LabArgs, Seeds};
use crate::commands::{print, print_json};
use crate::failure::{Failure, Outcome};
use clean::Clean;
use fathometer_engine::engine::Config;
use fathometer_engine::surveillance::Rules;
use fathometer_engine::units::NANOS_PER_SECOND;
use fathometer_venue::lab::{Dials, Kind, TAKE_SECONDS_MIN, Take};
use jobs::{Done, Job};
use report::{Line, Report};
use score::Score;

/// What is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// From which seeds.
    pub seeds: Seeds,
    /// Which kinds.
    pub kinds: Vec<Kind>,
    /// How strong and how well hidden.
    pub dials: Dials,
    /// In which flow.
    pub flow: Flow,
    /// Whether clean flow is watched too.
    pub clean: bool,
    /// With which rules.
    pub rules: Rules,
}

/// Measures and prints.
///
/// # Errors
/// A parameter that does not exist, a recording that cannot be read.
pub fn lab(args: &LabArgs) -> Outcome {
    let rules = Rules { usual: set::params(&args.set)?, ..Rules::default() };
    if !args.tape.is_empty() {
        return what_if(args, rules);
    }
    let plan = Plan {
        seeds: args.seed,
        kinds: if args.kind.is_empty() { Kind::ALL.to_vec() } else { args.kind.clone() },
        dials: Dials { intensity: args.intensity, disguise: args.disguise },
        flow: args.flow,
        clean: !args.skip_clean,
        rules,
    };
    let report = measure(&plan)?;
    if args.json { print_json(&report) } else { print(&report.table(args.verbose)) }
}

/// Plays every kind with every seed, and watches clean flow.
///
/// # Errors
/// A recording cannot be read.
pub fn measure(plan: &Plan) -> Result<Report, Failure> {
    let config = Config { surveillance: plan.rules.clone(), ..Config::default() };
    let folder = clean::folder();
    let recordings = folder.as_deref().map(clean::recordings).unwrap_or_default();
    let takes = if plan.flow == Flow::Simulated || plan.kinds.is_empty() { Vec::new() } else { takes(&recordings) };
    let mut jobs = Vec::new();
    let seeds = || plan.seeds.from..=plan.seeds.to;
    for kind in &plan.kinds {
        let fitting: Vec<&Take> = takes.iter().filter(|take| kind.fits(take)).collect();
        for seed in seeds() {
            if plan.flow != Flow::Recorded {
                jobs.push(Job::Simulated(*kind, seed));
            }
            if let Some(take) = fitting.get(seed as usize % fitting.len().max(1)) {
                jobs.push(Job::Recorded(*kind, seed, Box::new((*take).clone())));
            }
        }
    }
    if plan.clean {
        jobs.extend(recordings.into_iter().map(Job::CleanRecorded));
        jobs.extend(seeds().map(Job::CleanSimulated));
    }
    let (mut runs, mut recorded, mut simulated) = (Vec::new(), Clean::default(), Clean::default());
    for done in jobs::run(&jobs, &config, plan.dials)? {
        match done {
            Done::Run(run) => runs.push(run),
            Done::CleanRecorded(clean) => recorded.join(clean),
            Done::CleanSimulated(clean) => simulated.join(clean),
        }
    }
    Ok(Report {
        kinds: plan.kinds.iter().map(|kind| Line::from(Score::of(*kind, &runs))).collect(),
        false_alerts_per_instrument_hour: recorded.rate().or(simulated.rate()),
        clean_recorded: recorded,
        clean_simulated: simulated,
        without_recordings: folder.is_none(),
    })
}

/// The recordings that are long enough for a script.
fn takes(recordings: &[Vec<std::path::PathBuf>]) -> Vec<Take> {
    // A recording without a book that is long enough is none for this purpose.
    let load = |files: &Vec<std::path::PathBuf>| Take::load(files, TAKE_SECONDS_MIN * NANOS_PER_SECOND).ok();
    recordings.iter().filter_map(load).flatten().collect()
}

/// What a recording raises under the rules as they are, and as they would be.
fn what_if(args: &LabArgs, rules: Rules) -> Outcome {
    let with = |rules: Rules| {
        let config = Config { surveillance: rules, relief_ms: 0, ..Config::default() };
        clean::play(&args.tape, &config)
    };
    let (before, after) = (with(Rules::default())?, with(rules)?);
    let has =
        |all: &[watch::Raised], one: &watch::Raised| all.iter().any(|a| a.id == one.id && a.severity == one.severity);
    if args.json {
        let value = serde_json::json!({ "before": before.raised, "after": after.raised });
        return print_json(&value);
    }
    let mut text = String::new();
    for alert in &after.raised {
        let mark = if has(&before.raised, alert) { ' ' } else { '+' };
        text.push_str(&format!("{mark} {}\n", report::told(alert)));
    }
    for alert in before.raised.iter().filter(|alert| !has(&after.raised, alert)) {
        text.push_str(&format!("- {}\n", report::told(alert)));
    }
    text.push_str(&format!("{} alerts, {} under the usual rules\n", after.raised.len(), before.raised.len()));
    print(&text)
}
