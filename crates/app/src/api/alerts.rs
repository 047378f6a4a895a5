//! Alerts of surveillance: the list, one of them, and what people do with it.

pub mod told;

use super::asked::{Asked, Origin, PathPart, SourceQuery};
use super::problem::Problem;
use super::recordings::blocking;
use super::replay::ReplayTold;
use super::{Api, Routes};
use crate::alerts::delivery::SinkHealth;
use crate::alerts::entry::{Entry, NOTES_MAX, Stage, hex};
use crate::alerts::evidence;
use crate::alerts::store::{Refusal, Store};
use crate::live::state::State;
use crate::nearest::nearest;
use crate::player::Order;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use fathometer_engine::alert::{AlertId, Severity};
use fathometer_engine::detector::CATALOGUE;
use fathometer_engine::units::NANOS_PER_MILLI;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use told::{AlertTold, Alerts, counts};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Most alerts of one answer.
const LIMIT_MAX: usize = 1_000;
/// What happens at an instant is told with the first input after it, which is at most that much later, ns.
const TICK_NANOS: i64 = 150 * NANOS_PER_MILLI;
/// An answer waits that long for the replay to stand where it is to.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longest name of a person, characters.
const BY_MAX: usize = 64;
/// Longest note, characters.
const NOTE_MAX: usize = 2_000;
/// Largest body that can make sense, bytes.
const BODY_MAX: usize = 16 << 10;

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new()
        .routes(routes!(alerts))
        .routes(routes!(alert))
        .routes(routes!(acknowledge))
        .routes(routes!(note))
        .routes(routes!(resolve))
        .routes(routes!(frames))
        .routes(routes!(delivery))
        .routes(routes!(replay))
}

/// Which alerts.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AlertsQuery {
    /// `pending`, `firing`, `acknowledged`, `resolved` or, for the first three, `open`; several with commas [default: all].
    #[param(
        max_length = 64,
        example = "open",
        pattern = "^(pending|firing|acknowledged|resolved|open)(,(pending|firing|acknowledged|resolved|open))*$"
    )]
    pub state: Option<String>,
    /// At least that bad: `info`, `warning` or `critical`.
    #[param(pattern = "^(info|warning|critical)$")]
    pub severity: Option<String>,
    /// Of that detector, by its id.
    #[param(max_length = 64)]
    pub detector: Option<String>,
    /// Of that instrument, `venue:symbol`.
    #[param(max_length = 64)]
    pub instrument: Option<String>,
    /// That have changed since then, unix milliseconds.
    pub since: Option<f64>,
    /// Most alerts, the newest ones [default: 200].
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
}

/// Who does something.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Who.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = r"^[^\x00-\x20\x7f-\xa0]([^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0])?$"
    )]
    pub by: String,
    /// What there is to say of it.
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}

/// The alert in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "describes the path")]
struct Numbered {
    /// The alert's number: 16 hexadecimal digits.
    #[param(min_length = 16, max_length = 16, example = "00f1e2d3c4b5a697")]
    alert: String,
}

struct Filter {
    stages: Vec<Stage>,
    severity: Severity,
}

impl Filter {
    fn of(asked: &AlertsQuery) -> Result<Self, Problem> {
        const STAGES: [Stage; 4] = [Stage::Pending, Stage::Firing, Stage::Acknowledged, Stage::Resolved];
        let mut stages = Vec::new();
        for word in asked.state.as_deref().unwrap_or_default().split(',').filter(|word| !word.is_empty()) {
            match STAGES.into_iter().find(|stage| stage.name() == word) {
                Some(stage) => stages.push(stage),
                None if word == "open" => stages.extend([Stage::Pending, Stage::Firing, Stage::Acknowledged]),
                None => return Err(wrong("state", word, "pending, firing, acknowledged, resolved or open")),
            }
        }
        let severity = match asked.severity.as_deref() {
            None => Severity::Info,
            Some(word) => Severity::ALL
                .into_iter()
                .find(|severity| severity.name() == word)
                .ok_or_else(|| wrong("severity", word, "info, warning or critical"))?,
        };
        if let Some(word) = asked.detector.as_deref().filter(|word| CATALOGUE.iter().all(|about| about.id != *word)) {
            return Err(unknown_detector(word));
        }
        Ok(Filter { stages, severity })
    }

    fn lets(&self, asked: &AlertsQuery, entry: &Entry) -> bool {
        let same = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|it| it.eq_ignore_ascii_case(is));
        (self.stages.is_empty() || self.stages.contains(&entry.stage()))
            && entry.severity >= self.severity
            && same(&asked.detector, &entry.detector)
            && same(&asked.instrument, &entry.instrument)
            && asked.since.is_none_or(|since| entry.changed.0 as f64 / 1e6 >= since)
    }
}

fn wrong(name: &str, word: &str, known: &str) -> Problem {
    let shown: String = word.chars().take(64).collect();
    Problem::malformed(format!("{name} is `{shown}`"), &format!("{name} is one of {known}"))
}

/// What surveillance found, newest first.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "surveillance", params(AlertsQuery, SourceQuery),
    responses((status = 200, description = "The alerts", body = Alerts)))]
async fn alerts(Asked(asked): Asked<AlertsQuery>, Origin(state): Origin) -> Result<Json<Alerts>, Problem> {
    let limit = asked.limit.unwrap_or(200) as usize;
    if limit == 0 || limit > LIMIT_MAX {
        return Err(Problem::malformed(format!("limit is {limit}"), "limit is between 1 and 1000"));
    }
    let filter = Filter::of(&asked)?;
    let store = state.hub.alerts.lock();
    let mut found = store.all().rev().filter(|entry| filter.lets(&asked, entry));
    let alerts = found.by_ref().take(limit).map(AlertTold::of).collect();
    let more = found.count();
    Ok(Json(Alerts { more, counts: counts(&store), alerts }))
}

/// One alert: its story, its numbers, who looks after it.
#[utoipa::path(get, path = "/api/v1/alerts/{alert}", tag = "surveillance", params(Numbered, SourceQuery),
    responses((status = 200, description = "The alert", body = AlertTold)))]
async fn alert(PathPart(id): PathPart<String>, Origin(state): Origin) -> Result<Json<AlertTold>, Problem> {
    let store = state.hub.alerts.lock();
    let entry = store.get(number(&id)?).ok_or_else(|| unknown(&id))?;
    Ok(Json(AlertTold::of(entry)))
}

/// Somebody looks after an alert that fires; the first who says so counts.
#[utoipa::path(post, path = "/api/v1/alerts/{alert}/acknowledge", tag = "surveillance", params(Numbered, SourceQuery),
    request_body = Signature, responses((status = 200, description = "The alert then", body = AlertTold)))]
async fn acknowledge(
    PathPart(id): PathPart<String>,
    Origin(state): Origin,
    body: Bytes,
) -> Result<Json<AlertTold>, Problem> {
    let (at, signature) = (state.now(), sign(&body)?);
    change(&state, &id, &signature, |store, id| store.acknowledge(id, &signature.by, at).map(|_| ()))
}

/// Somebody writes something beside an alert.
#[utoipa::path(post, path = "/api/v1/alerts/{alert}/note", tag = "surveillance", params(Numbered, SourceQuery),
    request_body = Signature, responses((status = 200, description = "The alert then", body = AlertTold)))]
async fn note(PathPart(id): PathPart<String>, Origin(state): Origin, body: Bytes) -> Result<Json<AlertTold>, Problem> {
    let signature = sign(&body)?;
    if signature.note.is_none() {
        return Err(Problem::malformed("there is no note", "send {\"by\":\"ann\",\"note\":\"what there is to say\"}"));
    }
    change(&state, &id, &signature, |_, _| Ok(()))
}

/// Somebody declares an alert over; it stays so unless it gets worse.
#[utoipa::path(post, path = "/api/v1/alerts/{alert}/resolve", tag = "surveillance", params(Numbered, SourceQuery),
    request_body = Signature, responses((status = 200, description = "The alert then", body = AlertTold)))]
async fn resolve(
    PathPart(id): PathPart<String>,
    Origin(state): Origin,
    body: Bytes,
) -> Result<Json<AlertTold>, Problem> {
    let (at, signature) = (state.now(), sign(&body)?);
    change(&state, &id, &signature, |store, id| store.resolve(id, &signature.by, at).map(|_| ()))
}

/// The frames from 60 s before to 30 s after an alert began to fire, as a tape: `fathometer replay` raises it again.
#[utoipa::path(get, path = "/api/v1/alerts/{alert}/evidence", tag = "surveillance", params(Numbered, SourceQuery),
    responses((status = 200, description = "The tape", content_type = "application/octet-stream", body = Vec<u8>)))]
async fn frames(PathPart(id): PathPart<String>, Origin(state): Origin) -> Result<Response, Problem> {
    let path = evidence_of(&state, &id)?;
    let bytes =
        tokio::fs::read(&path).await.map_err(|error| no_evidence(format!("the file cannot be read: {error}")))?;
    let name = format!("attachment; filename=\"alert-{id}.ftape\"");
    let head = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((head, bytes).into_response())
}

/// Opens the evidence of an alert as the recording that is replayed; it stands where the alert begins to fire.
#[utoipa::path(post, path = "/api/v1/alerts/{alert}/replay", tag = "surveillance", params(Numbered, SourceQuery),
    responses((status = 200, description = "Where the replay is", body = ReplayTold)))]
async fn replay(
    Shared(api): Shared<Arc<Api>>,
    PathPart(id): PathPart<String>,
    Origin(state): Origin,
) -> Result<Json<ReplayTold>, Problem> {
    let path = evidence_of(&state, &id)?;
    let fired = number(&id).ok().and_then(|id| state.hub.alerts.lock().get(id).and_then(|entry| entry.fired));
    let player = blocking(move || api.booth.open_file(&format!("alert {id}"), path)).await?;
    if let Some(fired) = fired {
        let order = player.order(Order::Seek(fired.plus(TICK_NANOS)))?;
        player.after(order, PATIENCE).await;
    }
    let position = player.position();
    Ok(Json(ReplayTold::of(Some((&*player, position)))))
}

/// Those who are told of alerts.
#[derive(Debug, Serialize, ToSchema)]
pub struct Delivery {
    /// By name.
    pub sinks: Vec<SinkTold>,
}

/// One that is told.
#[derive(Debug, Serialize, ToSchema)]
pub struct SinkTold {
    /// What it is called in alerts.yaml.
    pub name: String,
    /// It is told of alerts that are at least that bad.
    pub severity: &'static str,
    /// Alerts of which it has still to be told something.
    pub waiting: usize,
    /// How it does.
    #[serde(flatten)]
    pub health: SinkHealth,
}

/// Who is told of alerts, how that goes, and what still waits.
#[utoipa::path(get, path = "/api/v1/delivery", tag = "surveillance", params(SourceQuery),
    responses((status = 200, description = "The sinks", body = Delivery)))]
async fn delivery(Origin(state): Origin) -> Json<Delivery> {
    let alerts = &state.hub.alerts;
    let sinks = alerts.sinks().clone();
    let store = alerts.lock();
    let told = sinks.into_iter().map(|(name, (severity, health))| SinkTold {
        waiting: store.owed_count(&name, severity),
        severity: severity.name(),
        name,
        health,
    });
    Json(Delivery { sinks: told.collect() })
}

/// Where the frames of an alert lie, if they do.
fn evidence_of(state: &State, id: &str) -> Result<PathBuf, Problem> {
    let alerts = &state.hub.alerts;
    let store = alerts.lock();
    let entry = store.get(number(id)?).ok_or_else(|| unknown(id))?;
    let told = AlertTold::of(entry);
    let folder = alerts.evidence.get().ok_or_else(|| no_evidence("nothing keeps frames here".to_owned()))?;
    let files = std::iter::once(entry.id).chain(entry.also.iter().map(|also| also.0));
    files
        .map(|id| evidence::file(folder, id))
        .find(|path| path.is_file())
        .ok_or_else(|| no_evidence(told.frames_note.unwrap_or_else(|| "the file is not there (any more)".to_owned())))
}

fn number(id: &str) -> Result<AlertId, Problem> {
    hex::parse(id).ok_or_else(|| unknown(id))
}

fn change(
    state: &State,
    id: &str,
    signature: &Signature,
    act: impl FnOnce(&mut Store, AlertId) -> Result<(), Refusal>,
) -> Result<Json<AlertTold>, Problem> {
    let number = number(id)?;
    let at = state.now();
    let told = {
        let mut store = state.hub.alerts.lock();
        let refuse = |why| refusal(id, why);
        act(&mut store, number).map_err(refuse)?;
        if let Some(text) = &signature.note {
            store.note(number, &signature.by, text, at).map_err(refuse)?;
        }
        store.get(number).map(AlertTold::of)
    };
    state.hub.alerts.wake();
    told.map(Json).ok_or_else(|| unknown(id))
}

/// Who it is, and what there is to say, in lengths that make sense.
fn sign(body: &[u8]) -> Result<Signature, Problem> {
    let remedy = "send one JSON object: {\"by\":\"ann\"}, with \"note\":\"...\" where there is something to say";
    if body.len() > BODY_MAX {
        return Err(Problem::malformed(format!("a body of {} bytes", body.len()), remedy));
    }
    let read: Signature =
        serde_json::from_slice(body).map_err(|error| Problem::malformed(error.to_string(), remedy))?;
    let by = read.by.trim().to_owned();
    if by.is_empty() || by.chars().count() > BY_MAX || by.chars().any(char::is_control) {
        return Err(Problem::malformed("`by` is no name", "`by` is 1 to 64 characters on one line"));
    }
    let note = read.note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
    if note.as_ref().is_some_and(|note| note.chars().count() > NOTE_MAX) {
        return Err(Problem::malformed("the note is too long", "a note has at most 2000 characters"));
    }
    Ok(Signature { by, note })
}

fn unknown_detector(id: &str) -> Problem {
    let near = nearest(id, CATALOGUE.iter().map(|about| about.id), 5).into_iter().map(str::to_owned).collect();
    let shown: String = id.chars().take(64).collect();
    let detail = format!("`{shown}` is no detector");
    let remedy = "GET /api/v1/detectors lists them; `candidates` holds the nearest";
    Problem::new(StatusCode::NOT_FOUND, "unknown-detector", "There is no such detector", detail, remedy).meaning(near)
}

fn unknown(id: &str) -> Problem {
    let shown: String = id.chars().take(64).collect();
    let remedy = "GET /api/v1/alerts lists them; a number has 16 hexadecimal digits";
    let detail = format!("`{shown}` is none of the alerts that are kept");
    Problem::new(StatusCode::NOT_FOUND, "unknown-alert", "There is no such alert", detail, remedy)
}

fn no_evidence(detail: String) -> Problem {
    let remedy = "`frames` of the alert tells whether they are still coming; give --state DIR to keep them";
    Problem::new(StatusCode::NOT_FOUND, "no-evidence", "There are no frames of this alert", detail, remedy)
}

fn refusal(id: &str, why: Refusal) -> Problem {
    let (detail, remedy) = match why {
        Refusal::Unknown => return unknown(id),
        Refusal::Over => ("it is over already".to_owned(), "nothing has to be done"),
        Refusal::NotFiring => ("it does not fire yet".to_owned(), "come back when it does"),
        Refusal::TooManyNotes => (format!("it has {NOTES_MAX} notes already"), "write the rest elsewhere"),
    };
    Problem::new(StatusCode::CONFLICT, "alert-state", "That cannot be done with this alert now", detail, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_signs_has_a_name_and_says_something_of_a_bearable_length() {
        let read = |text: &str| sign(text.as_bytes());
        let signed = read(r#"{"by":" ann ","note":"  "}"#).unwrap();
        assert_eq!((signed.by.as_str(), signed.note), ("ann", None));
        let long = format!(r#"{{"by":"ann","note":"{}"}}"#, "x".repeat(NOTE_MAX + 1));
        for wrong in ["", "{}", r#"{"by":""}"#, r#"{"by":"a\nb"}"#, r#"{"by":"ann","notes":"x"}"#, &long] {
            assert_eq!(read(wrong).unwrap_err().status, 400, "{wrong}");
        }
    }
}
