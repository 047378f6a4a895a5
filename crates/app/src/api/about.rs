//! What this server is and speaks of: its time, and the catalogue of columns, states and limits.

use super::asked::{Origin, SourceQuery};
use super::stamp::{millis, now, rfc3339, snake};
use super::{Api, Routes, limits};
use crate::hub::code::{REASONS, VALIDITIES};
use crate::live::state::State;
use crate::view::Mode;
use axum::extract::State as Shared;
use axum::response::Json;
use fathometer_engine::metric::{Params, Reason, catalogue as columns};
use fathometer_engine::output::{FaultKind, Remedy, Validity};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(time)).routes(routes!(catalogue))
}

/// The server's time.
#[derive(Debug, Serialize, ToSchema)]
pub struct Time {
    /// Now, RFC 3339, UTC; of a replay its position.
    pub at: String,
    /// The same, unix milliseconds.
    pub at_ms: f64,
    /// Where the numbers come from: `{"kind":"live"}`, `{"kind":"demo","seed":42}` or `{"kind":"replay","source":...}`.
    #[schema(value_type = Object)]
    pub mode: Mode,
    /// Since the start, seconds.
    pub uptime_seconds: f64,
    /// Of the program.
    pub version: &'static str,
}

/// The server's time, and where its numbers come from.
#[utoipa::path(get, path = "/api/v1/time", tag = "about", params(SourceQuery),
    responses((status = 200, description = "The time", body = Time)))]
async fn time(Origin(state): Origin) -> Json<Time> {
    Json(Time::of(&state))
}

impl Time {
    /// Of a source.
    pub fn of(state: &State) -> Self {
        let (at, mode) = {
            let view = state.view();
            (now(state, &view), view.mode.clone())
        };
        let uptime_seconds = state.uptime_seconds();
        Time { at: rfc3339(at), at_ms: millis(at), mode, uptime_seconds, version: env!("CARGO_PKG_VERSION") }
    }
}

/// Everything that answers and binary frames name by an index or a word.
#[derive(Debug, Serialize, ToSchema)]
pub struct Catalogue {
    /// Of the program.
    pub version: &'static str,
    /// The metrics, in the order of their indices.
    pub columns: Vec<ColumnTold>,
    /// States of a book.
    pub validities: Vec<Word>,
    /// Why a number is absent; index 0 stands for a number that is there.
    pub reasons: Vec<Word>,
    /// Kinds of fault.
    pub fault_kinds: Vec<String>,
    /// What is done about a fault.
    pub remedies: Vec<String>,
    /// Kinds of the stream.
    pub kinds: Vec<&'static str>,
    /// Rates of the stream that can be chosen, per second.
    pub rates_hz: Vec<u32>,
    /// What one asker may have.
    pub limits: limits::LimitsTold,
}

/// One metric.
#[derive(Debug, Serialize, ToSchema)]
pub struct ColumnTold {
    /// Its number in binary frames.
    pub index: usize,
    /// Stable name.
    pub id: String,
    /// Unit.
    pub unit: String,
    /// One sentence.
    pub help: String,
    /// The formula, in plain text.
    pub formula: String,
}

/// A word and what it means.
#[derive(Debug, Serialize, ToSchema)]
pub struct Word {
    /// Its number in binary frames.
    pub index: usize,
    /// The word.
    pub id: String,
    /// What it means.
    pub help: &'static str,
}

fn validity_help(validity: Validity) -> &'static str {
    match validity {
        Validity::Live => "exact to the last update, within the trusted range",
        Validity::Empty => "nothing received yet",
        Validity::Syncing => "waiting for a snapshot that fits the buffered changes",
        Validity::Gap => "a change was lost; a new snapshot is on its way",
        Validity::Checksum => "a checksum did not match",
        Validity::Audit => "an independent message disagrees with the book",
        Validity::Crossed => "bids at or above asks outside an auction",
        Validity::Disconnected => "the connection is down",
        Validity::Stale => "nothing arrives although there is evidence that it should",
        Validity::Overflow => "a number did not fit the exact units",
    }
}

fn reason_help(reason: Reason) -> &'static str {
    match reason {
        Reason::BookInvalid => "the book is not live",
        Reason::BeyondTrusted => "it would need levels that are not known",
        Reason::EmptySide => "a side of the book is empty",
        Reason::NotFillable => "the book does not hold that much",
        Reason::Warmup => "too little was seen yet",
        Reason::NoData => "nothing of the kind was received",
        Reason::TooOld => "what was received is too old",
        Reason::NotApplicable => "makes no sense for this kind of instrument",
        Reason::ContractUnknown => "the contract's value is not known yet",
        Reason::Undefined => "not a finite number",
    }
}

const FAULT_KINDS: [FaultKind; 15] = [
    FaultKind::Malformed,
    FaultKind::Gap,
    FaultKind::Checksum,
    FaultKind::Audit,
    FaultKind::Crossed,
    FaultKind::Overflow,
    FaultKind::Snapshot,
    FaultKind::Disconnected,
    FaultKind::Stale,
    FaultKind::Venue,
    FaultKind::Closing,
    FaultKind::Overrun,
    FaultKind::Tape,
    FaultKind::Refused,
    FaultKind::Throttled,
];

/// Kinds of the stream.
pub const KINDS: [&str; 11] =
    ["metrics", "book", "trades", "relief", "status", "profile", "fault", "alerts", "clock", "latency", "system"];

/// Rates of the stream, per second.
pub const RATES_HZ: [u32; 5] = [20, 10, 5, 2, 1];

/// Columns, states, reasons and limits: what the words and indices of all other answers mean.
#[utoipa::path(get, path = "/api/v1/catalogue", tag = "about", params(SourceQuery),
    responses((status = 200, description = "The catalogue", body = Catalogue)))]
async fn catalogue(Shared(api): Shared<Arc<Api>>, Origin(state): Origin) -> Json<Catalogue> {
    // Names and units as the run has them; formulas of columns that another version recorded are not known.
    let known = columns(&Params::default());
    let told = state.view().columns.clone();
    let formula =
        |id: &str| known.iter().find(|spec| spec.id == id).map_or(String::new(), |spec| spec.formula.to_owned());
    let columns = told.into_iter().enumerate().map(|(index, column)| ColumnTold {
        index,
        formula: formula(&column.id),
        id: column.id,
        unit: column.unit,
        help: column.help,
    });
    let present = Word { index: 0, id: "present".to_owned(), help: "the number is there" };
    let words = REASONS.iter().enumerate();
    let words = words.map(|(index, reason)| Word { index: index + 1, id: snake(reason), help: reason_help(*reason) });
    let validities = VALIDITIES.iter().enumerate();
    let validities = validities.map(|(index, it)| Word { index, id: snake(it), help: validity_help(*it) });
    Json(Catalogue {
        version: env!("CARGO_PKG_VERSION"),
        columns: columns.collect(),
        validities: validities.collect(),
        reasons: std::iter::once(present).chain(words).collect(),
        fault_kinds: FAULT_KINDS.iter().map(snake).collect(),
        remedies: [Remedy::Skip, Remedy::Resync, Remedy::Reconnect, Remedy::Stop].iter().map(snake).collect(),
        kinds: KINDS.to_vec(),
        rates_hz: RATES_HZ.to_vec(),
        limits: api.limits.told(),
    })
}
