//! One alert as it is kept: what the engine said of it, what people did with it, and who was told.

use fathometer_engine::alert::{AlertId, Severity, State};
use fathometer_engine::detector::Measure;
use fathometer_engine::units::Nanos;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Notes kept of one alert; one more is refused.
pub const NOTES_MAX: usize = 100;

/// One alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, the same everywhere and for ever.
    #[serde(with = "hex")]
    pub id: AlertId,
    /// Numbers that the engine gave to the same thing when it was found again after a restart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Also>,
    /// `venue:symbol`.
    pub instrument: String,
    /// The detector, by its stable name.
    pub detector: String,
    /// What it is about within the detector.
    pub key: u64,
    /// How bad it has become.
    pub severity: Severity,
    /// Where it is in the market's life.
    pub state: State,
    /// When what was found began.
    pub since: Nanos,
    /// When it began to fire.
    pub fired: Option<Nanos>,
    /// When it was over.
    pub resolved: Option<Nanos>,
    /// When the engine last said something of it.
    pub changed: Nanos,
    /// Findings so far.
    pub count: u32,
    /// What happened, one sentence.
    pub text: String,
    /// The numbers when it fired, or got worse.
    pub evidence: Vec<Measure>,
    /// Who has seen it, and when.
    #[serde(default)]
    pub acknowledged: Option<Signed>,
    /// Who declared it over, where a person did.
    #[serde(default)]
    pub closed: Option<Signed>,
    /// What people wrote, oldest first.
    #[serde(default)]
    pub notes: Vec<Note>,
    /// What became of the frames around it.
    #[serde(default)]
    pub frames: Frames,
    /// Who was to be told when it began to fire: one who came later learns of what is open only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sinks: Vec<String>,
    /// What each sink was told, by its name.
    #[serde(default)]
    pub told: BTreeMap<String, Told>,
    /// Left open by an earlier run, and not found again so far.
    #[serde(skip)]
    pub carried: bool,
    /// By the order in which alerts came.
    #[serde(skip)]
    pub number: u64,
    /// The store's count when it last changed.
    #[serde(skip)]
    pub version: u64,
    /// Whether its current state is in the journal.
    #[serde(skip)]
    pub saved: bool,
}

/// Another number of the same alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Also(#[serde(with = "hex")] pub AlertId);

/// Who did something, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// Who.
    pub by: String,
    /// When.
    pub at: Nanos,
}

/// What somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Who.
    pub by: String,
    /// When.
    pub at: Nanos,
    /// What.
    pub text: String,
}

/// The frames around an alert.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frames {
    /// Nothing keeps them: no state folder, or it never fired.
    #[default]
    None,
    /// They are still coming.
    Gathering,
    /// They lie in a file of the alert's number.
    Kept,
    /// They could not be kept, and why.
    Lost(String),
}

/// The last that a sink was told of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// How bad it was then.
    pub severity: Severity,
    /// Whether it was told to be over.
    pub resolved: bool,
}

/// What is shown of where an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Found, but not yet for long enough.
    Pending,
    /// It is so.
    Firing,
    /// It is so, and somebody looks after it.
    Acknowledged,
    /// It is over.
    Resolved,
}

impl Stage {
    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Pending => "pending",
            Stage::Firing => "firing",
            Stage::Acknowledged => "acknowledged",
            Stage::Resolved => "resolved",
        }
    }
}

impl Entry {
    /// Where it is, for people.
    pub fn stage(&self) -> Stage {
        match self.state {
            _ if self.closed.is_some() => Stage::Resolved,
            State::Pending => Stage::Pending,
            State::Resolved => Stage::Resolved,
            State::Firing if self.acknowledged.is_some() => Stage::Acknowledged,
            State::Firing => Stage::Firing,
        }
    }

    /// Whether somebody has to look.
    pub fn is_open(&self) -> bool {
        self.stage() != Stage::Resolved
    }

    /// What a sink has to be told next: that it fires before that it is over, however late the sink is.
    pub fn owed(&self, sink: &str, severity_min: Severity) -> Option<Told> {
        if self.fired.is_none() || self.severity < severity_min {
            return None;
        }
        let severity = self.severity;
        match self.told.get(sink) {
            None if !self.is_open() && self.sinks.iter().all(|known| known != sink) => None,
            None => Some(Told { severity, resolved: false }),
            Some(told) if told.severity < severity && self.is_open() => Some(Told { severity, resolved: false }),
            Some(told) if !told.resolved && !self.is_open() => Some(Told { severity, resolved: true }),
            Some(_) => None,
        }
    }
}

/// Numbers of alerts as people write them: 16 hexadecimal digits.
pub mod hex {
    use fathometer_engine::alert::AlertId;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// The number of a text.
    pub fn parse(text: &str) -> Option<AlertId> {
        let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        u64::from_str_radix(text, 16).ok().filter(|_| digits).map(AlertId)
    }

    /// For serde.
    ///
    /// # Errors
    /// Those of the format.
    pub fn serialize<S: Serializer>(id: &AlertId, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(id)
    }

    /// For serde.
    ///
    /// # Errors
    /// It is no such number.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<AlertId, D::Error> {
        let text = String::deserialize(from)?;
        parse(&text).ok_or_else(|| D::Error::custom("not 16 hexadecimal digits"))
    }
}
