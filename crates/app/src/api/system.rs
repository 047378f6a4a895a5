//! How the program is doing: `/api/v1/system`.

use super::asked::{Asked, Origin, SourceQuery};
use super::latency::LineQuery;
use super::{Api, Routes};
use crate::live::state::State;
use crate::monitor::line::LineTold;
use crate::monitor::rolling::four_digits;
use crate::monitor::system::LINE_SECONDS;
use crate::view::Market;
use axum::extract::State as Shared;
use axum::response::Json;
use fathometer_edge::feed::{LinkHealth, RestHealth};
use fathometer_engine::input::NO_LINK;
use fathometer_engine::units::Nanos;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(system))
}

/// What `/api/v1/system` answers.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SystemTold {
    /// Share of one processor over the last second, percent; more than 100 with several threads.
    pub cpu_percent: Option<f64>,
    /// Resident memory, megabytes (10^6 bytes).
    pub memory_mb: Option<f64>,
    /// The same a minute after the start; null before.
    pub memory_baseline_mb: Option<f64>,
    /// Growth since then, percent.
    pub memory_growth_percent: Option<f64>,
    /// Whether that is more than 50 %.
    pub memory_alert: bool,
    /// Threads.
    pub threads: Option<u64>,
    /// Since the start.
    pub uptime_seconds: f64,
    /// What waits where, and how much may.
    pub queues: Vec<QueueTold>,
    /// Every planned connection.
    pub links: Vec<LinkTold>,
    /// Every exchange's HTTP side.
    pub requests: Vec<RequestsTold>,
    /// Every book's own health.
    pub books: Vec<BookTold>,
    /// The tape; null where nothing is recorded.
    pub tape: Option<TapeTold>,
    /// Payload received over the last second.
    pub bandwidth_bytes_per_second: Option<f64>,
    /// Frames taken over the last second.
    pub frames_per_second: Option<f64>,
    /// Who reads the streams.
    pub readers: ReadersTold,
    /// The last half hour, second by second.
    pub line: LineTold,
}

/// One queue.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct QueueTold {
    /// Stable name.
    pub id: String,
    /// What waits now.
    pub length: u64,
    /// What may wait.
    pub limit: u64,
    /// Payload waiting; null where it is not counted.
    pub bytes: Option<u64>,
    /// What was left out since the start.
    pub dropped: u64,
    /// What it is, and what happens at its end.
    pub help: String,
}

/// One planned connection and all links opened for it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LinkTold {
    /// Number of the link that speaks now; null before the first.
    pub link: Option<u32>,
    /// Which market.
    pub exchange: String,
    /// Host and port.
    pub host: String,
    /// First (`a`) or second (`b`) connection for the same streams.
    pub leg: String,
    /// Streams named in the address, or its path.
    pub streams: Vec<String>,
    /// `connecting`, `open`, `rotating`, `waiting`, `stopped`.
    pub state: String,
    /// Since when, unix milliseconds.
    pub since_ms: f64,
    /// When the last frame or ping came in, unix milliseconds.
    pub last_ms: Option<f64>,
    /// Times a link was opened after the first.
    pub reconnects: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// Frames received since the start.
    pub frames: u64,
    /// Payload received since the start.
    pub bytes: u64,
}

/// The HTTP side of an exchange.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RequestsTold {
    /// Which market.
    pub exchange: String,
    /// Host and port.
    pub host: String,
    /// Weight spent within the last minute.
    pub weight_used: u64,
    /// Weight that may be spent per minute.
    pub weight_per_minute: u32,
    /// Requests waiting.
    pub waiting: u64,
    /// Answers received.
    pub replies: u64,
    /// Requests that failed or were answered with an error.
    pub errors: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// One book's health.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct BookTold {
    /// `venue:symbol`.
    pub id: String,
    /// Whether it may be believed, or why not.
    pub validity: String,
    /// Changes lost.
    pub gaps: u64,
    /// Times it was rebuilt after it had been valid.
    pub resyncs: u64,
    /// How long the last recovery took from gap to valid.
    pub recovery_ms: Option<f64>,
    /// Independent comparisons made.
    pub audit_checked: u64,
    /// Of these, equal.
    pub audit_matched: u64,
    /// Checksums that matched.
    pub checksums_ok: u64,
    /// Checksums that did not.
    pub checksums_bad: u64,
}

/// The tape being written.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TapeTold {
    /// Where it is.
    pub folder: String,
    /// Number of the segment being written, from 0.
    pub segment: u32,
    /// On disk, all segments of this run.
    pub bytes: u64,
    /// Over the last second.
    pub bytes_per_second: Option<f64>,
    /// How many times larger it would be without compression; null before the first block.
    pub ratio: Option<f64>,
    /// Whether recording has stopped because of an error.
    pub failed: bool,
}

/// Who reads the streams.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct ReadersTold {
    /// Connected now.
    pub connected: u64,
    /// Updates left out for readers that were too slow, who got the latest instead.
    pub conflated: u64,
    /// Readers cut because they took nothing for too long.
    pub cut: u64,
}

impl ReadersTold {
    /// Of a state's streams.
    pub fn of(state: &State) -> Self {
        let counts = &state.streams.counts;
        ReadersTold {
            connected: counts.connected.load(Ordering::Relaxed) as u64,
            conflated: counts.conflated.load(Ordering::Relaxed),
            cut: counts.cut.load(Ordering::Relaxed),
        }
    }
}

/// What a state has measured, with the latest rows of its line. `process` is whose process is told: the main state.
pub fn told(process: &State, state: &State, rows: usize) -> SystemTold {
    let (now, line) = {
        let system = process.system();
        (system.now(), system.line().told(rows))
    };
    SystemTold {
        cpu_percent: now.cpu_percent,
        memory_mb: now.memory_mb,
        memory_baseline_mb: now.memory_baseline_mb,
        memory_growth_percent: now.memory_growth_percent,
        memory_alert: now.memory_alert,
        threads: now.threads,
        uptime_seconds: process.uptime_seconds(),
        queues: queues(state),
        links: state.lines().iter().map(LinkTold::of).collect(),
        requests: state.requests().iter().map(RequestsTold::of).collect(),
        books: state.view().markets.iter().map(BookTold::of).collect(),
        tape: tape(state, now.tape_bytes_per_second),
        bandwidth_bytes_per_second: now.bandwidth_bytes_per_second,
        frames_per_second: now.frames_per_second,
        readers: ReadersTold::of(state),
        line,
    }
}

/// What waits where.
pub fn queues(state: &State) -> Vec<QueueTold> {
    let mut all = Vec::new();
    if let Some(gauge) = state.inbox.get() {
        let (stats, limits) = (gauge.stats(), gauge.limits());
        all.push(QueueTold {
            id: "inbox".to_owned(),
            length: stats.depth as u64,
            limit: limits.inputs_max as u64,
            bytes: Some(stats.depth_bytes as u64),
            dropped: stats.overruns,
            help: "frames waiting for the engine; at its end a link waits, then is closed with a fault and resyncs"
                .to_owned(),
        });
    }
    if let Some((_, gauge)) = state.tape.get() {
        let stats = gauge.stats();
        all.push(QueueTold {
            id: "tape".to_owned(),
            length: stats.blocks_waiting as u64,
            limit: stats.blocks_max as u64,
            bytes: None,
            dropped: 0,
            help: "blocks waiting to be written; at its end the engine waits, nothing is left out".to_owned(),
        });
    }
    all
}

fn tape(state: &State, bytes_per_second: Option<f64>) -> Option<TapeTold> {
    let (folder, gauge) = state.tape.get()?;
    let stats = gauge.stats();
    Some(TapeTold {
        folder: folder.display().to_string(),
        segment: stats.segment,
        bytes: stats.bytes,
        bytes_per_second,
        ratio: (stats.bytes > 0).then(|| four_digits(stats.bytes_raw as f64 / stats.bytes as f64)),
        failed: stats.failed,
    })
}

/// A name as serde writes it.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_lowercase)).unwrap_or_default()
}

fn millis(at: Nanos) -> f64 {
    (at.0 / 1_000) as f64 / 1e3
}

impl LinkTold {
    fn of(line: &LinkHealth) -> Self {
        let rest = line.url.split_once("://").map_or(line.url.as_str(), |(_, rest)| rest);
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let streams = match path.split_once("streams=") {
            Some((_, names)) => names.split(['/', '&']).filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            None => vec![format!("/{path}")],
        };
        LinkTold {
            link: (line.link != NO_LINK).then_some(line.link.0),
            exchange: line.venue.name().to_owned(),
            host: host.to_owned(),
            leg: word(line.leg),
            streams,
            state: word(line.state),
            since_ms: millis(line.since),
            last_ms: line.last_at.map(millis),
            reconnects: line.reconnects,
            last_error: line.last_error.clone(),
            frames: line.frames,
            bytes: line.bytes,
        }
    }
}

impl RequestsTold {
    fn of(rest: &RestHealth) -> Self {
        RequestsTold {
            exchange: rest.venue.name().to_owned(),
            host: rest.host.clone(),
            weight_used: rest.weight_used,
            weight_per_minute: rest.weight_per_minute,
            waiting: rest.waiting as u64,
            replies: rest.replies,
            errors: rest.errors,
            last_error: rest.last_error.clone(),
        }
    }
}

impl BookTold {
    fn of(market: &Market) -> Self {
        let status = market.status.as_ref();
        let counters = status.map(|status| status.counters).unwrap_or_default();
        BookTold {
            id: market.id.clone(),
            validity: status.map_or_else(|| "empty".to_owned(), |status| word(status.validity)),
            gaps: counters.gaps,
            resyncs: counters.resyncs,
            recovery_ms: status.and_then(|status| status.recovery_ns).map(|nanos| four_digits(nanos as f64 / 1e6)),
            audit_checked: counters.audit_checked,
            audit_matched: counters.audit_matched,
            checksums_ok: counters.checksums_ok,
            checksums_bad: counters.checksums_bad,
        }
    }
}

/// Processor, memory, queues, connections, books, tape and readers.
#[utoipa::path(get, path = "/api/v1/system", tag = "operation", params(SourceQuery, LineQuery),
    responses((status = 200, description = "How the program is doing", body = SystemTold)))]
async fn system(
    Shared(api): Shared<Arc<Api>>,
    Origin(state): Origin,
    Asked(asked): Asked<LineQuery>,
) -> Json<SystemTold> {
    Json(told(&api.main, &state, asked.line_seconds.map_or(LINE_SECONDS, |rows| rows as usize)))
}
