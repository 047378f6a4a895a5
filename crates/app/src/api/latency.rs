//! How long everything takes, stage by stage: `/api/v1/latency`.

use super::asked::{Asked, Origin, SourceQuery};
use super::{Api, Routes};
use crate::live::state::State;
use crate::monitor::bins::{Edges, NETWORK_DRAWN, STAGE_DRAWN};
use crate::monitor::latency::{LINE_SECONDS, Latency, Stage, Stream};
use crate::monitor::line::LineTold;
use crate::monitor::rolling::{Summary, WINDOW_SECONDS, four_digits};
use axum::response::Json;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(latency))
}

/// How much of a line is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LineQuery {
    /// Seconds of the line that are told, the latest; without it all.
    pub line_seconds: Option<u32>,
}

/// What `/api/v1/latency` answers.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LatencyTold {
    /// Seconds that the rolling figures cover.
    pub window_seconds: u32,
    /// What a frame passes, in order.
    pub stages: Vec<StageTold>,
    /// Network latency by exchange and kind of message.
    pub streams: Vec<StreamTold>,
    /// Medians and 99th percentiles second by second, in the units of the stages.
    pub line: LineTold,
}

/// One stage over the last minute.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct StageTold {
    /// Stable name.
    pub id: String,
    /// `ms` or `us`, of all numbers here.
    pub unit: String,
    /// What it means.
    pub help: String,
    /// The last minute.
    #[serde(flatten)]
    pub recent: SummaryTold,
    /// Since the start.
    pub since_start: SummaryTold,
    /// Counts of the last minute: 1 ms bins for the network, log-spaced ones for our own work.
    pub histogram: HistogramTold,
}

/// How many, and how long; null where there was none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct SummaryTold {
    /// How many were measured.
    pub count: u64,
    /// Median.
    pub p50: Option<f64>,
    /// 90 of 100 took no longer.
    pub p90: Option<f64>,
    /// 99 of 100 took no longer.
    pub p99: Option<f64>,
    /// 999 of 1000 took no longer.
    pub p999: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
}

/// Counts between edges.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct HistogramTold {
    /// Ascending; one more than counts, or none.
    pub edges: Vec<f64>,
    /// From one edge to the next.
    pub counts: Vec<u64>,
}

/// Network latency of one kind of message, milliseconds, over the last minute.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct StreamTold {
    /// Which market.
    pub exchange: String,
    /// Kind of message.
    pub stream: String,
    /// Messages measured.
    pub count: u64,
    /// As the two clocks say.
    pub raw_ms: SummaryTold,
    /// Less the estimated offset; null before the first estimate.
    pub corrected_ms: Option<SummaryTold>,
    /// What is added to the raw latency: how far the exchange's clock is ahead of ours, as estimated.
    pub offset_ms: Option<f64>,
    /// The estimate may be wrong by that much either way.
    pub uncertainty_ms: Option<f64>,
}

/// What a state has measured, with the latest rows of its line.
pub fn told(state: &State, rows: usize) -> LatencyTold {
    let latency = state.latency();
    LatencyTold {
        window_seconds: WINDOW_SECONDS as u32,
        stages: Stage::ALL.iter().map(|stage| stage_told(&latency, *stage)).collect(),
        streams: latency.streams().iter().map(|stream| stream_told(&latency, stream)).collect(),
        line: latency.line().told(rows),
    }
}

fn stage_told(latency: &Latency, stage: Stage) -> StageTold {
    let (nanos, unit) = stage.unit();
    let rolling = latency.stage(stage);
    let drawn: &Edges = if stage.is_network() { &NETWORK_DRAWN } else { &STAGE_DRAWN };
    let (edges, counts) = rolling.drawn(drawn);
    StageTold {
        id: stage.id().to_owned(),
        unit: unit.to_owned(),
        help: stage.help().to_owned(),
        recent: rolling.recent().per(nanos).into(),
        since_start: rolling.all().per(nanos).into(),
        histogram: HistogramTold { edges: edges.into_iter().map(|edge| edge as f64 / nanos).collect(), counts },
    }
}

fn stream_told(latency: &Latency, stream: &Stream) -> StreamTold {
    let millis = |nanos: i64| four_digits(nanos as f64 / 1e6);
    let (raw, corrected) = (stream.raw.recent(), stream.corrected.recent());
    let offset = latency.offset(stream.venue);
    StreamTold {
        exchange: stream.venue.name().to_owned(),
        stream: stream.kind.to_owned(),
        count: raw.count,
        raw_ms: raw.per(1e6).into(),
        corrected_ms: (corrected.count > 0).then(|| corrected.per(1e6).into()),
        offset_ms: offset.map(|(offset, _)| millis(offset)),
        uncertainty_ms: offset.map(|(_, uncertainty)| millis(uncertainty)),
    }
}

impl From<Summary> for SummaryTold {
    fn from(it: Summary) -> Self {
        SummaryTold { count: it.count, p50: it.p50, p90: it.p90, p99: it.p99, p999: it.p999, max: it.max }
    }
}

/// Latency by stage, exchange and kind of message, over the last minute and since the start.
#[utoipa::path(get, path = "/api/v1/latency", tag = "operation", params(SourceQuery, LineQuery),
    responses((status = 200, description = "What was measured", body = LatencyTold)))]
async fn latency(Origin(state): Origin, Asked(asked): Asked<LineQuery>) -> Json<LatencyTold> {
    Json(told(&state, asked.line_seconds.map_or(LINE_SECONDS, |rows| rows as usize)))
}
