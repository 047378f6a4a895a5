//! What is watched, and the state of each book.

use super::asked::{Named, Origin, SourceQuery, instrument};
use super::problem::Problem;
use super::stamp::{Stamp, decimal, millis, now, rfc3339, snake, validity};
use super::{Api, Routes};
use crate::symbols::kind_name;
use crate::view::{Market, View};
use axum::response::Json;
use fathometer_engine::instrument::Contract;
use fathometer_engine::output::{Counters, Status};
use fathometer_engine::units::{Nanos, Scale};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(all)).routes(routes!(one))
}

/// Everything that is watched.
#[derive(Debug, Serialize, ToSchema)]
pub struct Instruments {
    /// In the order of their indices.
    pub instruments: Vec<InstrumentTold>,
}

/// One instrument.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstrumentTold {
    /// Its number in binary frames.
    pub index: usize,
    /// `venue:symbol`.
    pub id: String,
    /// Which market of which exchange.
    pub venue: &'static str,
    /// As the venue writes it.
    pub symbol: String,
    /// Name across venues.
    pub canonical: String,
    /// `spot`, `perpetual`, `future` or `option`.
    pub kind: &'static str,
    /// Base coin; empty if it cannot be told.
    pub base: String,
    /// Quote currency.
    pub quote: String,
    /// Decimal places of prices.
    pub price_decimals: u8,
    /// Decimal places of sizes.
    pub size_decimals: u8,
    /// Smallest price step, where the venue has told it.
    pub tick: Option<String>,
    /// Smallest size step, where the venue has told it.
    pub lot: Option<String>,
    /// What sizes count: `base` coins or `contracts`.
    pub size_unit: &'static str,
    /// Value of a unit of size: base coins, or quote currency of an inverse contract; absent while it is not known.
    pub contract_size: Option<String>,
    /// Whether contracts are worth quote currency and paid in base coins.
    pub inverse: bool,
    /// Trading state as the venue writes it.
    pub state: Option<String>,
    /// Its book.
    pub status: StatusTold,
    /// How far it may be believed.
    #[serde(flatten)]
    pub stamp: Stamp,
}

/// State of a book, and what was counted.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct StatusTold {
    /// `live`, or why the book may not be believed.
    pub validity: String,
    /// Since when, RFC 3339.
    pub since: Option<String>,
    /// The same, unix milliseconds.
    pub since_ms: Option<f64>,
    /// What was counted since the start.
    #[serde(flatten)]
    pub counters: CountersTold,
    /// Levels: bids, asks.
    pub levels: [u32; 2],
    /// Last update id; -1 before the first.
    pub last_update_id: i64,
    /// Worst price up to which bids and asks are known; null where they are known to the end.
    pub trusted: [Option<String>; 2],
    /// Receive minus venue push time of the last event, as the clocks say, ms.
    pub latency_raw_ms: Option<f64>,
    /// The same corrected by the estimated clock offset, ms.
    pub latency_ms: Option<f64>,
    /// The estimate's uncertainty, ms.
    pub latency_uncertainty_ms: Option<f64>,
    /// How long the last recovery took, ms.
    pub recovery_ms: Option<f64>,
    /// Receive time of the last event, unix milliseconds.
    pub last_at_ms: Option<f64>,
}

/// What was counted of an instrument since the start.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct CountersTold {
    /// Frames that said something of it.
    pub frames: u64,
    /// Depth changes applied.
    pub diffs_applied: u64,
    /// Depth changes older than the book.
    pub stale_dropped: u64,
    /// Changes lost.
    pub gaps: u64,
    /// Times the book was rebuilt.
    pub resyncs: u64,
    /// Checksums that matched.
    pub checksums_ok: u64,
    /// Checksums that did not.
    pub checksums_bad: u64,
    /// Independent comparisons made.
    pub audit_checked: u64,
    /// Of these, equal.
    pub audit_matched: u64,
    /// Trades.
    pub trades: u64,
    /// Trades seen before.
    pub duplicates: u64,
    /// Updates of the best bid and ask.
    pub bbo_updates: u64,
}

impl From<Counters> for CountersTold {
    fn from(it: Counters) -> Self {
        CountersTold {
            frames: it.frames,
            diffs_applied: it.diffs_applied,
            stale_dropped: it.stale_dropped,
            gaps: it.gaps,
            resyncs: it.resyncs,
            checksums_ok: it.checksums_ok,
            checksums_bad: it.checksums_bad,
            audit_checked: it.audit_checked,
            audit_matched: it.audit_matched,
            trades: it.trades,
            duplicates: it.duplicates,
            bbo_updates: it.bbo_updates,
        }
    }
}

impl StatusTold {
    /// A status in an instrument's units.
    pub fn of(status: &Status, scale: Scale) -> Self {
        let price = |units: Option<i64>| units.map(|units| decimal(units, scale.price));
        let ms = |nanos: i64| nanos as f64 / 1e6;
        StatusTold {
            validity: snake(&status.validity),
            since: (status.since.0 > 0).then(|| rfc3339(status.since)),
            since_ms: (status.since.0 > 0).then(|| millis(status.since)),
            counters: status.counters.into(),
            levels: [status.levels.0, status.levels.1],
            last_update_id: status.last_update_id,
            trusted: [price(status.trusted.0), price(status.trusted.1)],
            latency_raw_ms: status.latency_raw_ns.map(ms),
            latency_ms: status.latency_ns.map(|(latency, _)| ms(latency)),
            latency_uncertainty_ms: status.latency_ns.map(|(_, uncertainty)| ms(uncertainty)),
            recovery_ms: status.recovery_ns.map(ms),
            last_at_ms: (status.last_at.0 > 0).then(|| millis(status.last_at)),
        }
    }
}

impl InstrumentTold {
    /// What is known of an instrument.
    pub fn of(index: usize, market: &Market, now: Nanos) -> Self {
        let info = &market.info;
        let (contract_size, inverse, size_unit) = match info.contract {
            Contract::Base => (Some("1".to_owned()), false, "base"),
            Contract::Linear(value) => (Some(value.to_string()), false, "contracts"),
            Contract::Inverse(value) => (Some(value.to_string()), true, "contracts"),
            Contract::Unknown => (None, false, "contracts"),
        };
        let nothing = || StatusTold { validity: snake(&validity(market)), last_update_id: -1, ..StatusTold::default() };
        InstrumentTold {
            index,
            id: market.id.clone(),
            venue: info.venue.name(),
            symbol: info.symbol.clone(),
            canonical: info.canonical.clone(),
            kind: kind_name(info.kind),
            base: info.base.clone(),
            quote: info.quote.clone(),
            price_decimals: info.scale.price,
            size_decimals: info.scale.size,
            tick: info.tick.map(|tick| tick.to_string()),
            lot: info.lot.map(|lot| lot.to_string()),
            size_unit,
            contract_size,
            inverse,
            state: market.state.clone(),
            status: market.status.as_ref().map_or_else(nothing, |status| StatusTold::of(status, info.scale)),
            stamp: Stamp::of(market, now),
        }
    }

    /// All of a view.
    pub fn all(view: &View, now: Nanos) -> Vec<Self> {
        view.markets.iter().enumerate().map(|(index, market)| InstrumentTold::of(index, market, now)).collect()
    }
}

/// Everything that is watched, with the state of each book.
#[utoipa::path(get, path = "/api/v1/instruments", tag = "market", params(SourceQuery),
    responses((status = 200, description = "The instruments", body = Instruments)))]
async fn all(Origin(state): Origin) -> Json<Instruments> {
    let view = state.view();
    let instruments = InstrumentTold::all(&view, now(&state, &view));
    Json(Instruments { instruments })
}

/// One instrument.
#[utoipa::path(get, path = "/api/v1/instruments/{id}", tag = "market", params(Named, SourceQuery),
    responses((status = 200, description = "The instrument", body = InstrumentTold)))]
async fn one(Named { id }: Named, Origin(state): Origin) -> Result<Json<InstrumentTold>, Problem> {
    let view = state.view();
    let index = instrument(&view, &id)?.0 as usize;
    let market = view.markets.get(index).ok_or_else(|| Problem::busy("the instruments have just changed"))?;
    Ok(Json(InstrumentTold::of(index, market, now(&state, &view))))
}
