//! The stream: `/api/v1/stream`, where a reader chooses what it is told, and `/ws/{symbol}`, which pushes once a second.
//!
//! A `Topic` is one kind of one instrument at one rate. It is looked at once per tick for all of its readers, by a thread of
//! its own (`publisher`), and keeps its last few updates. Each reader (`session`) pulls them at its own pace.

pub mod ask;
pub mod fold;
pub mod frame;
pub mod kind;
pub mod publisher;
pub mod session;
pub mod topic;

use super::about::Time;
use super::asked::{Asked, Named, Origin, SourceQuery, instrument};
use super::problem::Problem;
use super::{Api, Routes};
use crate::hub::Store;
use crate::live::state::State;
use axum::extract::State as Shared;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::units::Nanos;
use kind::{Form, Key, Kind};
use publisher::Seat;
use serde::Deserialize;
use session::Session;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Readers of one source at a time.
pub const READERS_MAX: usize = 2_048;
/// The protocol that browsers name beside their token.
const PROTOCOL: &str = "fathometer";

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(stream)).routes(routes!(push)).routes(routes!(relief))
}

/// In which form the reader wants updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FormName {
    /// Text.
    Json,
    /// Frames of bytes for metrics, books, trades and the heatmap.
    Binary,
}

/// The form.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// `binary` for compact frames where a kind has such [default: json].
    #[param(inline)]
    pub format: Option<FormName>,
}

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// A WebSocket on which a reader subscribes to kinds of instruments: a snapshot of each, then changes with sequence numbers.
#[utoipa::path(get, path = "/api/v1/stream", tag = "stream", params(SourceQuery, StreamQuery),
    responses((status = 101, description = "The connection becomes a WebSocket")))]
async fn stream(
    Shared(api): Shared<Arc<Api>>,
    upgrade: Upgrade,
    Origin(state): Origin,
    Asked(asked): Asked<StreamQuery>,
) -> Result<Response, Problem> {
    let form = if asked.format == Some(FormName::Binary) { Form::Binary } else { Form::Text };
    let (upgrade, seat) = admit(&api, upgrade, &state)?;
    Ok(upgrade.on_upgrade(move |socket| Session::new(socket, state, form, seat).run()))
}

/// A WebSocket that pushes an instrument's most asked-for numbers once a second (see the schema `Push`).
#[utoipa::path(get, path = "/ws/{id}", tag = "classic", params(Named, SourceQuery),
    responses((status = 101, description = "The connection becomes a WebSocket")))]
async fn push(
    Shared(api): Shared<Arc<Api>>,
    upgrade: Upgrade,
    Named { id }: Named,
    Origin(state): Origin,
) -> Result<Response, Problem> {
    let found = instrument(&state.view(), &id)?;
    let (upgrade, seat) = admit(&api, upgrade, &state)?;
    let key = Key { kind: Kind::Classic, instrument: Some(found), rate_hz: Kind::Classic.rate_hz_max(), depth: 0 };
    Ok(upgrade.on_upgrade(move |socket| Session::new(socket, state, Form::Text, seat).push(key)))
}

fn admit(api: &Api, upgrade: Upgrade, state: &Arc<State>) -> Result<(WebSocketUpgrade, Seat), Problem> {
    let upgrade = upgrade.map_err(|why| {
        let status = why.into_response().status();
        let remedy = "open it as a WebSocket: ws:// instead of http://";
        Problem::new(
            status,
            "websocket-only",
            "This path is a WebSocket",
            "the request is no WebSocket handshake",
            remedy,
        )
    })?;
    let seat = Seat::take(&state.streams, READERS_MAX).ok_or_else(|| {
        let detail = format!("{READERS_MAX} readers are connected already");
        let remedy = "close other connections, or come back later";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Problem::new(status, "too-many-readers", "There are too many readers", detail, remedy).again_in(5)
    })?;
    provide(&api.main, state);
    let limited = upgrade.max_message_size(ask::MESSAGE_BYTES_MAX).max_frame_size(ask::MESSAGE_BYTES_MAX);
    Ok((limited.protocols([PROTOCOL]), seat))
}

/// The objects that are not the hub's.
fn provide(main: &Arc<State>, state: &Arc<State>) {
    /// Of what is told second by second the latest rows are enough, and one more for a reader that was late.
    const ROWS: usize = 2;
    let weak = Arc::downgrade(state);
    state.streams.provide(Kind::Clock, move || serde_json::to_value(Time::of(&*weak.upgrade()?)).ok());
    let weak = Arc::downgrade(state);
    let latency = move || serde_json::to_value(super::latency::told(&*weak.upgrade()?, ROWS)).ok();
    state.streams.provide(Kind::Latency, latency);
    let (process, weak) = (Arc::downgrade(main), Arc::downgrade(state));
    let system = move || serde_json::to_value(super::system::told(&*process.upgrade()?, &*weak.upgrade()?, ROWS)).ok();
    state.streams.provide(Kind::System, system);
}

/// Which columns.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReliefQuery {
    /// From then on, unix milliseconds [default: all that is kept, up to 30 min].
    pub from_ms: Option<f64>,
    /// Until then, unix milliseconds.
    pub to_ms: Option<f64>,
}

/// Past columns of the heatmap, one a second: binary frames of the stream's kind `relief`, each behind its length (u32,
/// little-endian). Sizes are within 0.04 %.
#[utoipa::path(get, path = "/api/v1/instruments/{id}/relief", tag = "market", params(Named, ReliefQuery, SourceQuery),
    responses((status = 200, description = "The columns", content_type = "application/octet-stream", body = Vec<u8>)))]
async fn relief(
    Named { id }: Named,
    Origin(state): Origin,
    Asked(asked): Asked<ReliefQuery>,
) -> Result<Response, Problem> {
    let id = instrument(&state.view(), &id)?;
    let time = |ms: Option<f64>, or: Nanos| ms.map_or(or, |ms| Nanos((ms * 1e6) as i64)); // saturates; NaN is 0
    let (from, to) = (time(asked.from_ms, Nanos(i64::MIN)), time(asked.to_ms, Nanos(i64::MAX)));
    let bytes = columns(&state.hub.lock(), id, from, to);
    Ok(([(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, "no-store")], bytes)
        .into_response())
}

/// Columns of the heatmap as frames, each behind its length (four bytes, little-endian).
pub fn columns(store: &Store, id: InstrumentId, from: Nanos, to: Nanos) -> Vec<u8> {
    let Some(slot) = store.get(id) else { return Vec::new() };
    let mut bytes = Vec::new();
    for (number, column) in slot.reliefs.excerpt(from, to).iter().enumerate() {
        let head = fold::Head {
            sequence: number as u64 + 1,
            at: column.head.at,
            instrument: Some(id),
            ..fold::Head::default()
        };
        let start = bytes.len();
        bytes.extend([0; 4]);
        frame::head(Kind::Relief, &head, true, &mut bytes);
        frame::relief(column, slot.info.scale, &mut bytes);
        let length = (bytes.len() - start - 4) as u32;
        if let Some(place) = bytes.get_mut(start..start + 4) {
            place.copy_from_slice(&length.to_le_bytes());
        }
    }
    bytes
}
