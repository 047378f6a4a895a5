//! Trades of an instrument, and what was traded at which price.

use super::asked::{Asked, Named, Origin, SourceQuery, instrument};
use super::problem::Problem;
use super::simulate::OrderSide;
use super::stamp::{Stamp, decimal, millis, now};
use super::{Api, Routes};
use crate::hub::profile::{ROLLING_SECONDS, Rows};
use crate::live::state::State;
use crate::view::TradeLine;
use axum::extract::State as Shared;
use axum::response::Json;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::units::{Nanos, Scale};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(trades)).routes(routes!(profile))
}

/// How many.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TradesQuery {
    /// Most trades, the latest ones [default: 200].
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
}

/// The latest trades.
#[derive(Debug, Serialize, ToSchema)]
pub struct TradesTold {
    /// `venue:symbol`.
    pub id: String,
    /// How far the book may be believed, and when the latest trade was received.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Trades since the start, those that are no longer kept included.
    pub seen: u64,
    /// Newest last.
    pub trades: Vec<TradeTold>,
}

/// One trade.
#[derive(Debug, Serialize, ToSchema)]
pub struct TradeTold {
    /// When it was received, unix milliseconds.
    pub at_ms: f64,
    /// Price, exact.
    pub price: String,
    /// Size, exact, in what the venue counts in.
    pub size: String,
    /// What the taker did.
    pub side: OrderSide,
}

impl TradeTold {
    /// A trade in an instrument's units.
    pub fn of(line: &TradeLine, scale: Scale) -> Self {
        TradeTold {
            at_ms: millis(line.at),
            price: decimal(line.price.0, scale.price),
            size: decimal(line.size.0, scale.size),
            side: if line.taker_buy { OrderSide::Buy } else { OrderSide::Sell },
        }
    }
}

/// Which instrument, its name, and its stamp for data of that time.
fn whose(state: &State, name: &str) -> Result<(InstrumentId, String), Problem> {
    let view = state.view();
    let index = instrument(&view, name)?;
    Ok((index, view.get(index).map(|market| market.id.clone()).unwrap_or_default()))
}

fn stamp(state: &State, index: InstrumentId, at: Option<Nanos>) -> Result<Stamp, Problem> {
    let view = state.view();
    let market = view.get(index).ok_or_else(|| Problem::busy("the instruments have just changed"))?;
    Ok(Stamp::at(market, at, now(state, &view)))
}

/// The latest trades of an instrument.
#[utoipa::path(get, path = "/api/v1/instruments/{id}/trades", tag = "market", params(Named, TradesQuery, SourceQuery),
    responses((status = 200, description = "The trades", body = TradesTold)))]
async fn trades(
    Shared(api): Shared<Arc<Api>>,
    Named { id }: Named,
    Asked(asked): Asked<TradesQuery>,
    Origin(state): Origin,
) -> Result<Json<TradesTold>, Problem> {
    let limit = asked.limit.map_or(200, |limit| limit as usize);
    if limit == 0 || limit > api.limits.trades_max {
        return Err(Problem::malformed(format!("limit is {limit}"), "limit is between 1 and 1000"));
    }
    let (index, id) = whose(&state, &id)?;
    let (seen, at, trades) = {
        let hub = state.hub.lock();
        match hub.get(index) {
            Some(slot) => {
                let skipped = slot.trades.len().saturating_sub(limit);
                let kept = slot.trades.iter().skip(skipped).map(|line| TradeTold::of(line, slot.info.scale));
                (slot.trades_seen, slot.trades.back().map(|line| line.at), kept.collect())
            }
            None => (0, None, Vec::new()),
        }
    };
    Ok(Json(TradesTold { id, stamp: stamp(&state, index, at)?, seen, trades }))
}

/// What was traded at which price.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProfileTold {
    /// `venue:symbol`.
    pub id: String,
    /// How far the book may be believed, and when the latest trade was received.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Width of a row of prices, quote currency; null before the first trade.
    pub row: Option<String>,
    /// What `rolling` reaches back, seconds.
    pub rolling_seconds: i64,
    /// Of the last minutes, by price, ascending.
    pub rolling: Vec<ProfileRow>,
    /// Since the start, by price, ascending.
    pub session: Vec<ProfileRow>,
}

/// A row of prices.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProfileRow {
    /// Its lowest price.
    pub price: String,
    /// Bought by takers, in what the venue counts in.
    pub buy: String,
    /// Sold by takers.
    pub sell: String,
}

/// The rows as they are told.
pub fn rows(rows: &Rows, width: i64, scale: Scale) -> Vec<ProfileRow> {
    let row = |(row, [buy, sell]): (&i64, &[i64; 2])| ProfileRow {
        price: decimal(row.saturating_mul(width), scale.price),
        buy: decimal(*buy, scale.size),
        sell: decimal(*sell, scale.size),
    };
    rows.iter().map(row).collect()
}

/// Volume at price: what takers bought and sold, over the last three minutes and since the start.
#[utoipa::path(get, path = "/api/v1/instruments/{id}/profile", tag = "market", params(Named, SourceQuery),
    responses((status = 200, description = "The profile", body = ProfileTold)))]
async fn profile(Named { id }: Named, Origin(state): Origin) -> Result<Json<ProfileTold>, Problem> {
    let (index, id) = whose(&state, &id)?;
    let (at, row, rolling, session) = {
        let hub = state.hub.lock();
        match hub.get(index) {
            Some(slot) => {
                let (profile, scale) = (&slot.profile, slot.info.scale);
                let width = profile.width();
                let row = (width > 0).then(|| decimal(width, scale.price));
                let [rolling, session] = [profile.rolling(), profile.session()].map(|it| rows(it, width, scale));
                (slot.trades.back().map(|line| line.at), row, rolling, session)
            }
            None => (None, None, Vec::new(), Vec::new()),
        }
    };
    let stamp = stamp(&state, index, at)?;
    Ok(Json(ProfileTold { id, stamp, row, rolling_seconds: ROLLING_SECONDS, rolling, session }))
}
