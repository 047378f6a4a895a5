//! Alerts as the API, the stream, the sinks and `replay --json` tell them.

use crate::alerts::entry::{Entry, Frames, Signed, Stage};
use crate::alerts::store::Store;
use crate::api::stamp::{millis, rfc3339, snake};
use fathometer_engine::detector::{CATALOGUE, Measure};
use serde::Serialize;
use utoipa::ToSchema;

/// What surveillance found.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Alerts {
    /// How many are in which state, of all that are kept.
    pub counts: Counts,
    /// Newest first.
    pub alerts: Vec<AlertTold>,
    /// Alerts that the question means beyond these.
    pub more: usize,
}

/// How many alerts are in which state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Counts {
    /// Found, but not yet for long enough.
    pub pending: usize,
    /// Firing, and nobody has acknowledged.
    pub firing: usize,
    /// Firing, and somebody looks after it.
    pub acknowledged: usize,
    /// Over.
    pub resolved: usize,
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AlertTold {
    /// Its number, 16 hexadecimal digits: the same everywhere and for ever.
    pub id: String,
    /// Numbers of the same alert after a restart.
    pub also: Vec<String>,
    /// `venue:symbol`.
    pub instrument: String,
    /// The detector's id.
    pub detector: String,
    /// The detector's name for people.
    pub title: String,
    /// `classic`, `liquidity`, `manipulation`, `pricing` or `feed`.
    pub family: String,
    /// `info`, `warning` or `critical`: the worst it has been.
    pub severity: String,
    /// `pending`, `firing`, `acknowledged` or `resolved`.
    pub state: String,
    /// When what was found began, RFC 3339, UTC.
    pub since: String,
    /// The same, unix milliseconds.
    pub since_ms: f64,
    /// When it began to fire, RFC 3339, UTC.
    pub fired: Option<String>,
    /// The same, unix milliseconds.
    pub fired_ms: Option<f64>,
    /// When it was over, RFC 3339, UTC.
    pub resolved: Option<String>,
    /// The same, unix milliseconds.
    pub resolved_ms: Option<f64>,
    /// When the engine last said something of it, unix milliseconds.
    pub changed_ms: f64,
    /// Findings so far.
    pub count: u32,
    /// What happened, one sentence.
    pub text: String,
    /// The numbers when it began to fire, or got worse.
    pub evidence: Vec<MeasureTold>,
    /// Who looks after it.
    pub acknowledged: Option<SignedTold>,
    /// Who declared it over, where a person did.
    pub closed: Option<SignedTold>,
    /// What people wrote, oldest first.
    pub notes: Vec<NoteTold>,
    /// The frames around it: `none`, `gathering`, `kept` or `lost`.
    pub frames: String,
    /// Why they are not there.
    pub frames_note: Option<String>,
}

/// A number that an alert rests on.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct MeasureTold {
    /// Its name, with the unit.
    pub name: String,
    /// The number.
    pub value: f64,
    /// What it was compared with.
    pub cut: Option<f64>,
    /// How unusual it was, standard deviations.
    pub zscore: Option<f64>,
}

/// Who did something, and when.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SignedTold {
    /// Who.
    pub by: String,
    /// When, RFC 3339, UTC.
    pub at: String,
    /// The same, unix milliseconds.
    pub at_ms: f64,
}

/// What somebody wrote.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct NoteTold {
    /// Who.
    pub by: String,
    /// When, RFC 3339, UTC.
    pub at: String,
    /// The same, unix milliseconds.
    pub at_ms: f64,
    /// What.
    pub text: String,
}

impl MeasureTold {
    /// A measure.
    pub fn of(it: &Measure) -> Self {
        MeasureTold { name: it.name.to_string(), value: it.value, cut: it.cut, zscore: it.zscore }
    }
}

impl SignedTold {
    fn of(it: &Signed) -> Self {
        SignedTold { by: it.by.clone(), at: rfc3339(it.at), at_ms: millis(it.at) }
    }
}

impl AlertTold {
    /// An alert as it is now.
    pub fn of(it: &Entry) -> Self {
        let about = CATALOGUE.iter().find(|about| about.id == it.detector);
        let (frames, frames_note) = match &it.frames {
            Frames::None => ("none", None),
            Frames::Gathering => ("gathering", Some("they are still coming".to_owned())),
            Frames::Kept => ("kept", None),
            Frames::Lost(why) => ("lost", Some(why.clone())),
        };
        let note = |note: &crate::alerts::entry::Note| NoteTold {
            by: note.by.clone(),
            at: rfc3339(note.at),
            at_ms: millis(note.at),
            text: note.text.clone(),
        };
        AlertTold {
            id: it.id.to_string(),
            also: it.also.iter().map(|also| also.0.to_string()).collect(),
            instrument: it.instrument.clone(),
            detector: it.detector.clone(),
            title: about.map_or_else(|| it.detector.clone(), |about| about.title.to_owned()),
            family: about.map_or_else(String::new, |about| snake(&about.family)),
            severity: it.severity.name().to_owned(),
            state: it.stage().name().to_owned(),
            since: rfc3339(it.since),
            since_ms: millis(it.since),
            fired: it.fired.map(rfc3339),
            fired_ms: it.fired.map(millis),
            resolved: it.resolved.map(rfc3339),
            resolved_ms: it.resolved.map(millis),
            changed_ms: millis(it.changed),
            count: it.count,
            text: it.text.clone(),
            evidence: it.evidence.iter().map(MeasureTold::of).collect(),
            acknowledged: it.acknowledged.as_ref().map(SignedTold::of),
            closed: it.closed.as_ref().map(SignedTold::of),
            notes: it.notes.iter().map(note).collect(),
            frames: frames.to_owned(),
            frames_note,
        }
    }
}

/// How many alerts are in which state.
pub fn counts(store: &Store) -> Counts {
    let mut counts = Counts::default();
    for entry in store.all() {
        match entry.stage() {
            Stage::Pending => counts.pending += 1,
            Stage::Firing => counts.firing += 1,
            Stage::Acknowledged => counts.acknowledged += 1,
            Stage::Resolved => counts.resolved += 1,
        }
    }
    counts
}
