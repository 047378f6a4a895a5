//! The paths that tools of this kind have always had: /health, /symbols, /stats. Names and fields stay as they are.

use super::asked::{Origin, SourceQuery};
use super::stamp::{now, snake, validity};
use super::system::{QueueTold, ReadersTold, queues};
use super::{Api, Routes};
use crate::health::Health;
use crate::view::Market;
use axum::extract::State as Shared;
use axum::response::Json;
use fathometer_edge::feed::LinkHealth;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(health)).routes(routes!(symbols)).routes(routes!(stats))
}

/// How the program and each book are doing.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthTold {
    /// The program.
    #[serde(flatten)]
    pub health: Health,
    /// By `venue:symbol`.
    pub monitoring: BTreeMap<String, Monitoring>,
}

/// How one book is doing.
#[derive(Debug, Serialize, ToSchema)]
pub struct Monitoring {
    /// From the venue's push to our receipt, corrected for the clocks where that is possible; mean of the last minute, ms.
    pub latency_avg_ms: Option<f64>,
    /// Times its connections were opened again.
    pub reconnect_count: u64,
    /// `live`, or why the book may not be believed.
    pub validity: String,
    /// Since the last event, ms.
    pub last_update_age_ms: Option<f64>,
}

/// How the program and each book are doing.
#[utoipa::path(get, path = "/health", tag = "classic", params(SourceQuery),
    responses((status = 200, description = "Health", body = HealthTold)))]
async fn health(Origin(state): Origin) -> Json<HealthTold> {
    let (health, lines) = (state.health(), state.lines());
    let view = state.view();
    let now = now(&state, &view);
    let one = |market: &Market| {
        let last_at = market.status.as_ref().map(|status| status.last_at).filter(|at| at.0 > 0);
        let monitoring = Monitoring {
            latency_avg_ms: market.latency_avg_ms,
            reconnect_count: reconnects(&lines, market),
            validity: snake(&validity(market)),
            last_update_age_ms: last_at.map(|at| now.since(at).max(0) as f64 / 1e6),
        };
        (market.id.clone(), monitoring)
    };
    Json(HealthTold { health, monitoring: view.markets.iter().map(one).collect() })
}

/// Of the connections that name the instrument in their address, or of all of its venue where none does.
fn reconnects(lines: &[LinkHealth], market: &Market) -> u64 {
    let symbol = market.info.symbol.to_lowercase();
    let of_venue = || lines.iter().filter(|line| line.venue == market.info.venue);
    let named = || of_venue().filter(|line| line.url.contains(&symbol));
    if named().next().is_some() {
        named().map(|line| line.reconnects).sum()
    } else {
        of_venue().map(|line| line.reconnects).sum()
    }
}

/// What is watched.
#[derive(Debug, Serialize, ToSchema)]
pub struct SymbolsTold {
    /// `venue:symbol` of each.
    pub symbols: Vec<String>,
    /// How many.
    pub count: usize,
    /// By name across venues.
    pub groups: BTreeMap<String, Vec<String>>,
}

/// What is watched.
#[utoipa::path(get, path = "/symbols", tag = "classic", params(SourceQuery),
    responses((status = 200, description = "The symbols", body = SymbolsTold)))]
async fn symbols(Origin(state): Origin) -> Json<SymbolsTold> {
    let view = state.view();
    let symbols: Vec<String> = view.markets.iter().map(|market| market.id.clone()).collect();
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for market in &view.markets {
        groups.entry(market.info.canonical.clone()).or_default().push(market.id.clone());
    }
    Json(SymbolsTold { count: symbols.len(), symbols, groups })
}

/// What waits, what was dropped, and what holds a burst.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stats {
    /// Since the start, seconds.
    pub uptime_seconds: f64,
    /// Faults since the start.
    pub faults: u64,
    /// What waits where.
    pub queues: Vec<QueueTold>,
    /// What did not go into a book, all instruments.
    pub drops: Drops,
    /// Readers of the stream, and what those that were too slow did not get.
    pub conflation: ReadersTold,
    /// What one address may ask, and what was refused.
    pub burst_protection: Burst,
}

/// What did not go into a book.
#[derive(Debug, Serialize, ToSchema)]
pub struct Drops {
    /// Changes lost.
    pub gaps: u64,
    /// Depth changes older than the book.
    pub stale: u64,
    /// Trades seen before.
    pub duplicates: u64,
}

/// What protects the server from askers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Burst {
    /// Requests of one address, per second.
    pub requests_per_second: u32,
    /// Requests that one address may make at once.
    pub requests_burst: u32,
    /// Requests since the start.
    pub requests: u64,
    /// Of these, refused for being too many.
    pub throttled: u64,
    /// Of these, refused for their host, origin or token.
    pub refused: u64,
}

/// What waits, what was dropped, and what holds a burst.
#[utoipa::path(get, path = "/stats", tag = "classic", params(SourceQuery),
    responses((status = 200, description = "Statistics", body = Stats)))]
async fn stats(Shared(api): Shared<Arc<Api>>, Origin(state): Origin) -> Json<Stats> {
    let (faults, drops) = {
        let view = state.view();
        let counters = || view.markets.iter().filter_map(|market| market.status.as_ref()).map(|it| it.counters);
        let drops = Drops {
            gaps: counters().map(|it| it.gaps).sum(),
            stale: counters().map(|it| it.stale_dropped).sum(),
            duplicates: counters().map(|it| it.duplicates).sum(),
        };
        (view.faults_seen, drops)
    };
    Json(Stats {
        uptime_seconds: state.uptime_seconds(),
        faults,
        queues: queues(&state),
        drops,
        conflation: ReadersTold::of(&state),
        burst_protection: api.burst(),
    })
}
