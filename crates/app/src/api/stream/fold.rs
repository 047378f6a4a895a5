//! What a topic remembers of what it last said, so that it can tell what has changed, or all of it.

pub mod alerts;
pub mod book;
pub mod classic;
pub mod fault;
pub mod metrics;
pub mod object;
pub mod profile;
pub mod relief;
pub mod status;
pub mod trades;

use super::kind::{Key, Kind};
use crate::hub::Store;
use crate::hub::code::validity_name;
use crate::view::Column;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::output::Validity;
use fathometer_engine::units::{Nanos, Scale};
use std::fmt::Write;
use std::sync::Arc;

/// What all updates of a topic begin with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Head {
    /// One more with each update of the topic.
    pub sequence: u64,
    /// Time of the newest data in it.
    pub at: Nanos,
    /// State of the book, where it is of an instrument.
    pub validity: Option<Validity>,
    /// Of which instrument.
    pub instrument: Option<InstrumentId>,
    /// Its name.
    pub id: String,
    /// Its units.
    pub scale: Scale,
    /// When the instrument last changed, in the hub's counting; a topic begins anew then.
    pub generation: u64,
}

/// How much is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What has changed with the last step.
    Change,
    /// All there is.
    Whole,
}

/// One kind of memory.
pub trait Fold: Send {
    /// Copies what is there now, under the hub's lock; `at` of the newest data in it, 0 before any. `None`: not ready yet.
    fn look(&mut self, store: &Store, instrument: Option<InstrumentId>) -> Option<Nanos>;
    /// Makes what was looked at the last thing said; whether anything has changed.
    fn step(&mut self) -> bool;
    /// Appends the body as members of a JSON object, each with a comma before it.
    fn text(&self, extent: Extent, head: &Head, out: &mut String);
    /// Appends the body of a binary frame; kinds without such write nothing.
    fn binary(&self, _extent: Extent, _head: &Head, _out: &mut Vec<u8>) {}
    /// Whether it is always told whole.
    fn is_whole(&self) -> bool {
        false
    }
}

/// Objects that are not the hub's: time, latency, system.
pub type Provider = Arc<dyn Fn() -> Option<serde_json::Value> + Send + Sync>;

/// The memory of a topic.
pub fn fold(key: &Key, columns: &[Column], provider: Option<Provider>) -> Box<dyn Fold> {
    match key.kind {
        Kind::Metrics => Box::new(metrics::Metrics::new(columns)),
        Kind::Book => Box::new(book::Book::new(key.depth)),
        Kind::Trades => Box::<trades::Trades>::default(),
        Kind::Relief => Box::<relief::Column>::default(),
        Kind::Status => Box::<status::State>::default(),
        Kind::Profile => Box::<profile::Volumes>::default(),
        Kind::Fault => Box::<fault::Faults>::default(),
        Kind::Alerts => Box::<alerts::Alerts>::default(),
        Kind::Clock | Kind::Latency | Kind::System => Box::new(object::Object::new(key.kind, provider)),
        Kind::Classic => Box::new(classic::Classic::new(columns)),
    }
}

/// Begins the JSON of an update.
pub fn begin(kind: Kind, head: &Head, snapshot: bool, out: &mut String) {
    let _ = write!(out, r#"{{"type":"update","kind":"{}""#, kind.name()); // writing to a String cannot fail
    if head.instrument.is_some() {
        out.push_str(r#","instrument":"#);
        string(&head.id, out);
    }
    let _ = write!(out, r#","sequence":{},"snapshot":{snapshot},"at_ms":"#, head.sequence);
    number(head.at.0 as f64 / 1e6, out);
    if let Some(validity) = head.validity {
        let _ = write!(out, r#","validity":"{}""#, validity_name(validity));
    }
}

/// A text as JSON.
pub fn string(text: &str, out: &mut String) {
    match serde_json::to_string(text) {
        Ok(quoted) => out.push_str(&quoted),
        Err(_) => out.push_str("\"\""), // text can always be written
    }
}

/// A number as JSON, in the digits that tell it; null for none.
pub fn number(number: f64, out: &mut String) {
    match serde_json::Number::from_f64(number) {
        Some(number) => {
            let _ = write!(out, "{number}");
        }
        None => out.push_str("null"),
    }
}

/// Units as an exact decimal text, quoted.
pub fn units(units: i64, decimals: u8, out: &mut String) {
    out.push('"');
    out.push_str(&crate::api::stamp::decimal(units, decimals));
    out.push('"');
}

/// A list as JSON.
pub fn list<T>(items: impl IntoIterator<Item = T>, out: &mut String, mut each: impl FnMut(T, &mut String)) {
    out.push('[');
    for (number, item) in items.into_iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        each(item, out);
    }
    out.push(']');
}
